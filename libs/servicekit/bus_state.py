"""What a service's own database knows of the bus: what it has not told yet, and how far it has read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# Sequences of an epoch start at epoch << 40, so a head minus a cursor counts events only within one epoch.
_OUTBOX = text(
    """
    SELECT c.bus, c.topic, count(*) FILTER (WHERE o.next_seq - 1 > c.published) AS lanes_behind,
        coalesce(sum(least(o.next_seq - 1 - c.published, (o.next_seq - 1) & ((1::int8 << 40) - 1)))
            FILTER (WHERE o.next_seq - 1 > c.published), 0)::int8 AS unpublished,
        max(extract(epoch FROM clock_timestamp() - first.created_at))::float8 AS oldest_seconds
    FROM outbox_cursor c JOIN outbox_lane o USING (topic, lane)
    LEFT JOIN LATERAL (SELECT b.created_at FROM outbox b WHERE o.next_seq - 1 > c.published
        AND b.topic = c.topic AND b.lane = c.lane AND b.seq > c.published ORDER BY b.seq LIMIT 1) first ON true
    GROUP BY c.bus, c.topic ORDER BY c.bus, c.topic
    """
)
_INBOX = text(
    """
    SELECT i.source, i.topic, count(*) FILTER (WHERE i.gap_since IS NOT NULL) AS lanes_with_gap,
        max(i.updated_at) FILTER (WHERE i.last_seq > 0) AS last_applied_at,
        (SELECT count(*) FROM parked_event p WHERE p.consumer_group = :group AND p.source = i.source
            AND p.topic = i.topic AND p.status = 'parked') AS parked
    FROM inbox_lane i WHERE i.consumer_group = :group GROUP BY i.source, i.topic ORDER BY i.source, i.topic
    """
)
_REWIND = text(
    """
    UPDATE outbox_cursor c SET published = least(c.published, greatest(CAST(:published AS int8), f.floor - 1))
    FROM (SELECT f.topic, f.lane, f.floor FROM outbox_floor f JOIN outbox_cursor k USING (topic, lane)
          WHERE f.topic = :topic AND (CAST(:lane AS int2) IS NULL OR f.lane = :lane)
          ORDER BY k.bus, k.topic, k.lane FOR UPDATE OF k) f
    WHERE c.topic = f.topic AND c.lane = f.lane
    RETURNING c.bus, c.lane, c.published
    """
)
_RETIRE = text("DELETE FROM outbox_cursor WHERE bus = :bus")
_OUTBOX_DAYS = text("SELECT count(*) FROM unnest(CAST(:names AS text[])) n WHERE to_regclass(n) IS NOT NULL")


@dataclass(frozen=True, slots=True)
class Untold:
    """One topic on one bus: facts committed here that the relay has not handed over."""

    bus: str
    topic: str
    lanes_behind: int
    unpublished: int
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One topic that a consumer group reads."""

    source: str
    topic: str
    lanes_with_gap: int
    last_applied_at: datetime | None
    parked: int


async def untold(connection: AsyncConnection) -> Sequence[Untold]:
    """Per bus and topic, what waits for the relay."""
    return [Untold(**row._mapping) for row in await connection.execute(_OUTBOX)]


async def reading(connection: AsyncConnection, group: str) -> Sequence[Reading]:
    """Per source and topic, how `group` stands."""
    return [Reading(**row._mapping) for row in await connection.execute(_INBOX, {"group": group})]


async def rewind(connection: AsyncConnection, *, topic: str, lane: int | None, published: int) -> int:
    """The relay's cursors of the topic (of one lane or all, on every bus) stand at `published` or below.

    Never below what the outbox still holds. The facts behind the cursor are handed over again; consumers that have
    applied them drop them. How many cursors there are.
    """
    found = await connection.execute(_REWIND, {"topic": topic, "lane": lane, "published": published})
    return len(found.all())


async def retire(connection: AsyncConnection, bus: str) -> int:
    """No cursor of that bus is left: it holds retention no longer, and nothing waits for it. How many there were."""
    return (await connection.execute(_RETIRE, {"bus": bus})).rowcount


async def has_outbox_days(connection: AsyncConnection, days: Sequence[datetime]) -> bool:
    """True if a fact said on each of these days has a partition to go to."""
    names = [f"outbox_{day:%Y%m%d}" for day in days]
    return bool(await connection.scalar(_OUTBOX_DAYS, {"names": names}) == len(names))
