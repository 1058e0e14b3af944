"""The relay's side of the outbox: lanes with work, their rows, the compare-and-set cursor."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from libs.eventbus.arrivals import opening
from libs.eventbus.port import Outgoing
from libs.eventbus.words import Row

_EVER = datetime(2000, 1, 1, tzinfo=UTC)
_SETTLED = timedelta(hours=1)
_RESETTLE = timedelta(minutes=10)

_CURSORS = """
INSERT INTO outbox_cursor (bus, topic, lane, published)
SELECT $1, topic, lane, floor - 1 FROM outbox_floor ORDER BY topic, lane ON CONFLICT DO NOTHING
"""
_WORK = """
SELECT c.topic, c.lane, c.published, f.floor, o.next_seq - 1 AS head
FROM outbox_cursor c JOIN outbox_lane o USING (topic, lane) JOIN outbox_floor f USING (topic, lane)
WHERE c.bus = $1 AND o.next_seq - 1 > c.published ORDER BY c.topic, c.lane
"""
# An even share for each lane, or one with a backlog would starve the rest. `seq >` and no upper bound: a new epoch
# starts far above. The lower bound on created_at prunes the days that were handed over long ago.
_ROWS = """
SELECT b.topic, b.lane, b.seq, b.event_id, b.chain, b.merchant_id::text || ':' || b.subject, b.headers, b.payload,
    b.type = 'epoch.started.v1' AS opens
FROM unnest($1::text[], $2::int2[], $3::int8[]) a(topic, lane, published)
CROSS JOIN LATERAL (SELECT * FROM outbox WHERE outbox.topic = a.topic AND outbox.lane = a.lane
    AND outbox.seq > a.published AND outbox.created_at >= $4 ORDER BY outbox.seq LIMIT $5) b
ORDER BY b.topic, b.lane, b.seq
"""
# Compare-and-set: a rewind in between must win, or the batch in flight would move the cursor past it.
_ADVANCE = """
UPDATE outbox_cursor t SET published = x.hi
FROM unnest($2::text[], $3::int2[], $4::int8[], $5::int8[]) x(topic, lane, lo, hi)
WHERE t.bus = $1 AND t.topic = x.topic AND t.lane = x.lane AND t.published = x.lo RETURNING t.topic, t.lane
"""
_HEADS = """
SELECT o.topic, o.lane, o.epoch, f.floor, o.next_seq - 1 AS head, o.chain
FROM outbox_cursor c JOIN outbox_lane o USING (topic, lane) JOIN outbox_floor f USING (topic, lane)
WHERE c.bus = $1 AND c.published = o.next_seq - 1 ORDER BY o.topic, o.lane
"""
_OLDEST = """
SELECT extract(epoch FROM clock_timestamp() - min(b.created_at))::float8
FROM outbox_cursor c JOIN outbox_lane o USING (topic, lane)
CROSS JOIN LATERAL (SELECT created_at FROM outbox b WHERE b.topic = c.topic AND b.lane = c.lane
    AND b.seq > c.published ORDER BY b.seq LIMIT 1) b
WHERE c.bus = $1 AND o.next_seq - 1 > c.published
"""


class LaneKey(NamedTuple):
    """A lane of this source."""

    topic: str
    lane: int


class Work(NamedTuple):
    """A lane whose cursor is behind its head."""

    key: LaneKey
    published: int
    floor: int
    head: int


class Stored(NamedTuple):
    """A row, for the plan and for the bus."""

    row: Row
    outgoing: Outgoing


class Advance(NamedTuple):
    """A cursor to move from `low` to `high`."""

    key: LaneKey
    low: int
    high: int


class Head(NamedTuple):
    """A lane that is handed over completely."""

    key: LaneKey
    epoch: int
    floor: int
    head: int
    chain: bytes


class OutboxReader:
    """Reads one source's outbox for one bus over one asyncpg connection.

    asyncpg directly: the connection also holds the leader's lock, and rows go to the bus in bulk untouched.
    """

    def __init__(self, connection: Any, bus: str) -> None:
        self._connection = connection
        self._bus = bus
        self._since = _EVER
        self._settled_at: datetime | None = None

    async def prepare(self) -> None:
        """Every lane has a cursor for this bus; a new one starts at the lane's floor."""
        await self._connection.execute(_CURSORS, self._bus)

    async def work(self) -> list[Work]:
        """Lanes with rows to hand over."""
        found = await self._connection.fetch(_WORK, self._bus)
        return [Work(LaneKey(topic, lane), published, floor, head) for topic, lane, published, floor, head in found]

    async def rows(self, work: Sequence[Work], per_lane: int) -> dict[LaneKey, list[Stored]]:
        """The next rows of these lanes, at most `per_lane` each."""
        if not work:
            return {}
        found = await self._connection.fetch(
            _ROWS,
            [one.key.topic for one in work],
            [one.key.lane for one in work],
            [one.published for one in work],
            self._since,
            per_lane,
        )
        lanes: dict[LaneKey, list[Stored]] = {one.key: [] for one in work}
        for topic, lane, seq, event_id, chain, key, headers, payload, opens in found:
            after = opening(payload).previous.sequence if opens else None
            lanes[LaneKey(topic, lane)].append(
                Stored(Row(seq, event_id, chain, after), Outgoing(topic, lane, key, headers, payload))
            )
        return lanes

    async def advance(self, moves: Sequence[Advance]) -> int:
        """Cursors that still stood at `low` stand at `high`; how many that were."""
        moved = await self._connection.fetch(
            _ADVANCE,
            self._bus,
            [one.key.topic for one in moves],
            [one.key.lane for one in moves],
            [one.low for one in moves],
            [one.high for one in moves],
        )
        return len(moved)

    async def heads(self) -> list[Head]:
        """The lanes that are handed over completely."""
        found = await self._connection.fetch(_HEADS, self._bus)
        return [Head(LaneKey(topic, lane), *rest) for topic, lane, *rest in found]

    async def oldest_seconds(self) -> float:
        """Age of the oldest row that is not handed over; 0 if all are."""
        return float(await self._connection.fetchval(_OLDEST, self._bus) or 0.0)

    async def settle(self, now: datetime) -> None:
        """All was handed over: rows to come are not older than an hour (transactions live for seconds)."""
        if self._settled_at is None or now - self._settled_at >= _RESETTLE:
            self._since = (await self._connection.fetchval("SELECT clock_timestamp()")) - _SETTLED
            self._settled_at = now

    def look_everywhere(self) -> bool:
        """The next read sees all days; False if the last one did."""
        pruned = self._since > _EVER
        self._since, self._settled_at = _EVER, None
        return pruned
