"""The composition root: the only place that opens segmentation's engines, bus and clients."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from fractions import Fraction
from typing import Final

from starlette.types import ASGIApp

from libs.eventbus.consumer import Consumer
from libs.eventbus.port import Bus
from libs.servicekit import migrations
from libs.servicekit.checks import watch_database
from libs.servicekit.clock import Clock
from libs.servicekit.data_export import export_loop
from libs.servicekit.database import Database
from libs.servicekit.health import Health
from libs.servicekit.http import create_app
from libs.servicekit.job_runner import JobRunner
from libs.servicekit.kit import Kit, open_kit
from libs.servicekit.ops_jobs import ops_job_handlers
from libs.servicekit.process import Task
from libs.servicekit.sealing import Sealer
from libs.servicekit.timers import TimerLoop
from libs.servicekit.worker import (
    feeding_also,
    group_consumer,
    open_bus,
    open_database,
    prepare_outbox,
    reading_task,
    telling_tasks,
)
from services.segmentation.adapters.exports import gather
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
GATHER_SECONDS: Final = 0.25
"""Nobody waits for a segment by the eye; larger batches leave more of the machine to who waits for points."""
DESCRIPTION: Final = (
    "Customers' profiles and timelines, segments that follow the facts, and measures of how a shop's customers return."
)


@asynccontextmanager
async def api(settings: Settings, health: Health) -> AsyncIterator[ASGIApp]:
    """The HTTP application, under the role that sees one merchant at a time."""
    clock = settings.clock
    url, pool_size = settings.database_api_url, settings.api_pool_size
    database = open_database(url, "api", source=SERVICE, pool_size=pool_size, clock=clock)
    watch_database(health, database, package=SERVICE, clock=clock)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(database.close)
        bus = await opened.enter_async_context(open_bus(settings.bus_url)) if settings.bus_url else None
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
    """Relay, consumer, data exports, jobs and maintenance, under the role that handles many merchants in one batch."""
    clock = settings.clock
    url, pool_size = settings.database_worker_url, settings.worker_pool_size
    database = open_database(url, "worker", source=SERVICE, pool_size=pool_size, clock=clock)
    watch_database(health, database, package=SERVICE, clock=clock)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(database.close)
        bus = await opened.enter_async_context(open_bus(settings.bus_url, instance=settings.instance))
        await prepare_outbox(database, SERVICE, clock)
        also = feeding_also(settings, database, source=SERVICE, url=url, clock=clock)
        yield {**tasks(settings, database, bus, clock, health), **await opened.enter_async_context(also)}


def tasks(settings: Settings, database: Database, bus: Bus, clock: Clock, health: Health) -> Mapping[str, Task]:
    """The worker's tasks by name."""
    reader = consumer(database, bus, clock, instance=settings.instance)
    return {
        **telling_tasks(
            database,
            bus,
            source=SERVICE,
            url=settings.database_worker_url,
            clock=clock,
            gather_seconds=GATHER_SECONDS,
        ),
        "consumer": reading_task(reader, health),
        "data exports": exports(settings, database, clock).run,
        "jobs": JobRunner(database, ops_job_handlers(reader.definition, database.begin), clock).run,
    }


def consumer(database: Database, bus: Bus, clock: Clock, *, instance: str = "0") -> Consumer:
    """The group `segmentation`, folding what SUBSCRIPTIONS lists."""
    workspaces = PostgresWorkspaces(clock.now)
    return group_consumer(
        SERVICE,
        TOPICS,
        workspaces,
        SUBSCRIPTIONS,
        database=database,
        bus=bus,
        clock=clock,
        instance=instance,
        gather_seconds=GATHER_SECONDS,
    )


def exports(settings: Settings, database: Database, clock: Clock) -> TimerLoop:
    """Answers to who asks for all that is kept about them."""
    sealer = Sealer(settings.seal_key_ring, settings.match_key_bytes)
    return export_loop(database, gather, sealer, clock, topic=SERVICE)


async def migrate(settings: Settings) -> None:
    """The database has the newest schema."""
    await migrations.migrate(SERVICE, settings.database_owner_url)
