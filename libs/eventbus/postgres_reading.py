"""Reading the PostgreSQL bus: positions in memory, one round trip to look, one to fetch."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ldexp
from typing import Any
from uuid import UUID

from pydantic_core import from_json

from libs.eventbus.port import Arrived, Fetched, Partition

_HEADS = """
SELECT part.tp, part.next_off, part.low_off, coalesce(g.committed, 0) AS committed, i.incarnation
FROM bus_identity i, part LEFT JOIN group_offset g ON g.tp = part.tp AND g.grp = $2 WHERE part.tp = ANY($1::int4[])
"""
_FETCH = """
SELECT l.tp, l.off, l.key, l.headers, l.payload FROM unnest($1::int4[], $2::int8[]) a(tp, f)
CROSS JOIN LATERAL (SELECT * FROM log WHERE log.tp = a.tp AND log.off >= a.f ORDER BY off LIMIT $3) l
ORDER BY l.tp, l.off
"""
_COMMIT = """
INSERT INTO group_offset (grp, tp, committed) SELECT $1, t, o FROM unnest($2::int4[], $3::int8[]) x(t, o) ORDER BY t
ON CONFLICT (grp, tp) DO UPDATE
SET committed = least(greatest(group_offset.committed, excluded.committed),
                      (SELECT next_off FROM part WHERE part.tp = group_offset.tp)), updated_at = now()
"""

FETCH_BYTES = 8 * 1024 * 1024
"""What one fetch may bring into memory, judged by the records of the last one."""
RECORD_BYTES = 1024  # headers and the objects around them
BUSY_LOOKS = 8
"""So many looks that find nothing are made at the busy pace: under load the next batch comes before they are over."""
_MOST_DOUBLINGS = 16  # of a reader that has been idle for a year, the looks are still counted


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between looks: the first while records keep coming, doubling to the second once none do."""

    busy_seconds: float = 0.01
    idle_seconds: float = 0.25

    def seconds(self, empty: int) -> float:
        """How long to wait after the last records were followed by `empty` looks that found none."""
        doublings = min(max(0, empty - BUSY_LOOKS), _MOST_DOUBLINGS)
        return min(ldexp(self.busy_seconds, doublings), self.idle_seconds)


class PostgresSubscription:
    """Implements port.Subscription over partitions that `owned` names by number."""

    def __init__(
        self,
        pool: Any,  # asyncpg ships no types
        numbers: Mapping[int, Partition],
        owned: Callable[[], frozenset[int]],
        pace: Pace,
        *,
        group: str | None,
        tail: int | None = None,
    ) -> None:
        self._pool = pool
        self._numbers = numbers
        self._tp = {partition: number for number, partition in numbers.items()}
        self._owned = owned
        self._pace = pace
        self._group = group
        self._tail = tail
        self._next: dict[int, int] = {}
        self._incarnation: UUID | None = None
        self._empty = 0
        self._reread: set[int] = set()
        self._record_bytes = 0.0

    def owned(self) -> frozenset[Partition]:
        """The partitions that this subscription reads now."""
        return frozenset(self._numbers[number] for number in self._owned())

    def reread(self, partition: Partition) -> None:
        """The next fetch that is begun starts at the partition's oldest record."""
        self._reread.add(self._tp[partition])

    async def fetch(self, limit: int) -> Fetched:
        """Unread records of the owned partitions; after a wait of at most 250 ms possibly none."""
        owned = self._owned()
        heads = await self._look(owned)
        unread = {number: at for number, at in self._next.items() if at < heads[number]}
        if not unread:
            await asyncio.sleep(self._pace.seconds(self._empty))
            self._empty += 1
            return Fetched((), self._named(heads))
        self._empty = 0
        if self._record_bytes:
            limit = min(limit, int(FETCH_BYTES / self._record_bytes))
        records = await self._read(unread, max(1, limit // len(unread)))
        return Fetched(records, self._named({tp: head for tp, head in heads.items() if self._next[tp] >= head}))

    async def commit(self, positions: Mapping[Partition, int]) -> None:
        """The group's offsets are at least `positions`."""
        if self._group is None or not positions:
            return
        places = sorted((self._tp[partition], position) for partition, position in positions.items())
        await self._pool.execute(_COMMIT, self._group, [tp for tp, _ in places], [at for _, at in places])

    async def _look(self, owned: frozenset[int]) -> dict[int, int]:
        """Heads of the owned partitions; positions are brought to where reading can go on."""
        for lost in self._next.keys() - owned:
            del self._next[lost]
        self._next.update(dict.fromkeys(self._reread & owned, 0))
        self._reread.clear()
        heads: dict[int, int] = {}
        for row in await self._pool.fetch(_HEADS, sorted(owned), self._group) if owned else ():
            number, head, low = row["tp"], row["next_off"], row["low_off"]
            if self._incarnation not in (None, row["incarnation"]):
                self._next = dict.fromkeys(self._next, 0)  # another log than before: its offsets mean nothing
            self._incarnation = row["incarnation"]
            start = self._next.get(number, row["committed"] if self._tail is None else head - self._tail)
            # Beyond the head: the log was wiped or lost its tail. Below the start: retention went past.
            self._next[number] = low if start > head else max(start, low)
            heads[number] = head
        return heads

    async def _read(self, unread: Mapping[int, int], share: int) -> list[Arrived]:
        rows = await self._pool.fetch(_FETCH, list(unread), list(unread.values()), share)
        records = []
        for tp, offset, key, headers, payload in rows:
            records.append(Arrived(self._numbers[tp], offset, key, _headers(headers), payload))
            self._next[tp] = offset + 1
        if records:
            self._record_bytes = sum(len(record.payload) for record in records) / len(records) + RECORD_BYTES
        return records

    def _named(self, numbers: Mapping[int, int]) -> frozenset[Partition]:
        return frozenset(self._numbers[number] for number in numbers)


def _headers(text: str) -> dict[str, str]:
    """The record's headers; none where they are not a JSON object of texts."""
    try:
        # Half the price of json.loads, and every record has the same dozen names.
        headers = from_json(text, cache_strings="keys")
    except ValueError:
        return {}
    return headers if isinstance(headers, dict) else {}
