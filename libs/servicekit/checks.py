"""The readiness checks that every process with a database has."""

from datetime import timedelta
from typing import Protocol

from libs.servicekit import bus_state, migrations
from libs.servicekit.clock import Clock
from libs.servicekit.database import Database
from libs.servicekit.health import Check, Health


def watch_database(health: Health, database: Database, *, package: str, clock: Clock) -> None:
    """`/readyz` asks for the database, its revision, and room for the facts of today and tomorrow.

    `package` is the service's folder: `order_ingest`.
    """
    health.add("database", _reachable(database))
    health.add("migrations", _at_head(database, package))
    health.add("partitions", _has_room(database, clock))


class Reader(Protocol):
    """What readiness asks of a consumer."""

    @property
    def group(self) -> str: ...

    @property
    def stopped_because(self) -> str | None: ...

    @property
    def is_failing(self) -> bool: ...


def watch_consumer(health: Health, consumer: Reader) -> None:
    """`/readyz` tells when the group has stopped for good or waits for an outage to end."""

    async def check() -> str | None:
        if consumer.stopped_because is not None:
            return "the group has stopped; the log says why"
        return "waits for an outage to end" if consumer.is_failing else None

    health.add(f"consumer {consumer.group}", check)


def _reachable(database: Database) -> Check:
    async def check() -> str | None:
        return None if await database.is_reachable() else "cannot be reached"

    return check


def _at_head(database: Database, package: str) -> Check:
    wanted = migrations.head(package)

    async def check() -> str | None:
        async with database.read() as uow:
            found = await migrations.current(uow.connection)
        return None if found == wanted else f"at revision {found}, this code needs {wanted}: run migrate"

    return check


def _has_room(database: Database, clock: Clock) -> Check:
    async def check() -> str | None:
        today = clock.now()
        async with database.read() as uow:
            enough = await bus_state.has_outbox_days(uow.connection, [today, today + timedelta(days=1)])
        return None if enough else "the outbox has no partition for today or tomorrow"

    return check
