"""With each pull a store's platform is asked which hooks it has for the store: platforms end them without a word.

Of the answer only topics and whether they are active are kept. Addresses hold the store's endpoint token.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.kernel.identifiers import derived_id
from libs.servicekit.effects import Admission, Done, Effect, Outcome, request_effects
from libs.servicekit.sealing import Vault
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.asked_stores import AskedStores, answered
from services.order_ingest.application.store_apis import SubscriptionApi
from services.order_ingest.domain.pulling import is_under_way
from services.order_ingest.domain.subscribed import leads_to, lists_hooks

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


class AskSubscriptions:
    """Effects of the kind `store.subscriptions`."""

    repeats_unknown = True
    max_attempts = 6

    def __init__(self, apis: Mapping[str, SubscriptionApi], vault: Vault) -> None:
        self._stores = AskedStores(apis, vault)

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
            return Done({"hooks": len(ours)}, [{"topic": hook.topic, "active": hook.active} for hook in ours])

        return await answered(ask())

    async def record(self, uow: UnitOfWork, outcomes: Sequence[tuple[Effect, Outcome]], now: datetime) -> None:
        """What the platforms said stands in place of what they said before; a failure leaves nothing standing."""
        ended = sorted(outcomes, key=lambda each: int(each[0].payload["store_no"]))
        if not ended:
            return
        values = {
            "now": now,
            "numbers": [int(effect.payload["store_no"]) for effect, _ in ended],
            "begun": [datetime.fromisoformat(effect.payload["began_at"]) for effect, _ in ended],
            "found": [_found(outcome) for _, outcome in ended],
            "failures": [None if isinstance(outcome, Done) else outcome.reason for _, outcome in ended],
        }
        await uow.connection.execute(_KEEP, values)


def _found(outcome: Outcome) -> str | None:
    return json.dumps(outcome.carried) if isinstance(outcome, Done) else None
