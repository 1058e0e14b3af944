"""The narrow port to a transport: append, subscribe, lag. PostgreSQL and Kafka stand behind it.

Numbers and marks belong to source and consumer, so a transport may lose, repeat or hold back records. What it must
keep: records of one partition come in one order, and what `append` acknowledged it tries to keep.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol


class Partition(NamedTuple):
    """One ordered log of a topic; it holds the lanes with `lane % partitions == number`."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to append. `headers` is the JSON text of the outbox, `payload` the fact's bytes, both untouched."""

    topic: str
    lane: int
    key: str
    headers: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Arrived:
    """A record as the transport holds it. `headers` is empty where the transport's own could not be read."""

    partition: Partition
    offset: int
    key: str
    headers: Mapping[str, str]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Fetched:
    """Records of all owned partitions, each partition in order, and the owned partitions with nothing left unread."""

    records: Sequence[Arrived]
    ended: frozenset[Partition]

    @property
    def positions(self) -> dict[Partition, int]:
        """Per partition the offset after the last record: what is committed once the batch is done."""
        return {record.partition: record.offset + 1 for record in self.records}


class Subscription(Protocol):
    """Reads the partitions that it owns now. Ownership changes between fetches; marks make a zombie harmless."""

    async def fetch(self, limit: int) -> Fetched:
        """Up to about `limit` unread records, an even share per partition; empty after a short wait if there are none.

        Reading starts at the group's committed positions, a position before the log's start jumps to the start, one
        that the log never reached (it was wiped) starts over.
        """

    async def commit(self, positions: Mapping[Partition, int]) -> None:
        """Where a later owner starts to read: a hint, exactly-once is the marks' business."""

    def reread(self, partition: Partition) -> None:
        """The next fetch to begin starts at the beginning of the log; one under way is not disturbed."""

    def owned(self) -> frozenset[Partition]:
        """The partitions that this subscription reads now."""


class Bus(Protocol):
    """A transport. Any of its calls may raise; nothing is assumed about what a failed call did."""

    @property
    def name(self) -> str:
        """Names the relay's cursors, e.g. `postgres`: each bus has its own."""

    async def append(self, records: Sequence[Outgoing]) -> None:
        """All records are on the bus, those of one partition in the order given."""

    def subscribe(self, group: str, topics: Sequence[str]) -> AbstractAsyncContextManager[Subscription]:
        """Shares the topics' partitions with the group's other members until the block ends."""

    def follow(self, topic: str) -> AbstractAsyncContextManager[Subscription]:
        """Reads all partitions without a group, from about a minute ago: for requests that may be lost."""

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[Partition, int]:
        """Records of each partition that the group has not committed."""

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has. Raises: UnknownPartition."""

    async def maintain(self, now: datetime) -> None:
        """What the transport leaves to its users is done: room for the days to come, old days dropped."""
