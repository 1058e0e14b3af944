"""With each pull a store's platform is asked which hooks it has for the store: platforms end them without a word.

Of the answer topics are kept, whether they are active and whether they lead where the store shows. Addresses hold the
store's endpoint token.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.kernel.identifiers import derived_id
from libs.servicekit.effects import Admission, Done, Effect, Outcome, request_effects
from libs.servicekit.sealing import Vault
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.asked_stores import AskedStores, answered
from services.order_ingest.adapters.hook_restorations import Heard, restore_missing
from services.order_ingest.adapters.store_access import Reachable
from services.order_ingest.application.store_apis import Subscription, SubscriptionApi
from services.order_ingest.domain.pulling import is_under_way
from services.order_ingest.domain.restoring import Hooks
from services.order_ingest.domain.subscribed import hook_url, leads_to, lists_hooks, restores_hooks

LIST_HOOKS: Final = "store.subscriptions"
_BEGIN: Final = text(
    "UPDATE store_access SET subscriptions_since = :now WHERE store_no = ANY (CAST(:numbers AS int4[]))"
)
# Locked in the order in which pulls lock them. An access that was put again meanwhile has begun another question.
_KEEP: Final = text(
    """
    WITH ended AS MATERIALIZED (
        SELECT store_no, subscriptions_since FROM store_access
        WHERE store_no = ANY (CAST(:numbers AS int4[])) ORDER BY store_no FOR UPDATE)
    UPDATE store_access a SET subscriptions = CAST(x.found AS jsonb), subscriptions_at = :now,
        subscriptions_failure = x.failure, subscriptions_since = NULL
    FROM ended JOIN unnest(CAST(:numbers AS int4[]), CAST(:begun AS timestamptz[]), CAST(:found AS text[]),
                           CAST(:failures AS text[])) AS x(store_no, began_at, found, failure)
        ON (x.store_no, x.began_at) = (ended.store_no, ended.subscriptions_since)
    WHERE a.store_no = ended.store_no
    """
)


async def ask_for_subscriptions(connection: AsyncConnection, stores: Sequence[Row[Any]], now: datetime) -> None:
    """The platforms that list hooks will be asked, unless they are being asked; the stores' rows are locked."""
    asked = [each for each in stores if lists_hooks(each.platform) and not is_under_way(each.subscriptions_since, now)]
    if asked:
        await connection.execute(_BEGIN, {"now": now, "numbers": [store.store_no for store in asked]})
        await request_effects(connection, [_question(store, now) for store in asked], now)


def _question(store: Row[Any], now: datetime) -> Effect:
    key = f"{store.store_id}/{now.isoformat()}"
    payload = {"store_no": store.store_no, "store_id": str(store.store_id), "began_at": now.isoformat()}
    return Effect(store.merchant_no, derived_id(store.store_id, LIST_HOOKS, key), LIST_HOOKS, key, payload)


@dataclass(frozen=True, slots=True)
class _Listed:
    """Hooks of the store; `known`: of a platform whose deleted hooks are made anew, by topic."""

    items: Sequence[Mapping[str, Any]]
    known: Hooks | None


class AskSubscriptions:
    """Effects of the kind `store.subscriptions`."""

    repeats_unknown = True
    max_attempts = 6

    def __init__(self, apis: Mapping[str, SubscriptionApi], public_url: str, vault: Vault) -> None:
        self._stores = AskedStores(apis, vault)
        self._public_url = public_url

    async def admit(self, uow: UnitOfWork, effects: Sequence[Effect], now: datetime, at_most: int) -> Admission:
        """All but those of stores that cannot be asked any more."""
        dropped = await self._stores.find(uow.connection, effects)
        asked = [effect.effect_id for effect in effects if effect.effect_id not in dropped]
        return Admission(dropped, frozenset(asked[at_most:]))

    async def call(self, effect: Effect) -> Outcome:
        """The hooks that lead to this store's address, in our hands only, without the address."""
        store, api = self._stores.of(effect)

        async def ask() -> Done:
            hooks = await api.subscriptions(store.access)
            ours = [hook for hook in hooks if leads_to(hook.address, store.hook_path)]
            ours.sort(key=lambda hook: (hook.topic, hook.active))
            items = [{"topic": hook.topic, "active": hook.active} for hook in ours]
            return Done({"hooks": len(ours)}, _Listed(items, self._known(store, ours)))

        return await answered(ask())

    def _known(self, store: Reachable, ours: Sequence[Subscription]) -> Hooks | None:
        if not restores_hooks(store.platform):
            return None
        shown = hook_url(self._public_url, store.hook_path)
        exact = {hook.topic for hook in ours if hook.address == shown}
        return {hook.topic: hook.topic in exact for hook in ours}

    async def record(self, uow: UnitOfWork, outcomes: Sequence[tuple[Effect, Outcome]], now: datetime) -> None:
        """What the platforms said stands in place of what they said before; a failure leaves nothing standing."""
        ended = sorted(outcomes, key=lambda each: int(each[0].payload["store_no"]))
        if not ended:
            return
        await restore_missing(uow.connection, [heard for each in ended if (heard := _heard(*each))], now)
        values = {
            "now": now,
            "numbers": [int(effect.payload["store_no"]) for effect, _ in ended],
            "begun": [datetime.fromisoformat(effect.payload["began_at"]) for effect, _ in ended],
            "found": [_found(outcome) for _, outcome in ended],
            "failures": [None if isinstance(outcome, Done) else outcome.reason for _, outcome in ended],
        }
        await uow.connection.execute(_KEEP, values)


def _found(outcome: Outcome) -> str | None:
    listed = _listed(outcome)
    return json.dumps(listed.items) if listed else None


def _heard(effect: Effect, outcome: Outcome) -> Heard | None:
    listed = _listed(outcome)
    if listed is None or listed.known is None:
        return None
    return Heard(
        merchant_no=effect.merchant_no,
        store_no=int(effect.payload["store_no"]),
        store_id=UUID(effect.payload["store_id"]),
        began_at=datetime.fromisoformat(effect.payload["began_at"]),
        hooks=listed.known,
    )


def _listed(outcome: Outcome) -> _Listed | None:
    return outcome.carried if isinstance(outcome, Done) and isinstance(outcome.carried, _Listed) else None
