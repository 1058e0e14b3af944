"""Beds for the bus: one database for the run, its tables laid anew for each test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from deploy.kafka.cluster import Cluster
from tests.libs.eventbus.bed import Bed
from tests.libs.eventbus.buses import delete_topics, kafka_bus, postgres_bus, wipe_database
from tests.libs.eventbus.tables import empty_database, lay_tables
from tests.throwaway import Databases


@pytest.fixture(scope="session")
async def eventbus_database(databases: Databases) -> str:
    """One database for service and bus tables: creating and dropping two per test would be most of the run."""
    return await databases.blank()


@pytest.fixture
async def bed(eventbus_database: str) -> AsyncIterator[Bed]:
    """A source, a reader and a bus in PostgreSQL, all empty."""
    async with postgres_bed(eventbus_database) as made:
        yield made


@pytest.fixture
async def kafka_bed(eventbus_database: str, kafka: Cluster) -> AsyncIterator[Bed]:
    """A source and a reader in PostgreSQL, the bus in Kafka, all empty."""
    async with bed_on_kafka(eventbus_database, kafka.url) as made:
        yield made


@asynccontextmanager
async def postgres_bed(url: str) -> AsyncIterator[Bed]:
    async with postgres_bus(url) as bus:
        engine = await lay_tables(url)
        yield Bed(url, url, engine, bus, partial(wipe_database, url))
        await engine.dispose()


@asynccontextmanager
async def bed_on_kafka(url: str, cluster_url: str) -> AsyncIterator[Bed]:
    await empty_database(url)
    async with kafka_bus(cluster_url) as bus:
        engine = await lay_tables(url)
        yield Bed(url, url, engine, bus, partial(delete_topics, bus))
        await engine.dispose()
