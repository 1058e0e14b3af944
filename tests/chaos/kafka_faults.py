"""Faults of the bus on Apache Kafka."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from deploy.kafka.cluster import Cluster
from deploy.local.ports import HOST
from libs.eventbus.port import Subscription
from libs.eventbus.topics import KAFKA_TOPICS
from libs.eventbus.transports import open_bus
from tests.chaos.proxy import Proxy

_NOBODY = "chaos-counter"  # a group that never commits: all records are unread to it
_SESSION_SECONDS = 10
"""How long a member that went silent keeps its partitions: a third of the default, so that runs end in time."""


@dataclass(frozen=True, slots=True)
class KafkaFaults:
    """A cluster of our own, whose first node can also be reached through the proxy."""

    cluster: Cluster
    detour: Proxy
    name: str = "kafka"

    @property
    def url(self) -> str:
        """Where the services find the bus."""
        return f"{self.cluster.url}?session_timeout_seconds={_SESSION_SECONDS}"

    async def wipe(self) -> int:
        """Another cluster serves at the same address, without topics."""
        records = await self._records()
        await self.cluster.wipe()
        return records

    @asynccontextmanager
    async def told(self, topic: str) -> AsyncIterator["_KafkaTold"]:
        """Follows the topic from its last records on."""
        async with open_bus(self.url) as bus, bus.follow(topic) as following:
            yield _KafkaTold(following)

    @asynccontextmanager
    async def proxied(self) -> AsyncIterator[tuple[Proxy, str]]:
        """The detour, which stands as long as the cluster does."""
        yield self.detour, f"kafka://{HOST}:{self.detour.port}?session_timeout_seconds={_SESSION_SECONDS}"

    async def _records(self) -> int:
        """How many records all topics hold; after a wipe, once somebody has made the topics again."""
        async with open_bus(self.url) as bus, asyncio.timeout(60):
            while True:
                try:
                    return sum((await bus.lag(_NOBODY, [topic.name for topic in KAFKA_TOPICS])).values())
                except Exception:  # whatever a cluster without leaders says, it is not there yet
                    await asyncio.sleep(0.2)


@dataclass(slots=True)
class _KafkaTold:
    following: Subscription
    seen: dict[int, int] = field(default_factory=dict)

    async def highest(self) -> Mapping[int, int]:
        """Reads what came since the last look."""
        while records := (await self.following.fetch(1000)).records:
            for record in records:
                if "ce_sequence" in record.headers:
                    lane, sequence = int(record.headers["ce_lane"]), int(record.headers["ce_sequence"])
                    self.seen[lane] = max(sequence, self.seen.get(lane, 0))
        return self.seen
