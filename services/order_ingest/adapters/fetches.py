"""Single orders asked of their store because a thin hook named them: an effect per delivery, one question per order."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from libs.servicekit.effects import Admission, Done, Drop, Effect, Outcome
from libs.servicekit.sealing import Vault
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.asked_stores import AskedStores, answered
from services.order_ingest.adapters.pulled import append_pulled
from services.order_ingest.adapters.store_access import Reachable
from services.order_ingest.application.store_apis import Document, StoreApi


class FetchOrders:
    """Effects of the kind `store.fetch`: what comes back goes into the intake."""

    repeats_unknown = True
    max_attempts = 12

    def __init__(self, apis: Mapping[str, StoreApi], vault: Vault) -> None:
        self._vault = vault
        self._stores = AskedStores(apis, vault)

    async def admit(self, uow: UnitOfWork, effects: Sequence[Effect], now: datetime, at_most: int) -> Admission:
        """Of several deliveries that name one order the first asks: its answer will be newer than all of them."""
        dropped = dict(await self._stores.find(uow.connection, effects))
        chosen: set[tuple[int, str]] = set()
        later: set[UUID] = set()
        for effect in effects:
            order = int(effect.payload["store_no"]), str(effect.payload["external_id"])
            if effect.effect_id in dropped:
                continue
            if order in chosen:
                dropped[effect.effect_id] = Drop("asked for another delivery of the same order")
            elif len(chosen) < at_most:
                chosen.add(order)
            else:
                later.add(effect.effect_id)
        return Admission(dropped, later)

    async def call(self, effect: Effect) -> Outcome:
        """The order as it is now, in our hands only: it is put away when the outcome is recorded."""
        store, api = self._stores.of(effect)

        async def ask() -> Done:
            document = await api.order(store.access, str(effect.payload["external_id"]))
            return Done({"found": document is not None}, (store, document))

        return await answered(ask())

    async def record(self, uow: UnitOfWork, outcomes: Sequence[tuple[Effect, Outcome]], now: datetime) -> None:
        """Orders that were found queue in the intake, in the transaction that settles the question."""
        found: list[tuple[Reachable, Document]] = []
        for _, outcome in outcomes:
            if isinstance(outcome, Done) and isinstance(outcome.carried, tuple):
                store, document = outcome.carried
                if document is not None:
                    found.append((store, document))
        await append_pulled(uow.connection, self._vault, found, now)
