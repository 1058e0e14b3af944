"""Topics on a Kafka cluster: made where they are missing, compared with what they should be.

Copies follow from the cluster's size: three, with two in step, on three brokers or more; one else. Its size is the
number of brokers alive or that of the servers named, whichever is larger: topics made while one of three is down would
stay at one copy for ever.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import InvalidPartitionsError, TopicAlreadyExistsError, for_code

from libs.eventbus.errors import BusError
from libs.eventbus.kafka_metadata import Described, Replicas, describe, known_to_all, refusal_as_bus_error
from libs.eventbus.topics import TopicSpec

REPLICATION: Final = 3
LARGEST_RECORD_BYTES: Final = 1024 * 1024
_SPREAD_SECONDS: Final = 30.0
_MAKE_MS: Final = 10_000


async def ensure_topics(servers: str, topics: Sequence[TopicSpec]) -> list[str]:
    """Every topic exists with at least its partitions and can be written to; returns the names of those made or grown.

    Settings of a topic that exists are left alone, and partitions are never taken away. Two that do this at once do
    not disturb each other. `servers`: host:port, comma between.

    Raises: BusError: no broker answered, it refused (such as three copies on two brokers), or what was made had no
        leader after half a minute.
    """
    with refusal_as_bus_error(servers):
        return await _ensure(servers, topics)


async def differences(servers: str, topics: Sequence[TopicSpec]) -> list[str]:
    """One line for each thing that is not as it should be; none if all is.

    Raises: BusError: no broker answered.
    """
    found = await describe(servers)
    with refusal_as_bus_error(servers):
        settings = await _settings(servers, [topic.name for topic in topics if topic.name in found.topics])
    said: list[str] = []
    for topic in topics:
        if topic.name in found.topics:
            said += _compared(topic, found.topics[topic.name], settings[topic.name], _size(found, servers))
        else:
            said.append(f"topic {topic.name}: missing")
    return said


def settings_for(topic: TopicSpec, *, size: int) -> dict[str, str]:
    """The topic's settings in a cluster of so many brokers."""
    return {
        "retention.ms": str(topic.retention_seconds * 1000),
        "min.insync.replicas": str(topic.min_isr if size >= REPLICATION else 1),
        "compression.type": "producer",  # lz4 as it came: brokers need not unpack and pack again
        "max.message.bytes": str(LARGEST_RECORD_BYTES),
        "unclean.leader.election.enable": "false",
    }


def replication_in(size: int) -> int:
    """How many copies of each partition there are in a cluster of so many brokers."""
    return REPLICATION if size >= REPLICATION else 1


async def _ensure(servers: str, topics: Sequence[TopicSpec]) -> list[str]:
    found = await describe(servers)
    missing = [topic for topic in topics if topic.name not in found.topics]
    small = [topic for topic in topics if 0 < len(found.topics.get(topic.name, ())) < topic.partitions]
    if not missing and not small:
        return []
    async with _admin(servers) as admin:
        if missing:
            await _create(admin, missing, _size(found, servers))
        for topic in small:
            await _grow(admin, topic)
    changed = [*missing, *small]
    await _until_known(servers, {topic.name: topic.partitions for topic in changed})
    return [topic.name for topic in changed]


def _size(found: Described, servers: str) -> int:
    return max(len(found.alive), len(servers.split(",")))


@asynccontextmanager
async def _admin(servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=_MAKE_MS)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[TopicSpec], size: int) -> None:
    copies = replication_in(size)
    wanted = [
        NewTopic(topic.name, topic.partitions, copies, topic_configs=settings_for(topic, size=size)) for topic in topics
    ]
    answer = await admin.create_topics(wanted, timeout_ms=_MAKE_MS)
    for name, code, words in answer.topic_errors:
        if code and for_code(code) is not TopicAlreadyExistsError:  # somebody else was faster
            raise for_code(code)(f"could not make topic {name}: {words}")


async def _grow(admin: AIOKafkaAdminClient, topic: TopicSpec) -> None:
    try:
        await admin.create_partitions({topic.name: NewPartitions(topic.partitions)}, timeout_ms=_MAKE_MS)
    except InvalidPartitionsError:
        return  # somebody else was faster


async def _until_known(servers: str, topics: Mapping[str, int]) -> None:
    deadline = asyncio.get_running_loop().time() + _SPREAD_SECONDS
    while not await known_to_all(servers, topics):
        if asyncio.get_running_loop().time() > deadline:
            raise BusError(f"made, but not led everywhere after {_SPREAD_SECONDS:.0f} s: {', '.join(topics)}")
        await asyncio.sleep(0.05)


async def _settings(servers: str, names: Sequence[str]) -> dict[str, Mapping[str, str]]:
    if not names:
        return {}
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    async with _admin(servers) as admin:
        answers = await admin.describe_configs(wanted)
    return {
        resource[3]: {entry[0]: entry[1] for entry in resource[4]}
        for answer in answers
        for resource in answer.resources
    }


def _compared(
    topic: TopicSpec, partitions: Mapping[int, Replicas], settings: Mapping[str, str], size: int
) -> list[str]:
    wanted = {
        "partitions": str(topic.partitions),
        "replication": str(replication_in(size)),
        **settings_for(topic, size=size),
    }
    found = {
        **settings,
        "partitions": str(len(partitions)),
        "replication": str(min(len(each.holders) for each in partitions.values())),
    }
    return [
        f"topic {topic.name}: {name} is {found.get(name)}, not {value}"
        for name, value in wanted.items()
        if found.get(name) != value
    ]
