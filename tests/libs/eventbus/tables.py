"""The tables under a bed."""

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from libs.eventbus import outbox, schema, schema_epochs
from tests.libs.eventbus.tallies import TOPIC

EFFECTS = (
    "CREATE TABLE effect (id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, subject text NOT NULL, n int8 NOT NULL,"
    " event_id uuid NOT NULL)",
)

# As a relay that ran before has left them: tests look at cursors, and move them, without one.
_CURSORS = text("INSERT INTO outbox_cursor (bus, topic, lane) SELECT 'postgres', topic, lane FROM outbox_lane")


def connect_engine(url: str) -> AsyncEngine:
    """An engine with the guards that matter to the bus."""
    return create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://"),
        pool_size=30,
        connect_args={"server_settings": {"lock_timeout": "2s", "plan_cache_mode": "force_generic_plan"}},
    )


async def empty_database(url: str) -> None:
    """The database holds nothing."""
    engine = connect_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await engine.dispose()


async def lay_tables(url: str) -> AsyncEngine:
    """The database has the bus tables of a service, the topic's lanes and the effect table."""
    engine = connect_engine(url)
    async with engine.begin() as connection:
        for statement in (*schema.UPGRADE, *schema_epochs.UPGRADE, *EFFECTS):
            await connection.execute(text(statement.replace(":", "\\:")))
    await seed(engine)
    return engine


async def seed(engine: AsyncEngine) -> None:
    """The topic's lanes exist, and the outbox has room for today."""
    async with engine.begin() as connection:
        await schema.ensure_partitions(connection, datetime.now(UTC))
        await outbox.seed_topic(connection, TOPIC)
        await connection.execute(_CURSORS)
