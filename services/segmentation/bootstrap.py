"""The composition root: the only place that opens segmentation's engines, bus and clients."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from fractions import Fraction
from functools import partial
from typing import Final

from starlette.types import ASGIApp

from libs.contracts.registry import REGISTRY, SOURCES
from libs.eventbus.consumer import Consumer
from libs.eventbus.outbox import seed_topic
from libs.eventbus.postgres import PostgresBus
from libs.eventbus.runtime import consumer_task, maintenance_task, relay_task
from libs.eventbus.schema import ensure_partitions
from libs.eventbus.subscriptions import fold
from libs.servicekit import migrations
from libs.servicekit.checks import watch_database
from libs.servicekit.clock import Clock, SystemClock
from libs.servicekit.database import Database, Role, create_engine
from libs.servicekit.errors import SettingsError
from libs.servicekit.health import Health
from libs.servicekit.http import create_app
from libs.servicekit.identity import new_id
from libs.servicekit.job_runner import JobRunner
from libs.servicekit.kit import Kit, open_kit
from libs.servicekit.ops_jobs import ops_job_handlers
from libs.servicekit.process import Task
from services.segmentation.adapters.measures import PostgresMeasures
from services.segmentation.adapters.profiles import PostgresProfiles
from services.segmentation.adapters.segments import PostgresSegments
from services.segmentation.adapters.workspaces import PostgresWorkspaces
from services.segmentation.application.ports import Reads
from services.segmentation.domain.repurchase import Bands
from services.segmentation.entrypoints import customer_routes, measure_routes, rfm_routes, segment_routes
from services.segmentation.entrypoints.subscriptions import SUBSCRIPTIONS, TOPICS
from services.segmentation.settings import Settings

SERVICE: Final = "segmentation"
DESCRIPTION: Final = (
    "Customers' profiles and timelines, segments that follow the facts, and measures of how a shop's customers return."
)


@asynccontextmanager
async def api(settings: Settings, health: Health) -> AsyncIterator[ASGIApp]:
    """The HTTP application, under the role that sees one merchant at a time."""
    clock = SystemClock()
    database = _database(settings.database_api_url, "api", settings.api_pool_size, clock)
    watch_database(health, database, package=SERVICE, clock=clock)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(database.close)
        bus = await opened.enter_async_context(_bus(settings)) if settings.bus_url else None
        yield application(open_kit(SERVICE, settings, clock=clock, database=database, health=health, bus=bus), settings)


def application(kit: Kit, settings: Settings) -> ASGIApp:
    """The routes over one database."""
    database = kit.database
    reads = Reads(PostgresProfiles(database), PostgresSegments(database), PostgresMeasures(database))
    bands = Bands(hybrid_from=Fraction(settings.hybrid_from), loyalty_from=Fraction(settings.loyalty_from))
    return create_app(
        kit,
        title="Huitou segmentation",
        description=DESCRIPTION,
        version="1",
        routers=(customer_routes.router, segment_routes.router, measure_routes.router, rfm_routes.router),
        parts=(reads, bands),
    )


@asynccontextmanager
async def worker(settings: Settings, health: Health) -> AsyncIterator[Mapping[str, Task]]:
    """Relay, consumer, jobs and maintenance, under the role that handles many merchants in one batch."""
    clock = SystemClock()
    database = _database(settings.database_worker_url, "worker", settings.worker_pool_size, clock)
    watch_database(health, database, package=SERVICE, clock=clock)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(database.close)
        bus = await opened.enter_async_context(_bus(settings))
        await _prepare(database, clock)
        yield tasks(settings.database_worker_url, database, bus, clock)


def tasks(url: str, database: Database, bus: PostgresBus, clock: Clock) -> Mapping[str, Task]:
    """The worker's tasks by name; `url` is the database's, for the relay's own connections."""
    reader = consumer(database, bus, clock)
    jobs = JobRunner(database, ops_job_handlers(reader.definition, database.begin), clock)
    relay = partial(
        relay_task,
        source=SERVICE,
        bus=bus,
        url=url,
        begin=database.begin,
        clock=clock,
        new_id=new_id,
        told=database.told,
    )
    maintenance = partial(maintenance_task, begin=database.begin, bus=bus, clock=clock)
    return {
        "relay": lambda stop: relay(stop=stop),
        "consumer": lambda stop: consumer_task(reader, stop),
        "maintenance": lambda stop: maintenance(stop=stop),
        "jobs": jobs.run,
    }


def consumer(database: Database, bus: PostgresBus, clock: Clock) -> Consumer:
    """The group `segmentation`, folding what SUBSCRIPTIONS lists."""
    return Consumer(
        group=SERVICE,
        topics={topic: SOURCES[topic] for topic in TOPICS},
        facts=tuple(fact for fact in REGISTRY.values() if fact in SUBSCRIPTIONS),
        handler=fold(PostgresWorkspaces(clock.now), SUBSCRIPTIONS),
        bus=bus,
        begin=database.begin,
        clock=clock,
        new_id=new_id,
    )


async def migrate(settings: Settings) -> None:
    """The database has the newest schema."""
    await migrations.migrate(SERVICE, settings.database_owner_url)


async def _prepare(database: Database, clock: Clock) -> None:
    """Facts can be said: their lanes are seeded and their days have room."""
    async with database.begin() as uow:
        await ensure_partitions(uow.connection, clock.now())
        await seed_topic(uow.connection, SERVICE)


def _bus(settings: Settings) -> AbstractAsyncContextManager[PostgresBus]:
    if not settings.bus_url.startswith("postgresql://"):
        raise SettingsError("BUS_URL: only postgresql:// is supported")
    return PostgresBus.open(settings.bus_url)


def _database(url: str, role: Role, pool_size: int, clock: Clock) -> Database:
    return Database(create_engine(url, role, pool_size=pool_size), source=SERVICE, clock=clock)
