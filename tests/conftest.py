"""One PostgreSQL server and one Kafka broker for the whole run, and throw-away databases on the server."""

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from types import FrameType

import asyncpg
import pytest

from deploy.kafka.cluster import Cluster, kafka_cluster
from deploy.local.databases import ServiceUrls
from deploy.local.postgres import start_server
from tests.brokers import need_kafka
from tests.running import Running, running_system
from tests.throwaway import Databases


def pytest_configure() -> None:
    """SIGTERM ends the run as Ctrl-C does: what it started is stopped, and its folders are deleted."""
    signal.signal(signal.SIGTERM, _end_as_by_hand)


def _end_as_by_hand(number: int, frame: FrameType | None) -> None:
    by_hand = signal.getsignal(signal.SIGINT)  # while a test runs, asyncio's own
    if callable(by_hand):
        by_hand(number, frame)
    else:
        raise KeyboardInterrupt


@pytest.fixture(scope="session")
async def admin_url() -> AsyncIterator[str]:
    """A superuser's URL: the server named by TEST_DATABASE_URL, else one that lives as long as the run."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    server = start_server()
    try:
        await _forget_durability(server.admin_url)
        yield server.admin_url
    finally:
        server.stop()


@pytest.fixture(scope="session")
async def kafka() -> AsyncIterator[Cluster]:
    """A one-node cluster that lives as long as the run; who kills or wipes brokers starts a cluster of their own."""
    need_kafka()
    async with kafka_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
async def databases(admin_url: str) -> AsyncIterator[Databases]:
    """Makes migrated databases for a test and drops them after the run."""
    made = Databases(admin_url)
    yield made
    await made.drop_all()


@pytest.fixture(scope="session")
async def running() -> AsyncIterator[Running]:
    """The whole product, started once for every test that needs it."""
    async with running_system() as system:
        yield system


@pytest.fixture
async def service_urls(databases: Databases) -> Callable[[str], Awaitable[ServiceUrls]]:
    """`await service_urls("loyalty")`: the URLs of a fresh, migrated database of that service."""
    return databases.fresh


async def _forget_durability(admin_url: str) -> None:
    """The server writes faster: what it holds ends with the run, and crashes of it are tested elsewhere."""
    connection = await asyncpg.connect(admin_url)
    try:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            await connection.execute(f"ALTER SYSTEM SET {setting} = off")
        await connection.execute("ALTER SYSTEM SET checkpoint_timeout = '30min'")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()
