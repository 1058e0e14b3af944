"""deploy/topics.yaml, and a bus made as it says: every topic exists, and each difference is named."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import yaml

from deploy.local.bus import KAFKA, kind_of
from deploy.local.errors import StartFailed
from deploy.local.folders import REPOSITORY
from libs.eventbus import kafka_topics
from libs.eventbus.errors import BusError
from libs.eventbus.kafka_address import KafkaAddress
from libs.eventbus.postgres_retention import KEEP_DAYS
from libs.eventbus.postgres_schema import install, installed_partitions
from libs.eventbus.topics import DAY_SECONDS, TopicSpec, prefixed

CLIENT_ROLE = "bus_client"


def topic_partitions() -> Mapping[str, int]:
    """Every topic with its number of partitions on the PostgreSQL bus."""
    return {name: int(each["partitions"]["postgres"]) for name, each in _topics().items()}


def kafka_topic_specs() -> Sequence[TopicSpec]:
    """Every topic as it should be on Kafka."""
    return [
        TopicSpec(
            name,
            partitions=int(each["partitions"]["kafka"]),
            retention_seconds=_days(each) * DAY_SECONDS,
            min_isr=int(each["min_isr"]),
        )
        for name, each in _topics().items()
    ]


async def install_bus(owner_url: str) -> None:
    """The PostgreSQL bus is ready for the services; doing it again changes nothing."""
    connection = await asyncpg.connect(owner_url)
    try:
        await install(connection, topics=topic_partitions(), now=datetime.now(UTC), client_role=CLIENT_ROLE)
    finally:
        await connection.close()


async def create_topics(url: str) -> Sequence[str]:
    """Every topic exists on the bus, with at least its partitions; returns the names of those made or grown.

    Of a topic that exists no setting is changed. `url` is the owner's for a PostgreSQL bus.

    Raises: StartFailed: the bus does not answer, or refused.
    """
    with _failing(url):
        if kind_of(url) == KAFKA:
            return await kafka_topics.ensure_topics(*_on_kafka(url))
        before = await _partitions_on_postgres(url)
        await install_bus(url)
    return [name for name, count in topic_partitions().items() if before.get(name, 0) < count]


async def topic_differences(url: str) -> Sequence[str]:
    """One line for each thing on the bus that is not as deploy/topics.yaml says.

    Raises: StartFailed: the bus does not answer.
    """
    with _failing(url):
        if kind_of(url) == KAFKA:
            return await kafka_topics.differences(*_on_kafka(url))
        return list(_differences_on_postgres(await _partitions_on_postgres(url)))


def _on_kafka(url: str) -> tuple[str, Sequence[TopicSpec]]:
    address = KafkaAddress.parse(url)
    return address.servers, prefixed(kafka_topic_specs(), address.prefix)


async def _partitions_on_postgres(url: str) -> Mapping[str, int]:
    connection = await asyncpg.connect(url)
    try:
        return await installed_partitions(connection)
    finally:
        await connection.close()


def _differences_on_postgres(found: Mapping[str, int]) -> Iterator[str]:
    for name, topic in _topics().items():
        wanted = int(topic["partitions"]["postgres"])
        if name not in found:
            yield f"topic {name}: missing"
        elif found[name] != wanted:
            yield f"topic {name}: partitions is {found[name]}, not {wanted}"
        if _days(topic) > KEEP_DAYS:
            yield f"topic {name}: retention is {KEEP_DAYS} d for every topic of a PostgreSQL bus, not {_days(topic)} d"


def _topics() -> Mapping[str, Any]:
    topics: Mapping[str, Any] = yaml.safe_load((REPOSITORY / "deploy" / "topics.yaml").read_text())
    return topics


def _days(topic: Mapping[str, Any]) -> int:
    return int(str(topic["retention"]).removesuffix("d"))


@contextmanager
def _failing(url: str) -> Iterator[None]:
    try:
        yield
    except (OSError, BusError, asyncpg.PostgresError) as failure:
        raise StartFailed(f"The topics of the {kind_of(url)} bus: {failure}") from failure
