"""What a Kafka cluster says of itself: its brokers, and who leads what. Any broker that answers may say it.

For a while after its death a broker still counts as alive; the client would ask it as gladly as another, and fail.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from libs.eventbus.errors import BusError

REQUEST_MS: Final = 3_000
"""Short: whoever asks where nothing answers keeps everybody waiting who comes after it."""


@dataclass(frozen=True, slots=True)
class Replicas:
    """One partition: the number of the broker that leads it, None if none does, and of those that hold a copy."""

    leader: int | None
    holders: frozenset[int]


@dataclass(frozen=True, slots=True)
class Described:
    """A cluster as one of its brokers knows it; `topics`: the partitions of each by their numbers."""

    cluster_id: str
    alive: frozenset[int]
    topics: Mapping[str, Mapping[int, Replicas]]

    def leader_of(self, topic: str, partition: int) -> int | None:
        """The number of the broker that leads the partition; None if none does, or there is no such partition."""
        found = self.topics.get(topic, {}).get(partition)
        return found.leader if found else None


async def describe(servers: str) -> Described:
    """The cluster as the first broker that answers knows it. Raises: BusError: none does."""
    with refusal_as_bus_error(servers):
        return await _describe(servers)


async def known_to_all(servers: str, topics: Mapping[str, int]) -> bool:
    """Every broker that answers knows a leader for so many partitions of each topic.

    One that has not heard of a new topic yet would tell its clients that there is none.

    Raises: BusError: no broker answers.
    """
    with refusal_as_bus_error(servers):
        return await _known_to_all(servers, topics)


@contextmanager
def refusal_as_bus_error(servers: str) -> Iterator[None]:
    """What the client raises comes out as a BusError: who asks about topics need not know the client."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as refusal:
        raise BusError(f"the Kafka cluster at {servers}: {refusal or type(refusal).__name__}") from refusal


async def _describe(servers: str) -> Described:
    async with _client(servers) as client:
        for broker in client.cluster.brokers():
            try:
                return await _ask(client, broker.nodeId, None)
            except KafkaError:
                continue
    raise KafkaConnectionError("none of its brokers answers")


async def _known_to_all(servers: str, topics: Mapping[str, int]) -> bool:
    led: Counter[str] = Counter()
    asked = 0
    async with _client(servers) as client:
        for broker in client.cluster.brokers():
            try:
                answer = await _ask(client, broker.nodeId, list(topics))
            except KafkaError:
                continue
            asked += 1
            led.update({name: _led(found.values()) for name, found in answer.topics.items()})
    return asked > 0 and all(led[name] >= asked * partitions for name, partitions in topics.items())


@asynccontextmanager
async def _client(servers: str) -> AsyncIterator[AIOKafkaClient]:
    client = AIOKafkaClient(bootstrap_servers=servers, request_timeout_ms=REQUEST_MS)
    try:
        await client.bootstrap()
        yield client
    finally:
        await client.close()


async def _ask(client: AIOKafkaClient, broker: int, topics: Sequence[str] | None) -> Described:
    answer: Mapping[str, Any] = (await client.send(broker, MetadataRequest(topics))).to_object()
    return Described(
        cluster_id=str(answer["cluster_id"]),
        alive=frozenset(each["node_id"] for each in answer["brokers"]),
        topics={
            topic["topic"]: {each["partition"]: _replicas(each) for each in topic["partitions"]}
            for topic in answer["topics"]
            if not topic["error_code"]
        },
    )


def _replicas(partition: Mapping[str, Any]) -> Replicas:
    leader = partition["leader"]
    return Replicas(leader=leader if leader >= 0 else None, holders=frozenset(partition["replicas"]))


def _led(partitions: Collection[Replicas]) -> int:
    return sum(each.leader is not None for each in partitions)
