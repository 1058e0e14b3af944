"""Alembic, run once per service database before its other processes start."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from alembic import command, context, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.database import create_engine

_ROOT = Path(__file__).resolve().parents[2]


async def migrate(package: str, owner_url: str, *, revision: str = "head") -> None:
    """The database stands at `revision`; several processes doing this at once wait for each other.

    `package` is the folder name of the service, e.g. `order_ingest`.
    """
    engine = create_engine(owner_url, "owner", pool_size=2)
    try:
        async with engine.connect() as lock:
            # Session lock on a connection of its own: it holds whatever the migrations commit.
            await lock.execution_options(isolation_level="AUTOCOMMIT")
            while not await lock.scalar(text("SELECT pg_try_advisory_lock(hashtext('huitou.migrate'))")):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            async with engine.connect() as connection:
                await connection.run_sync(_upgrade, package, revision)
    finally:
        await engine.dispose()


def head(package: str) -> str | None:
    """The newest revision in the service's folder."""
    return ScriptDirectory.from_config(_config(package)).get_current_head()


async def current(connection: AsyncConnection) -> str | None:
    """The revision at which the database stands."""
    return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def run_env() -> None:
    """What each service's `migrations/env.py` calls: revisions run on the connection that `migrate` opened."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


def execute_all(statements: Sequence[str]) -> None:
    """Each statement runs in the current revision, in order (the driver takes one statement at a time)."""
    for statement in statements:
        op.execute(text(statement.replace(":", "\\:")))


def _upgrade(connection: Connection, package: str, revision: str) -> None:
    config = _config(package)
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _config(package: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_ROOT / "services" / package / "migrations"))
    return config
