"""A process is ready when its database is there, migrated, and has room for what it will say."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import text

from libs.eventbus.schema import ensure_partitions
from libs.servicekit import migrations
from libs.servicekit.checks import watch_consumer, watch_database
from libs.servicekit.database import Database, create_engine
from libs.servicekit.health import Health
from tests.libs.servicekit.stage import NOW, NOWHERE
from tests.libs.servicekit.web.conftest import Ground


def _watched(ground: Ground, database: Database) -> Health:
    health = Health()
    watch_database(health, database, package="loyalty", clock=ground.clock)
    return health


async def test_a_complete_database_is_ready_until_its_days_run_out(ground: Ground) -> None:
    health = _watched(ground, ground.api)
    async with ground.worker.begin() as uow:
        await ensure_partitions(uow.connection, NOW)
    async with ground.owner.begin() as uow:
        await uow.connection.execute(text("CREATE TABLE alembic_version (version_num text NOT NULL)"))
        await uow.connection.execute(
            text("INSERT INTO alembic_version VALUES (:head)"), {"head": migrations.head("loyalty")}
        )
    ready = await health.complaints()
    ground.clock.advance(timedelta(days=3))
    later = await health.complaints()

    assert ready == {}
    assert set(later) == {"partitions"}


async def test_an_old_schema_is_not_ready(ground: Ground) -> None:
    complaints = await _watched(ground, ground.api).complaints()

    assert "at revision None" in complaints["migrations"]


async def test_without_a_database_nothing_is_ready(ground: Ground) -> None:
    nowhere = Database(create_engine(NOWHERE, "api"), source="loyalty", clock=ground.clock)

    assert set(await _watched(ground, nowhere).complaints()) == {"database", "migrations", "partitions"}


@dataclass
class Reader:
    """A consumer as far as readiness looks."""

    group: str = "loyalty"
    stopped_because: str | None = None
    is_failing: bool = False


@pytest.mark.parametrize(
    ("consumer", "complaint"),
    [
        (Reader(), None),
        (Reader(is_failing=True), "waits for an outage to end"),
        (Reader(stopped_because="ada@example.com is poison"), "the group has stopped; the log says why"),
    ],
)
async def test_a_group_that_does_not_go_on_is_not_ready(consumer: Reader, complaint: str | None) -> None:
    health = Health()
    watch_consumer(health, consumer)

    assert await health.complaints() == ({} if complaint is None else {"consumer loyalty": complaint})
