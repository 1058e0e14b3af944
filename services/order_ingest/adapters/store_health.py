"""How a store's hook fares: what came in the last days, how it ended, what still waits."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.order_ingest.adapters.books_questions import FETCH
from services.order_ingest.adapters.known_hooks import known_of

LOOKED_BACK: Final = timedelta(days=7)
COUNTED: Final = timedelta(days=1)
_MOST: Final = 20_000
_HABITS = text(
    """
    WITH its AS MATERIALIZED (
        SELECT d.received_at FROM webhook_delivery d JOIN store s USING (merchant_no, store_no)
        WHERE s.store_id = :store_id AND d.received_at > :since AND d.origin = 'live'
        ORDER BY d.received_at DESC LIMIT :most)
    SELECT count(*) AS deliveries, max(received_at) AS last_at, max(pause) AS longest_pause
    FROM (SELECT received_at, received_at - lag(received_at) OVER (ORDER BY received_at) AS pause FROM its) p
    """
)
_STATES = text(
    """
    SELECT coalesce(o.state, 'received') AS state, count(*) AS count, min(d.received_at) AS oldest_at
    FROM webhook_delivery d JOIN store s USING (merchant_no, store_no)
    LEFT JOIN delivery_outcome o ON (o.lane, o.seq, o.received_at) = (d.lane, d.seq, d.received_at)
    WHERE s.store_id = :store_id AND d.received_at > :since GROUP BY 1
    """
)
_TOPICS = text(
    """
    SELECT coalesce(d.topic, '') AS topic, count(*) AS count, max(d.received_at) AS last_at
    FROM webhook_delivery d JOIN store s USING (merchant_no, store_no)
    WHERE s.store_id = :store_id AND d.received_at > :since GROUP BY 1 ORDER BY 1 LIMIT 100
    """
)
_ASKED = text(
    """
    SELECT a.pulled_until, a.last_failure_at, a.last_failure
    FROM store_access a JOIN store s USING (merchant_no, store_no) WHERE s.store_id = :store_id
    """
)
_SUBSCRIPTIONS = text(
    """
    SELECT a.subscriptions_at AS asked_at, a.subscriptions_failure AS failure, a.subscriptions AS items,
           a.hooks_known
    FROM store_access a JOIN store s USING (merchant_no, store_no)
    WHERE s.store_id = :store_id AND a.subscriptions_at IS NOT NULL
    """
)
_DISCONNECTED = text("SELECT disconnected_at FROM store WHERE store_id = :store_id")
_FETCHES = text(
    """
    SELECT state, count(*) AS count FROM effect
    WHERE kind = :kind AND payload ->> 'store_id' = CAST(:store_id AS text) AND updated_at > :since GROUP BY 1
    """
)
# Days are named one by one: a range would read every store's.
_REFUSED = text(
    """
    SELECT r.reason, CAST(sum(r.count) AS int8) AS count, max(r.last_at) AS last_at
    FROM store s JOIN hook_refusal r USING (merchant_no, store_no)
    WHERE s.store_id = :store_id AND r.day = ANY (CAST(:days AS date[])) GROUP BY 1 ORDER BY 1
    """
)


async def store_health(connection: AsyncConnection, store_id: UUID, now: datetime) -> Mapping[str, Any]:
    """Habits of seven days (of the last 20,000 deliveries at most), states of one, topics of seven."""
    habits = (
        await connection.execute(_HABITS, {"store_id": store_id, "since": now - LOOKED_BACK, "most": _MOST})
    ).one()
    states = (await connection.execute(_STATES, {"store_id": store_id, "since": now - COUNTED})).all()
    topics = await connection.execute(_TOPICS, {"store_id": store_id, "since": now - LOOKED_BACK})
    asked = (await connection.execute(_ASKED, {"store_id": store_id})).one_or_none()
    subscriptions = (await connection.execute(_SUBSCRIPTIONS, {"store_id": store_id})).one_or_none()
    fetches = await connection.execute(_FETCHES, {"kind": FETCH, "store_id": str(store_id), "since": now - COUNTED})
    return {
        **habits._mapping,
        "disconnected_at": await connection.scalar(_DISCONNECTED, {"store_id": store_id}),
        "asked": dict(asked._mapping) if asked else None,
        "subscriptions": _subscriptions(subscriptions, now) if subscriptions else None,
        "fetches": {row.state: row.count for row in fetches},
        "states": {row.state: row.count for row in states},
        "waiting_since": next((row.oldest_at for row in states if row.state == "received"), None),
        "topics": [dict(row._mapping) for row in topics],
        "refused": await _refused(connection, store_id, now),
    }


def _subscriptions(row: Row[Any], now: datetime) -> dict[str, Any]:
    hooks = sorted(known_of(row.hooks_known).items())
    restored = [
        {"topic": topic, "at": hook.ended_at, "failure": hook.shown_failure}
        for topic, hook in hooks
        if hook.ended_at is not None and hook.ended_at > now - LOOKED_BACK
    ]
    return {"asked_at": row.asked_at, "failure": row.failure, "items": row.items, "restored": restored}


async def _refused(connection: AsyncConnection, store_id: UUID, now: datetime) -> list[dict[str, Any]]:
    days = [(now - timedelta(days=ago)).date() for ago in range(LOOKED_BACK.days)]
    rows = await connection.execute(_REFUSED, {"store_id": store_id, "days": days})
    return [dict(row._mapping) for row in rows]
