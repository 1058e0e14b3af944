"""The composition root: the only place that opens loyalty's engines and bus."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from fastapi import FastAPI
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
from services.loyalty.adapters.exports import gather
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
GATHER_SECONDS: Final = 0.25
"""Whoever waits for points looks here; those who read of them gather what they read anyway."""
_TITLE: Final = "Huitou loyalty"
_ABOUT: Final = "Points as a double-entry ledger, and tiers by what members spend within a year."


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
        "timers": timers(database, clock).run,
        "data exports": exports(settings, database, clock).run,
        "jobs": JobRunner(database, ops_job_handlers(reader.definition, database.begin), clock).run,
    }


def consumer(database: Database, bus: Bus, clock: Clock, *, instance: str = "0") -> Consumer:
    """The group `loyalty`, folding what SUBSCRIPTIONS lists."""
    return group_consumer(
        SERVICE,
        TOPICS,
        PostgresWorkspaces(clock),
        SUBSCRIPTIONS,
        database=database,
        bus=bus,
        clock=clock,
        instance=instance,
    )


def timers(database: Database, clock: Clock) -> TimerLoop:
    """Everything that loyalty does by the clock."""
    schedule = Schedule(PostgresWorkspaces(clock), PostgresHousekeeping())
    return TimerLoop(database, schedule.handlers(), clock)


def exports(settings: Settings, database: Database, clock: Clock) -> TimerLoop:
    """Answers to who asks for all that is kept about them."""
    sealer = Sealer(settings.seal_key_ring, settings.match_key_bytes)
    return export_loop(database, gather, sealer, clock, topic=SERVICE)


async def migrate(settings: Settings) -> None:
    """The database has the newest schema."""
    await migrations.migrate(SERVICE, settings.database_owner_url)
