"""The composition root: the only place that opens loyalty's engines and bus."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

from fastapi import FastAPI
from starlette.types import ASGIApp

from libs.contracts.registry import SOURCES
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
from libs.servicekit.timers import TimerLoop
from services.loyalty.adapters.member_reads import PostgresMembers
from services.loyalty.adapters.programme_edits import PostgresProgrammes
from services.loyalty.adapters.proofs import PostgresHousekeeping, PostgresProofs
from services.loyalty.adapters.workspaces import PostgresWorkspaces
from services.loyalty.application.parts import Parts
from services.loyalty.entrypoints import adjustments, ledger, members, programmes
from services.loyalty.entrypoints.schedule import Schedule
from services.loyalty.entrypoints.subscriptions import SUBSCRIPTIONS, TOPICS
from services.loyalty.settings import Settings

SERVICE: Final = "loyalty"
_TITLE: Final = "Huitou loyalty"
_ABOUT: Final = "Points as a double-entry ledger, and tiers by what members spend within a year."


@asynccontextmanager
async def api(settings: Settings, health: Health) -> AsyncIterator[ASGIApp]:
    """The HTTP application, under the role that sees one merchant at a time."""
    clock = SystemClock()
    database = _database(settings.database_api_url, "api", settings.api_pool_size, clock)
    watch_database(health, database, package=SERVICE, clock=clock)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(database.close)
        bus = await opened.enter_async_context(_bus(settings)) if settings.bus_url else None
        yield application(open_kit(SERVICE, settings, clock=clock, database=database, health=health, bus=bus))


def application(kit: Kit) -> FastAPI:
    """The routes over their ports."""
    parts = Parts(
        ledgers=PostgresWorkspaces(kit.clock),
        members=PostgresMembers(),
        programmes=PostgresProgrammes(),
        proofs=PostgresProofs(),
    )
    routers = (members.router, adjustments.router, programmes.router, ledger.router)
    return create_app(kit, title=_TITLE, description=_ABOUT, version="1", routers=routers, parts=(parts,))


@asynccontextmanager
async def worker(settings: Settings, health: Health) -> AsyncIterator[Mapping[str, Task]]:
    """Relay, consumer, timers, jobs and maintenance, under the role that handles many merchants in one batch."""
    clock = SystemClock()
    database = _database(settings.database_worker_url, "worker", settings.worker_pool_size, clock)
    watch_database(health, database, package=SERVICE, clock=clock)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(database.close)
        bus = await opened.enter_async_context(_bus(settings))
        await prepare(database, clock)
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
        "timers": timers(database, clock).run,
        "jobs": jobs.run,
    }


def consumer(database: Database, bus: PostgresBus, clock: Clock) -> Consumer:
    """The group `loyalty`, folding what SUBSCRIPTIONS lists."""
    return Consumer(
        group=SERVICE,
        topics={topic: SOURCES[topic] for topic in TOPICS},
        facts=tuple(SUBSCRIPTIONS),
        handler=fold(PostgresWorkspaces(clock), SUBSCRIPTIONS),
        bus=bus,
        begin=database.begin,
        clock=clock,
        new_id=new_id,
    )


def timers(database: Database, clock: Clock) -> TimerLoop:
    """Everything that loyalty does by the clock."""
    schedule = Schedule(PostgresWorkspaces(clock), PostgresHousekeeping())
    return TimerLoop(database, schedule.handlers(), clock)


async def migrate(settings: Settings) -> None:
    """The database has the newest schema."""
    await migrations.migrate(SERVICE, settings.database_owner_url)


async def prepare(database: Database, clock: Clock) -> None:
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
