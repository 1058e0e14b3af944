"""A messaging database of its own for each test, folded by the real handler, and a relay that keeps what it is sent."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from deploy.local.databases import ServiceUrls
from deploy.local.topics import CLIENT_ROLE
from libs.contracts.registry import SOURCES
from libs.eventbus import postgres_schema
from libs.eventbus.outbox import seed_topic
from libs.eventbus.postgres import PostgresBus
from libs.eventbus.postgres_reading import Pace
from libs.eventbus.schema import ensure_partitions
from libs.eventbus.subscriptions import fold
from libs.servicekit.clock import ManualClock, SystemClock
from libs.servicekit.database import Database, create_engine
from libs.servicekit.effect_sender import EffectSender
from libs.servicekit.timers import TimerLoop
from services.messaging.adapters.email_effects import EmailEffects, Sender
from services.messaging.adapters.intents import PostgresIntents
from services.messaging.adapters.liquid_renderer import LiquidRenderer
from services.messaging.adapters.smtp import SmtpRelay
from services.messaging.adapters.workspaces import EFFECT_KIND, WAIT_KIND, PostgresWorkspaces
from services.messaging.bootstrap import unsubscribe_key
from services.messaging.entrypoints.schedule import timer_handlers
from services.messaging.entrypoints.subscriptions import SUBSCRIPTIONS
from tests.services.messaging.facts import NOW, SEALER, VAULT
from tests.services.messaging.mailbox import Mailbox
from tests.services.messaging.messaging import Messaging
from tests.services.messaging.stage import TOPICS, Stage
from tests.services.messaging.web import settings
from tests.throwaway import Databases

SENDER = Sender(
    mail_from="hello@mail.example",
    bounce_domain="bounce.example",
    public_url="http://mail.example",
    unsubscribe_key=unsubscribe_key(settings()),
)


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with Mailbox.open() as opened:
        yield opened


@pytest.fixture
async def renderer() -> AsyncIterator[LiquidRenderer]:
    made = LiquidRenderer()
    yield made
    await made.close()


@pytest.fixture(scope="session")
async def messaging_urls(databases: Databases) -> ServiceUrls:
    """One database for the run: making and dropping one per test would be most of the run."""
    return await databases.fresh("messaging")


async def empty(owner_url: str) -> None:
    """No row is left but the schema's revision."""
    owner = await asyncpg.connect(owner_url)
    try:
        await owner.execute(_EMPTY)
    finally:
        await owner.close()


_EMPTY = """
DO $$
DECLARE _table regclass;
BEGIN
    FOR _table IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND NOT relispartition AND relname <> 'alembic_version'
    LOOP EXECUTE format('DELETE FROM %s', _table); END LOOP;
END $$
"""


@pytest.fixture
async def messaging(
    messaging_urls: ServiceUrls, mailbox: Mailbox, renderer: LiquidRenderer
) -> AsyncIterator[Messaging]:
    urls = messaging_urls
    await empty(urls.owner)
    clock = ManualClock(NOW)
    database = Database(create_engine(urls.worker, "worker", pool_size=3), source="messaging", clock=clock)
    async with database.begin() as uow:
        await seed_topic(uow.connection, "messaging")
        # The outbox's days follow the database's own clock, not the test's.
        await ensure_partitions(uow.connection, SystemClock().now())
    workspaces = PostgresWorkspaces(sealer=SEALER, vault=VAULT, clock=clock)
    relay = SmtpRelay(host=mailbox.host, port=mailbox.port, timeout_seconds=5, data_timeout_seconds=5)
    email = EmailEffects(relay=relay, renderer=renderer, vault=VAULT, sender=SENDER, clock=clock)
    yield Messaging(
        urls=urls,
        database=database,
        handler=fold(workspaces, SUBSCRIPTIONS),
        clock=clock,
        mailbox=mailbox,
        sender=EffectSender(database, {EFFECT_KIND: email}, clock),
        timers=TimerLoop(database, timer_handlers(PostgresIntents(), wait_kind=WAIT_KIND), clock),
    )
    await relay.close()
    await database.close()


@pytest.fixture(scope="session")
async def messaging_bus(databases: Databases) -> tuple[str, str]:
    """Owner's and client's URL of one bus for the run."""
    owner_url, client_url = await databases.fresh_bus()
    owner = await asyncpg.connect(owner_url)
    await postgres_schema.install(owner, topics=TOPICS, now=datetime.now(UTC), client_role=CLIENT_ROLE)
    await owner.close()
    return owner_url, client_url


async def wipe(owner_url: str) -> None:
    """The bus has no records and knows no groups."""
    owner = await asyncpg.connect(owner_url)
    await owner.execute("TRUNCATE log, group_offset; UPDATE part SET next_off = 0, low_off = 0")
    await owner.close()


@pytest.fixture
async def stage(messaging: Messaging, messaging_bus: tuple[str, str]) -> AsyncIterator[Stage]:
    owner_url, client_url = messaging_bus
    await wipe(owner_url)
    sources = {
        topic: Database(
            create_engine(messaging.urls.worker, "worker", pool_size=2), source=SOURCES[topic], clock=SystemClock()
        )
        for topic in ("commerce", "loyalty")
    }
    for topic, database in sources.items():
        async with database.begin() as uow:
            await seed_topic(uow.connection, topic)
    async with PostgresBus.open(client_url, pace=Pace(busy_seconds=0.005, idle_seconds=0.02)) as bus:
        yield Stage(messaging, sources, bus, owner_url)
    for database in sources.values():
        await database.close()
