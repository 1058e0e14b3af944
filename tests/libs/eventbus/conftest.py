"""Beds for the bus: one database for the run, its tables laid anew for each test."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from libs.eventbus import postgres_schema
from libs.eventbus.postgres import PostgresBus
from tests.libs.eventbus.bed import PARTITIONS, QUICK, Bed
from tests.libs.eventbus.tables import lay_tables
from tests.libs.eventbus.tallies import TOPIC
from tests.throwaway import Databases


@pytest.fixture(scope="session")
async def eventbus_database(databases: Databases) -> str:
    """One database for service and bus tables: creating and dropping two per test would be most of the run."""
    return await databases.blank()


@pytest.fixture
async def bed(eventbus_database: str) -> AsyncIterator[Bed]:
    """A source, a reader and a bus, all empty."""
    await lay_bus(eventbus_database)
    engine = await lay_tables(eventbus_database)
    async with PostgresBus.open(eventbus_database, pace=QUICK) as bus:
        yield Bed(eventbus_database, eventbus_database, engine, bus)
    await engine.dispose()


async def lay_bus(url: str) -> None:
    """The database holds an empty bus and nothing else."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        await postgres_schema.install(connection, topics={TOPIC: PARTITIONS, "control": 1}, now=datetime.now(UTC))
    finally:
        await connection.close()
