"""The stage's application on a real database: two merchants, and the tables that the kit's own routes read."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus import schema, schema_epochs
from libs.servicekit.audit import audit_tables
from libs.servicekit.clock import ManualClock
from libs.servicekit.database import Database, Role, create_engine
from libs.servicekit.idempotency import idempotency_tables
from libs.servicekit.jobs import job_tables
from libs.servicekit.tenancy import enable_tenancy, merchant_tables
from tests.libs.servicekit.stage import NOW
from tests.throwaway import PASSWORD, Databases

SERVICE = "loyalty"
_TABLES = (
    *schema.UPGRADE,
    *schema_epochs.UPGRADE,
    *merchant_tables(SERVICE),
    *job_tables(SERVICE),
    *audit_tables(SERVICE),
    *idempotency_tables(SERVICE),
    "CREATE TABLE redemption (merchant_no int4 NOT NULL, redemption_id uuid NOT NULL, points int8 NOT NULL,"
    " PRIMARY KEY (merchant_no, redemption_id))",
    *enable_tenancy("redemption", SERVICE),
)


@dataclass
class Ground:
    """One database as its roles see it."""

    owner: Database
    api: Database
    worker: Database
    clock: ManualClock
    merchant: UUID
    other: UUID

    async def value(self, sql: str, **values: object) -> object:
        """The single value that the worker role gets for `sql`."""
        async with self.worker.begin() as uow:
            return await uow.connection.scalar(text(sql), values)

    async def execute(self, sql: str, **values: object) -> None:
        """`sql` has run as the worker role."""
        async with self.worker.begin() as uow:
            await uow.connection.execute(text(sql), values)


@pytest.fixture(scope="session")
async def roles(databases: Databases) -> Mapping[Role, str]:
    """The URLs of one database with the kit's tables, made once: creating one costs more than a test."""
    admin_url = await databases.blank(f"{SERVICE}_owner")
    await databases.open_to(admin_url, f"{SERVICE}_owner", [f"{SERVICE}_api", f"{SERVICE}_worker"])
    place = admin_url.split("@", 1)[1]
    known: tuple[Role, ...] = ("owner", "api", "worker")
    urls = {role: f"postgresql://{SERVICE}_{role}:{PASSWORD}@{place}" for role in known}
    owner = Database(create_engine(urls["owner"], "owner"), source=SERVICE, clock=ManualClock(NOW))
    async with owner.begin() as uow:
        for statement in _TABLES:
            await uow.connection.execute(text(statement.replace(":", "\\:")))
    await owner.close()
    return urls


@pytest.fixture
async def ground(roles: Mapping[Role, str]) -> AsyncIterator[Ground]:
    clock = ManualClock(NOW)
    opened = {role: Database(create_engine(url, role), source=SERVICE, clock=clock) for role, url in roles.items()}
    ground = Ground(
        owner=opened["owner"], api=opened["api"], worker=opened["worker"], clock=clock, merchant=uuid4(), other=uuid4()
    )
    async with ground.owner.begin() as uow:
        await _empty(uow.connection)
        for merchant_id, name in ((ground.merchant, "One"), (ground.other, "Two")):
            await uow.connection.execute(
                text(
                    "INSERT INTO merchant (merchant_id, name, currency, registered_at) VALUES (:id, :name, 'EUR', :at)"
                ),
                {"id": merchant_id, "name": name, "at": NOW},
            )
    yield ground
    for database in opened.values():
        await database.close()


async def _empty(connection: AsyncConnection) -> None:
    await connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    names = await connection.execute(
        text(
            "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND c.relnamespace = 'public'::regnamespace"
        )
    )
    for name in names.scalars().all():
        await connection.execute(text(f"DELETE FROM {name}"))
