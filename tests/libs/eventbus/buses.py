"""An empty bus of each transport, for one test."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from libs.eventbus import postgres_schema
from libs.eventbus.kafka import KafkaBus
from libs.eventbus.kafka_address import KafkaAddress
from libs.eventbus.postgres import PostgresBus
from libs.eventbus.postgres_reading import Pace
from libs.eventbus.topics import TopicSpec
from tests.libs.eventbus.tallies import TOPIC

PARTITIONS: Final = 4
TOPICS: Final[Mapping[str, int]] = {TOPIC: PARTITIONS, "control": 1}
QUICK: Final = Pace(busy_seconds=0.005, idle_seconds=0.02)


@asynccontextmanager
async def postgres_bus(url: str) -> AsyncIterator[PostgresBus]:
    """The database holds an empty bus and nothing else."""
    await lay_bus(url)
    async with PostgresBus.open(url, pace=QUICK) as bus:
        yield bus


@asynccontextmanager
async def kafka_bus(cluster_url: str) -> AsyncIterator[KafkaBus]:
    """Empty topics under a prefix that nobody else has; deleted afterwards."""
    url = f"{cluster_url}/{uuid4().hex}?session_timeout_seconds=6"
    async with KafkaBus.open(url, topics=[TopicSpec(name, count, 3600, 1) for name, count in TOPICS.items()]) as bus:
        yield bus
    await delete_topics(bus)


async def lay_bus(url: str) -> None:
    """The database holds an empty bus and nothing else."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        await postgres_schema.install(connection, topics=TOPICS, now=datetime.now(UTC))
    finally:
        await connection.close()


async def wipe_database(url: str) -> None:
    """All records and positions are lost, as if the disk had been replaced."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("TRUNCATE log, group_offset")
        await connection.execute("UPDATE part SET next_off = 0, low_off = 0")
        await connection.execute("UPDATE bus_identity SET incarnation = gen_random_uuid()")
    finally:
        await connection.close()


async def delete_topics(bus: KafkaBus) -> None:
    """The topics are gone with all their records, as after a broker lost its disk."""
    async with administrator(bus.address) as admin, asyncio.timeout(30):
        while True:
            try:
                await admin.delete_topics([bus.address.named(topic) for topic in TOPICS])
            except (KafkaError, AttributeError):  # a broker that was frozen is shut out a moment: "no brokers"
                await asyncio.sleep(0.2)
            else:
                return


@asynccontextmanager
async def administrator(address: KafkaAddress) -> AsyncIterator[Any]:
    """aiokafka's admin client, connected; it ships no types."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address.servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
