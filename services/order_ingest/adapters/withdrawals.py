"""Withdrawals from marketing told to stores, as effects: one for each withdrawal and store.

A row names our customer and no id of the store's: that is looked up when the call is made, so that nothing outlives a
merge or an erasure in it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.kernel.identifiers import derived_id
from libs.servicekit.effects import Admission, Done, Drop, Effect, Failed, Outcome, Unknown, request_effects
from libs.servicekit.logs import logger
from libs.servicekit.sealing import Vault
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.asked_stores import AskedStores, answered
from services.order_ingest.adapters.names_at_stores import NameAtStore, Person, names_at_stores
from services.order_ingest.application.hearing import Withdrawal
from services.order_ingest.application.store_apis import ConsentApi, Unsubscription
from services.order_ingest.domain.reading import microseconds
from services.order_ingest.domain.withdrawal import TOPIC

WITHDRAW: Final = "consent.withdraw"
_log = logger(__name__)


async def request_withdrawals(connection: AsyncConnection, withdrawals: Sequence[Withdrawal], now: datetime) -> None:
    """The stores will be told, each once for one withdrawal."""
    await request_effects(connection, [_effect(withdrawal) for withdrawal in withdrawals], now)


def _effect(withdrawal: Withdrawal) -> Effect:
    store = withdrawal.store
    payload = {
        "store_no": store.store_no,
        "store_id": str(store.store_id),
        "customer_id": str(withdrawal.customer_id),
        "channel": withdrawal.channel,
        "at": withdrawal.at.isoformat(),
    }
    key = f"{withdrawal.cause_id}/{store.store_id}"
    return Effect(store.merchant_no, derived_id(withdrawal.cause_id, WITHDRAW, key), WITHDRAW, key, payload)


class PushWithdrawals:
    """Effects of the kind `consent.withdraw`."""

    repeats_unknown = True
    max_attempts = 40

    def __init__(self, apis: Mapping[str, ConsentApi], vault: Vault, counted: Callable[[str, str], None]) -> None:
        self._stores = AskedStores(apis, vault)
        self._names: Mapping[Person, Sequence[NameAtStore]] = {}
        self._counted = counted

    async def admit(self, uow: UnitOfWork, effects: Sequence[Effect], now: datetime, at_most: int) -> Admission:
        """All but those of which their store need not or cannot be told any more."""
        dropped = dict(await self._stores.find(uow.connection, effects))
        self._names = await names_at_stores(uow.connection, {_person_of(effect) for effect in effects})
        for effect in effects:
            reason = _needless(effect, self._names_of(effect))
            if reason is not None:
                dropped.setdefault(effect.effect_id, Drop(reason))
        told = [effect.effect_id for effect in effects if effect.effect_id not in dropped]
        return Admission(dropped, frozenset(told[at_most:]))

    async def call(self, effect: Effect) -> Outcome:
        """The store has the withdrawal on record for every id that it has for the customer."""
        store, api = self._stores.of(effect)
        channel, at = effect.payload["channel"], datetime.fromisoformat(effect.payload["at"])

        async def tell() -> Done:
            for name in self._names_of(effect):
                told = Unsubscription(external_id=name.external_id, channel=channel, at=at)
                await api.unsubscribe(store.access, told)
            return Done()

        return await answered(tell())

    async def record(self, uow: UnitOfWork, outcomes: Sequence[tuple[Effect, Outcome]], now: datetime) -> None:
        """How each ended is counted, and a store that was not told is named in the log."""
        for effect, outcome in outcomes:
            self._counted(WITHDRAW, type(outcome).__name__.lower())
            if isinstance(outcome, (Failed, Unknown)):
                named = {"effect_id": str(effect.effect_id), "store_id": effect.payload["store_id"]}
                _log.warning("withdrawal_not_told", **named, reason=outcome.reason)

    def _names_of(self, effect: Effect) -> Sequence[NameAtStore]:
        store_no = int(effect.payload["store_no"])
        return [name for name in self._names.get(_person_of(effect), ()) if name.store_no == store_no]


def _person_of(effect: Effect) -> Person:
    return effect.merchant_no, UUID(effect.payload["customer_id"])


def _needless(effect: Effect, names: Sequence[NameAtStore]) -> str | None:
    if not names:
        return "the store has no id for the customer any more"
    at_us = microseconds(datetime.fromisoformat(effect.payload["at"]))
    mark = names[0].consents.get(f"{effect.payload['channel']}/{TOPIC}")
    if mark is not None and mark.state == "subscribed" and mark.at_us > at_us:
        return "the customer has subscribed again since"
    return None
