"""The transports that this machine has, opened as the services open them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from deploy.kafka.cluster import Cluster, kafka_cluster
from deploy.local.kafka_programs import programs_folder, what_is_missing
from deploy.local.topics import topic_partitions
from libs.eventbus.kafka import KafkaBus
from libs.eventbus.port import Bus
from libs.eventbus.postgres import PostgresBus
from libs.eventbus.postgres_schema import install
from libs.eventbus.topics import KAFKA_TOPICS
from tests.bench.grounds import Grounds

TOPIC = "commerce"


@dataclass(frozen=True, slots=True)
class Embedded:
    """The PostgreSQL bus in a database of its own on the ground's server."""

    bus: Bus
    url: str


@dataclass(frozen=True, slots=True)
class Broker:
    """The Kafka bus on a broker of our own."""

    bus: Bus
    cluster: Cluster

    @property
    def partitions(self) -> int:
        return next(topic.partitions for topic in KAFKA_TOPICS if topic.name == TOPIC)


@asynccontextmanager
async def embedded(ground: Grounds) -> AsyncIterator[Embedded]:
    """An empty PostgreSQL bus."""
    url = await ground.databases.blank("bus_owner")
    connection = await asyncpg.connect(url)
    try:
        await install(connection, topics=topic_partitions(), now=datetime.now(UTC))
    finally:
        await connection.close()
    async with PostgresBus.open(url) as bus:
        yield Embedded(bus, url)


@asynccontextmanager
async def broker() -> AsyncIterator[Broker]:
    """An empty Kafka bus on one node. Only where `no_kafka` has no complaint."""
    async with kafka_cluster() as cluster, KafkaBus.open(cluster.url) as bus:
        yield Broker(bus, cluster)


def no_kafka() -> str | None:
    """Why there can be no broker on this machine, if there cannot."""
    return what_is_missing(programs_folder())
