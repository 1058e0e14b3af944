"""Reconciliation: every quarter of an hour each store is asked for what changed, once a day for all of two days.

A due row begins a pull, each page of it is an effect, and the store's own row says how far it came. What hooks have
told already changes nothing when it is pulled: orders merge by the platform's own update time.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.kernel.identifiers import derived_id
from libs.servicekit.effects import Admission, Done, Effect, Failed, Outcome, request_effects
from libs.servicekit.sealing import Vault
from libs.servicekit.timers import Due, schedule
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.asked_stores import AskedStores, answered
from services.order_ingest.adapters.pulled import append_pulled
from services.order_ingest.adapters.store_access import Reachable
from services.order_ingest.adapters.store_subscriptions import ask_for_subscriptions
from services.order_ingest.application.store_apis import ApiRefuses, Document, Page, StoreApi
from services.order_ingest.domain.pulling import EVERY, PullState, begin

PULL: Final = "store.pull"
_MOST_PAGES: Final = 10_000
_STATES: Final = text(
    """
    SELECT a.store_no, a.merchant_no, s.store_id, s.platform, a.pulled_until, a.swept_at, a.pulling_since,
           a.subscriptions_since
    FROM store_access a JOIN store s USING (store_no)
    WHERE a.store_no = ANY (CAST(:numbers AS int4[])) ORDER BY a.store_no FOR UPDATE OF a
    """
)
_BEGIN: Final = text(
    """
    UPDATE store_access a SET pulling_since = :now, swept_at = x.swept_at
    FROM unnest(CAST(:numbers AS int4[]), CAST(:sweeps AS timestamptz[])) x(store_no, swept_at)
    WHERE a.store_no = x.store_no
    """
)
_COUNT: Final = text(
    """
    UPDATE store_access SET orders = orders + :orders WHERE store_no = :store_no AND pulling_since = :began_at
    """
)
# Somebody may have asked for more of the past while the pull was under way: then that is still to be done.
_END: Final = text(
    """
    UPDATE store_access SET orders = orders + :orders, pulling_since = NULL,
        pulled_until = CASE WHEN pulled_until < :since THEN pulled_until ELSE :began_at END,
        last_success_at = :now, last_failure = NULL
    WHERE store_no = :store_no AND pulling_since = :began_at
    """
)
_BREAK: Final = text(
    """
    UPDATE store_access SET pulling_since = NULL, last_failure_at = :now, last_failure = :reason
    WHERE store_no = :store_no AND pulling_since = :began_at
    """
)


async def pull_soon(
    connection: AsyncConnection, merchant_no: int, store_no: int, store_id: UUID, now: datetime
) -> None:
    """The store is asked as soon as the clock comes by."""
    await schedule(connection, [_due(merchant_no, store_no, store_id, now)])


def _due(merchant_no: int, store_no: int, store_id: UUID, at: datetime) -> Due:
    return Due(merchant_no, PULL, str(store_id), at, {"store_no": store_no})


class BeginPulls:
    """Handles due rows of the kind `store.pull`."""

    async def handle(self, uow: UnitOfWork, rows: Sequence[Due], now: datetime) -> None:
        """Each store's pull and the question for its hooks begin unless under way, and the next are noted.

        A store without access is let go.
        """
        numbers = [int(row.payload["store_no"]) for row in rows]
        stores = (await uow.connection.execute(_STATES, {"numbers": numbers})).all()
        started, effects = list[tuple[int, datetime]](), list[Effect]()
        for store in stores:
            start = begin(PullState(store.pulled_until, store.swept_at, store.pulling_since), now)
            if start is not None:
                started.append((store.store_no, start.swept_at))
                effects.append(_page(store.merchant_no, store.store_no, store.store_id, start.since, now))
        if started:
            begun, sweeps = (list(column) for column in zip(*started, strict=True))
            await uow.connection.execute(_BEGIN, {"now": now, "numbers": begun, "sweeps": sweeps})
        await request_effects(uow.connection, effects, now)
        await ask_for_subscriptions(uow.connection, stores, now)
        await schedule(
            uow.connection,
            [_due(store.merchant_no, store.store_no, store.store_id, now + EVERY) for store in stores],
        )


def _page(
    merchant_no: int,
    store_no: int,
    store_id: UUID,
    since: datetime,
    began_at: datetime,
    *,
    number: int = 1,
    cursor: str | None = None,
) -> Effect:
    key = f"{store_id}/{began_at.isoformat()}/{number}"
    payload = {
        "store_no": store_no,
        "store_id": str(store_id),
        "since": since.isoformat(),
        "began_at": began_at.isoformat(),
        "number": number,
        "cursor": cursor,
    }
    return Effect(merchant_no, derived_id(store_id, PULL, key), PULL, key, payload)


class PullPages:
    """Effects of the kind `store.pull`: a page each, the last of which ends the pull."""

    repeats_unknown = True
    max_attempts = 6

    def __init__(self, apis: Mapping[str, StoreApi], vault: Vault) -> None:
        self._vault = vault
        self._stores = AskedStores(apis, vault)

    async def admit(self, uow: UnitOfWork, effects: Sequence[Effect], now: datetime, at_most: int) -> Admission:
        """All but those of stores that cannot be asked any more."""
        dropped = await self._stores.find(uow.connection, effects)
        asked = [effect.effect_id for effect in effects if effect.effect_id not in dropped]
        return Admission(dropped, frozenset(asked[at_most:]))

    async def call(self, effect: Effect) -> Outcome:
        """One page, in our hands only: it is put away when the outcome is recorded."""
        store, api = self._stores.of(effect)
        payload = effect.payload
        if payload["number"] > _MOST_PAGES:
            return Failed(f"more than {_MOST_PAGES} pages")

        async def ask() -> Done:
            since = datetime.fromisoformat(payload["since"])
            page = await api.changed_orders(store.access, since, payload["cursor"])
            if not (page.next_cursor or "").isprintable():
                raise ApiRefuses("the next page's cursor holds what cannot be stored")
            return Done({"orders": len(page.documents)}, (store, page))

        return await answered(ask())

    async def record(self, uow: UnitOfWork, outcomes: Sequence[tuple[Effect, Outcome]], now: datetime) -> None:
        """Pages queue in the intake, the pages behind them are asked for, pulls that came to their end say so."""
        found: list[tuple[Reachable, Document]] = []
        for effect, outcome in sorted(outcomes, key=lambda each: int(each[0].payload["store_no"])):
            if isinstance(outcome, Done) and isinstance(outcome.carried, tuple):
                store, page = outcome.carried
                found += [(store, document) for document in page.documents]
                await _go_on(uow.connection, effect, page, now)
            else:
                reason = "" if isinstance(outcome, Done) else outcome.reason
                values = {**_pull_of(effect), "now": now, "reason": reason}
                await uow.connection.execute(_BREAK, values)
        await append_pulled(uow.connection, self._vault, found, now)


async def _go_on(connection: AsyncConnection, effect: Effect, page: Page, now: datetime) -> None:
    values = {**_pull_of(effect), "orders": len(page.documents)}
    if page.next_cursor is None:
        since = datetime.fromisoformat(effect.payload["since"])
        await connection.execute(_END, {**values, "since": since, "now": now})
        return
    counted = await connection.execute(_COUNT, values)
    if counted.rowcount:  # else the store's access has changed meanwhile, and this pull is nobody's
        payload = effect.payload
        following = _page(
            effect.merchant_no,
            payload["store_no"],
            UUID(payload["store_id"]),
            datetime.fromisoformat(payload["since"]),
            datetime.fromisoformat(payload["began_at"]),
            number=payload["number"] + 1,
            cursor=page.next_cursor,
        )
        await request_effects(connection, [following], now)


def _pull_of(effect: Effect) -> dict[str, Any]:
    payload = effect.payload
    return {"store_no": payload["store_no"], "began_at": datetime.fromisoformat(payload["began_at"])}
