"""A bus that hands out records held in memory: what a consumer costs without any transport."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pydantic_core import from_json

from libs.eventbus.port import Arrived, Fetched, Outgoing, Partition, Subscription

PARTITIONS: Final = 12


@dataclass(slots=True)
class MemoryBus:
    """Every record once, in the order given; `stop` is set as soon as all of them are committed."""

    records: Sequence[Outgoing]
    stop: asyncio.Event
    name: str = "memory"
    position: int = 0
    settled: int = 0

    async def append(self, records: Sequence[Outgoing]) -> None:
        """Reports of a group go nowhere."""

    @asynccontextmanager
    async def subscribe(self, group: str, topics: Sequence[str]) -> AsyncIterator[Subscription]:
        """All partitions."""
        yield _Reading(self, frozenset(Partition(topic, n) for topic in topics for n in range(PARTITIONS)))

    @asynccontextmanager
    async def follow(self, topic: str) -> AsyncIterator[Subscription]:
        """Nothing: nobody asks this bus's consumers for anything."""
        yield _Reading(MemoryBus((), self.stop), frozenset())

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[Partition, int]:
        return {}

    async def partitions(self, topic: str) -> int:
        return PARTITIONS

    async def maintain(self, now: datetime) -> None:
        """Nothing is kept."""


@dataclass(slots=True)
class _Reading:
    bus: MemoryBus
    all: frozenset[Partition]
    pending: list[int] = field(default_factory=list)

    async def fetch(self, limit: int) -> Fetched:
        """The next records, their headers parsed as a transport does."""
        batch = self.bus.records[self.bus.position : self.bus.position + limit]
        if not batch:
            await asyncio.Event().wait()  # until the reader gives up waiting, which it does at its end
        first = self.bus.position
        self.bus.position += len(batch)
        self.pending.append(self.bus.position)
        return Fetched([_arrived(one, first + n) for n, one in enumerate(batch)], frozenset())

    async def commit(self, positions: Mapping[Partition, int]) -> None:
        """The oldest uncommitted batch is done."""
        self.bus.settled = self.pending.pop(0)
        if self.bus.settled == len(self.bus.records):
            self.bus.stop.set()

    def reread(self, partition: Partition) -> None:
        raise AssertionError("nothing is ever missing in memory")

    def owned(self) -> frozenset[Partition]:
        return self.all


def _arrived(record: Outgoing, offset: int) -> Arrived:
    partition = Partition(record.topic, record.lane % PARTITIONS)
    return Arrived(partition, offset, record.key, from_json(record.headers), record.payload)
