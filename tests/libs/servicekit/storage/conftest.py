"""A database with the kit's own tables, under the roles of an installation."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from libs.eventbus import schema
from libs.servicekit.audit import audit_tables
from libs.servicekit.clock import ManualClock
from libs.servicekit.database import Database, Role, create_engine
from libs.servicekit.effects import effect_tables
from libs.servicekit.jobs import job_tables
from libs.servicekit.tenancy import enable_tenancy, merchant_tables
from libs.servicekit.timers import timer_tables
from tests.throwaway import PASSWORD, Databases

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERVICE = "loyalty"


@dataclass
class Kit:
    """The same database as three roles see it, two merchants in it."""

    owner: Database
    api: Database
    worker: Database
    clock: ManualClock
    merchant: UUID
    other: UUID


@pytest.fixture
async def kit(databases: Databases) -> AsyncIterator[Kit]:
    admin_url = await databases.blank(f"{SERVICE}_owner")
    clock = ManualClock(NOW)
    roles: tuple[Role, ...] = ("owner", "api", "worker")
    parts = {role: _database(admin_url, role, clock) for role in roles}
    kit = Kit(**parts, clock=clock, merchant=uuid4(), other=uuid4())
    await _create(databases, admin_url, kit)
    yield kit
    for database in parts.values():
        await database.close()


def _database(admin_url: str, role: Role, clock: ManualClock) -> Database:
    address = admin_url.split("@", 1)[1]
    url = f"postgresql://{SERVICE}_{role}:{PASSWORD}@{address}"
    return Database(create_engine(url, role), source=SERVICE, clock=clock)


async def _create(databases: Databases, admin_url: str, kit: Kit) -> None:
    await databases.open_to(admin_url, f"{SERVICE}_owner", [f"{SERVICE}_api", f"{SERVICE}_worker"])
    statements = [
        *schema.UPGRADE,
        *merchant_tables(SERVICE),
        *timer_tables(SERVICE),
        *job_tables(SERVICE),
        *effect_tables(SERVICE),
        *audit_tables(SERVICE),
        "CREATE TABLE thing (merchant_no int4 NOT NULL, name text NOT NULL, n int8 NOT NULL DEFAULT 0,"
        " PRIMARY KEY (merchant_no, name))",
        *enable_tenancy("thing", SERVICE),
    ]
    async with kit.owner.begin() as uow:
        for statement in statements:
            await uow.connection.execute(text(statement.replace(":", "\\:")))
        await uow.connection.execute(
            text(
                "INSERT INTO merchant (merchant_id, name, currency, registered_at)"
                " VALUES (:one, 'One', 'EUR', :now), (:two, 'Two', 'EUR', :now)"
            ),
            {"one": kit.merchant, "two": kit.other, "now": NOW},
        )
