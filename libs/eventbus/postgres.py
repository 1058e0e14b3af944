"""The bus in PostgreSQL: a relay appends, consumers pull. No triggers, no extensions."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import asyncpg

from libs.eventbus.errors import UnknownPartition
from libs.eventbus.port import Outgoing, Partition
from libs.eventbus.postgres_ownership import Ownership
from libs.eventbus.postgres_reading import Pace, PostgresSubscription
from libs.eventbus.postgres_retention import keep_days

_PARTS = "SELECT tp, topic, p FROM part"
_LAG = """
SELECT part.topic, part.p, part.next_off - greatest(part.low_off, coalesce(g.committed, 0)) AS unread
FROM part LEFT JOIN group_offset g ON g.tp = part.tp AND g.grp = $1 WHERE part.topic = ANY($2::text[])
"""
# A subscription starts where its group committed; the row itself tells retention that the group exists.
_JOIN_GROUP = """
INSERT INTO group_offset (grp, tp, committed) SELECT $1, t, 0 FROM unnest($2::int4[]) t ORDER BY t
ON CONFLICT DO NOTHING
"""
_FOLLOWED_RECORDS = 1000


@dataclass(slots=True)
class PostgresBus:
    """A transport over one PostgreSQL database.

    asyncpg directly: no unit of work spans this database, and rows pass through in bulk untouched, where SQLAlchemy's
    row handling would cost more than the rest.
    """

    url: str
    writers: Any  # asyncpg ships no types
    readers: Any
    """Connections whose only writes are committed offsets: hints, not worth waiting for the disk."""
    pace: Pace
    rng: random.Random = field(default_factory=random.Random)
    name: str = "postgres"
    _numbers: dict[Partition, int] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, *, pool_size: int = 4, pace: Pace | None = None, name: str = "postgres"
    ) -> AsyncIterator[Self]:
        """A bus on `url` whose connections are closed when the block ends."""
        async with _pool(url, pool_size, "on") as writers, _pool(url, pool_size, "off") as readers:
            yield cls(url, writers, readers, pace or Pace(), name=name)

    async def append(self, records: Sequence[Outgoing]) -> None:
        """All records are committed, each partition's in the order given; partitions grow in commit order.

        Raises: UnknownPartition: the topic was not set up.
        """
        if not records:
            return
        counts = {topic: await self.partitions(topic) for topic in {record.topic for record in records}}
        await self.writers.execute(
            "SELECT append($1::int4[], $2::text[], $3::text[], $4::bytea[])",
            [self._numbers[Partition(one.topic, one.lane % counts[one.topic])] for one in records],
            [one.key for one in records],
            [one.headers for one in records],
            [one.payload for one in records],
        )

    @asynccontextmanager
    async def subscribe(self, group: str, topics: Sequence[str]) -> AsyncIterator[PostgresSubscription]:
        """Reads the partitions that this member holds advisory locks for."""
        numbers = await self._numbers_of(topics)
        await self.readers.execute(_JOIN_GROUP, group, sorted(numbers))
        ownership = Ownership(group, sorted(numbers), self._connect, self.rng)
        # No TaskGroup: it would wrap what the reader raises, and a stopped group must stay recognisable.
        keeper = asyncio.create_task(ownership.keep())
        try:
            yield PostgresSubscription(self.readers, numbers, ownership.owned, self.pace, group=group)
        finally:
            keeper.cancel()
            await asyncio.wait([keeper])

    @asynccontextmanager
    async def follow(self, topic: str) -> AsyncIterator[PostgresSubscription]:
        """Reads every partition of the topic, from its last 1,000 records on: older requests have expired anyway."""
        numbers = await self._numbers_of([topic])
        yield PostgresSubscription(
            self.readers, numbers, lambda: frozenset(numbers), self.pace, group=None, tail=_FOLLOWED_RECORDS
        )

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[Partition, int]:
        """Records of each partition that the group has not committed."""
        rows = await self.readers.fetch(_LAG, group, list(topics))
        return {Partition(row["topic"], row["p"]): max(0, row["unread"]) for row in rows}

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has."""
        return len(await self._numbers_of([topic]))

    async def maintain(self, now: datetime) -> None:
        """The log's next days exist; days that every group has read, or older than 14 days, are gone."""
        await keep_days(self.writers, now)

    async def _numbers_of(self, topics: Sequence[str]) -> dict[int, Partition]:
        """The topics' partitions by their number on the bus. Read once: partitions are added by a restart only."""
        if not all(Partition(topic, 0) in self._numbers for topic in topics):
            rows = await self.readers.fetch(_PARTS)
            self._numbers.update({Partition(row["topic"], row["p"]): row["tp"] for row in rows})
        for topic in topics:
            if Partition(topic, 0) not in self._numbers:
                raise UnknownPartition(f"the bus has no topic {topic}")
        return {number: partition for partition, number in self._numbers.items() if partition.topic in topics}

    async def _connect(self) -> Any:
        return await asyncpg.connect(self.url, timeout=5, command_timeout=5, server_settings=_settings("bus-owner"))


@asynccontextmanager
async def _pool(url: str, size: int, synchronous_commit: str) -> AsyncIterator[Any]:
    """No connection is made before it is needed: a bus that is away does not keep a process from starting."""
    settings = _settings("bus") | {"synchronous_commit": synchronous_commit}
    pool = asyncpg.create_pool(
        url, min_size=0, max_size=size, command_timeout=15, timeout=5, server_settings=settings, reset=_leave_as_it_is
    )
    try:
        yield await pool
    finally:
        pool.terminate()


async def _leave_as_it_is(_: Any) -> None:
    """Single statements leave nothing behind in a session; the driver's own clean-up is a round trip after each."""


def _settings(application: str) -> dict[str, str]:
    settings = {"application_name": f"huitou-{application}", "jit": "off", "plan_cache_mode": "force_generic_plan"}
    if application != "bus-owner":
        return settings
    # A member that went silent loses its locks within about 15 seconds even if its socket never closes.
    return settings | {
        "idle_session_timeout": "10s",
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "15s",
    }
