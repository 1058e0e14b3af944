"""The composition root: the only place that opens messaging's engines, bus, template worker and mail relay."""

import hashlib
import hmac
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
from libs.servicekit.effect_sender import EffectSender
from libs.servicekit.health import Health
from libs.servicekit.housekeeping import housekeeping
from libs.servicekit.http import create_app
from libs.servicekit.job_runner import JobRunner
from libs.servicekit.kit import Kit, open_kit
from libs.servicekit.ops_jobs import ops_job_handlers
from libs.servicekit.process import Task
from libs.servicekit.sealing import Sealer, Vault
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
from services.messaging.adapters.email_effects import EmailEffects, Sender
from services.messaging.adapters.exports import gathering
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
from services.messaging.entrypoints.schedule import timer_handlers
from services.messaging.entrypoints.subscriptions import SUBSCRIPTIONS, TOPICS
from services.messaging.settings import Settings

SERVICE: Final = "messaging"
MAILS_AT_ONCE: Final = 32
"""Claimed together: few enough that none waits long for one of the sender's connections."""
MAIL_ROUNDS: Final = 2
"""While one round's mails are made and handed over, the next one's are claimed."""
CONNECTIONS_BESIDE: Final = 4
"""What consumer, timers and jobs need of the pool besides."""
GATHER_SECONDS: Final = 0.25
"""Who waits for a mail does not notice; larger batches leave more of the machine to who waits for points."""
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
    clock = settings.clock
    database = open_database(
        settings.database_api_url, "api", source=SERVICE, pool_size=settings.api_pool_size, clock=clock
    )
    watch_database(health, database, package=SERVICE, clock=clock)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(database.close)
        renderer = LiquidRenderer()
        opened.push_async_callback(renderer.close)
        bus = await opened.enter_async_context(open_bus(settings.bus_url))
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
    clock = settings.clock
    database = open_database(
        settings.database_worker_url, "worker", source=SERVICE, pool_size=settings.worker_pool_size, clock=clock
    )
    watch_database(health, database, package=SERVICE, clock=clock)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(database.close)
        renderer = LiquidRenderer()
        opened.push_async_callback(renderer.close)
        relay = SmtpRelay(
            host=settings.smtp_host,
            port=settings.smtp_port,
            timeout_seconds=settings.smtp_timeout_seconds,
            data_timeout_seconds=settings.smtp_data_timeout_seconds,
        )
        opened.push_async_callback(relay.close)
        bus = await opened.enter_async_context(open_bus(settings.bus_url, instance=settings.instance))
        await prepare_outbox(database, SERVICE, clock)
        email = email_effects(settings, relay, renderer, clock)
        rounds = MAIL_ROUNDS if settings.worker_pool_size >= 2 * MAIL_ROUNDS + CONNECTIONS_BESIDE else 1
        sender = EffectSender(database, {EFFECT_KIND: email}, clock, at_once=MAILS_AT_ONCE, rounds=rounds)
        also = feeding_also(settings, database, source=SERVICE, url=settings.database_worker_url, clock=clock)
        yield {
            **bus_tasks(settings, database, bus, clock, health),
            **await opened.enter_async_context(also),
            "timers": TimerLoop(database, timer_handlers(PostgresIntents(), wait_kind=WAIT_KIND), clock).run,
            "data exports": exports(settings, database, clock).run,
            "effects": sender.run,
            "housekeeping": housekeeping(database, forget_the_old, clock),
        }


def bus_tasks(settings: Settings, database: Database, bus: Bus, clock: Clock, health: Health) -> Mapping[str, Task]:
    """What the worker does for and with the bus, by name."""
    reader = consumer(settings, database, bus, clock)
    jobs = JobRunner(database, ops_job_handlers(reader.definition, database.begin), clock)
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
        "jobs": jobs.run,
    }


def consumer(settings: Settings, database: Database, bus: Bus, clock: Clock) -> Consumer:
    """The group `messaging`, folding what SUBSCRIPTIONS lists."""
    workspaces = PostgresWorkspaces(sealer=_sealer(settings), vault=Vault(settings.vault_key_ring), clock=clock)
    return group_consumer(
        SERVICE,
        TOPICS,
        workspaces,
        SUBSCRIPTIONS,
        database=database,
        bus=bus,
        clock=clock,
        instance=settings.instance,
        gather_seconds=GATHER_SECONDS,
    )


def exports(settings: Settings, database: Database, clock: Clock) -> TimerLoop:
    """Answers to who asks for all that is kept about them."""
    gather = gathering(Vault(settings.vault_key_ring))
    return export_loop(database, gather, _sealer(settings), clock, topic=SERVICE)


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


def _sealer(settings: Settings) -> Sealer:
    return Sealer(settings.seal_key_ring, settings.match_key_bytes)
