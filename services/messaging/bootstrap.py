"""The composition root: the only place that opens messaging's engines, bus, template worker and mail relay."""

import hashlib
import hmac
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
from libs.servicekit.effect_sender import EffectSender
from libs.servicekit.errors import SettingsError
from libs.servicekit.health import Health
from libs.servicekit.http import create_app
from libs.servicekit.identity import new_id
from libs.servicekit.job_runner import JobRunner
from libs.servicekit.kit import Kit, open_kit
from libs.servicekit.ops_jobs import ops_job_handlers
from libs.servicekit.process import Task
from libs.servicekit.sealing import Sealer, Vault
from libs.servicekit.timers import TimerLoop
from services.messaging.adapters.email_effects import EmailEffects, Sender
from services.messaging.adapters.housekeeping import forget_the_old
from services.messaging.adapters.intents import PostgresIntents
from services.messaging.adapters.liquid_renderer import LiquidRenderer
from services.messaging.adapters.reading import PostgresReading
from services.messaging.adapters.settings_rows import PostgresPolicies, PostgresSuppressions, SealerHashing
from services.messaging.adapters.smtp import SmtpRelay
from services.messaging.adapters.template_rows import PostgresTemplates
from services.messaging.adapters.workspaces import EFFECT_KIND, WAIT_KIND, PostgresWorkspaces
from services.messaging.application.ports import Ports, Renderer
from services.messaging.entrypoints import (
    contact_routes,
    message_routes,
    policy_routes,
    template_routes,
    unsubscribe_routes,
)
from services.messaging.entrypoints.schedule import housekeeping, timer_handlers
from services.messaging.entrypoints.subscriptions import SUBSCRIPTIONS, TOPICS
from services.messaging.settings import Settings

SERVICE: Final = "messaging"
ROUTERS: Final = (
    contact_routes.router,
    message_routes.router,
    template_routes.router,
    policy_routes.router,
    unsubscribe_routes.router,
)


@asynccontextmanager
async def api(settings: Settings, health: Health) -> AsyncIterator[ASGIApp]:
    """The HTTP application, under the role that sees one merchant at a time."""
    clock = SystemClock()
    database = _database(settings.database_api_url, "api", settings.api_pool_size, clock)
    watch_database(health, database, package=SERVICE, clock=clock)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(database.close)
        renderer = LiquidRenderer()
        opened.push_async_callback(renderer.close)
        bus = await opened.enter_async_context(_bus(settings))
        kit = open_kit(SERVICE, settings, clock=clock, database=database, health=health, bus=bus)
        yield application(kit, settings, renderer)


def application(kit: Kit, settings: Settings, renderer: Renderer) -> FastAPI:
    """The routes over their ports."""
    sealer, vault = _sealer(settings), Vault(settings.vault_key_ring)
    ports = Ports(
        customers=PostgresWorkspaces(sealer=sealer, vault=vault, clock=kit.clock),
        templates=PostgresTemplates(),
        renderer=renderer,
        reading=PostgresReading(vault=vault),
        suppressions=PostgresSuppressions(),
        policies=PostgresPolicies(),
        hashing=SealerHashing(sealer),
        unsubscribe_key=unsubscribe_key(settings),
    )
    return create_app(
        kit,
        title="Huitou messaging",
        description="Contacts, consent, templates, and what became of every message.",
        version="1",
        routers=ROUTERS,
        parts=(ports,),
    )


@asynccontextmanager
async def worker(settings: Settings, health: Health) -> AsyncIterator[Mapping[str, Task]]:
    """Relay, consumer, timers, jobs and mail, under the role that handles many merchants in one batch."""
    clock = SystemClock()
    database = _database(settings.database_worker_url, "worker", settings.worker_pool_size, clock)
    watch_database(health, database, package=SERVICE, clock=clock)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(database.close)
        renderer = LiquidRenderer()
        opened.push_async_callback(renderer.close)
        relay = SmtpRelay(
            host=settings.smtp_host, port=settings.smtp_port, timeout_seconds=settings.smtp_timeout_seconds
        )
        opened.push_async_callback(relay.close)
        bus = await opened.enter_async_context(_bus(settings))
        await _prepare(database, clock)
        email = email_effects(settings, relay, renderer, clock)
        yield {
            **bus_tasks(settings, database, bus, clock),
            "timers": TimerLoop(database, timer_handlers(PostgresIntents(), wait_kind=WAIT_KIND), clock).run,
            "effects": EffectSender(database, {EFFECT_KIND: email}, clock).run,
            "housekeeping": housekeeping(database.begin, forget_the_old, clock),
        }


def bus_tasks(settings: Settings, database: Database, bus: PostgresBus, clock: Clock) -> Mapping[str, Task]:
    """What the worker does for and with the bus, by name."""
    reader = consumer(settings, database, bus, clock)
    jobs = JobRunner(database, ops_job_handlers(reader.definition, database.begin), clock)
    relay = partial(
        relay_task,
        source=SERVICE,
        bus=bus,
        url=settings.database_worker_url,
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


def consumer(settings: Settings, database: Database, bus: PostgresBus, clock: Clock) -> Consumer:
    """The group `messaging`, folding what SUBSCRIPTIONS lists."""
    workspaces = PostgresWorkspaces(sealer=_sealer(settings), vault=Vault(settings.vault_key_ring), clock=clock)
    return Consumer(
        group=SERVICE,
        topics={topic: SOURCES[topic] for topic in TOPICS},
        facts=tuple(SUBSCRIPTIONS),
        handler=fold(workspaces, SUBSCRIPTIONS),
        bus=bus,
        begin=database.begin,
        clock=clock,
        new_id=new_id,
    )


def email_effects(settings: Settings, relay: SmtpRelay, renderer: Renderer, clock: Clock) -> EmailEffects:
    """Mail through `relay`, in the name of the settings."""
    sender = Sender(
        mail_from=settings.mail_from,
        bounce_domain=settings.bounce_domain,
        public_url=settings.public_url,
        unsubscribe_key=unsubscribe_key(settings),
    )
    vault = Vault(settings.vault_key_ring)
    return EmailEffects(relay=relay, renderer=renderer, vault=vault, sender=sender, clock=clock)


def unsubscribe_key(settings: Settings) -> bytes:
    """Derived from the key that never changes: a link of years ago must still work."""
    return hmac.digest(settings.match_key_bytes, b"messaging.unsubscribe", hashlib.sha256)


async def migrate(settings: Settings) -> None:
    """The database has the newest schema."""
    await migrations.migrate(SERVICE, settings.database_owner_url)


async def _prepare(database: Database, clock: Clock) -> None:
    """Facts can be said: their lanes are seeded and their days have room."""
    async with database.begin() as uow:
        await ensure_partitions(uow.connection, clock.now())
        await seed_topic(uow.connection, SERVICE)


def _sealer(settings: Settings) -> Sealer:
    return Sealer(settings.seal_key_ring, settings.match_key_bytes)


def _bus(settings: Settings) -> AbstractAsyncContextManager[PostgresBus]:
    if not settings.bus_url.startswith("postgresql://"):
        raise SettingsError("BUS_URL: only postgresql:// is supported")
    return PostgresBus.open(settings.bus_url)


def _database(url: str, role: Role, pool_size: int, clock: Clock) -> Database:
    return Database(create_engine(url, role, pool_size=pool_size), source=SERVICE, clock=clock)
