"""The composition root: the only place that opens order-ingest's engines, bus and hook path."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

from starlette.types import ASGIApp

from libs.servicekit import migrations
from libs.servicekit.checks import watch_database
from libs.servicekit.clock import Clock
from libs.servicekit.database import Database
from libs.servicekit.errors import SettingsError
from libs.servicekit.health import Health
from libs.servicekit.http import Mounted, create_app
from libs.servicekit.kit import Kit, open_kit
from libs.servicekit.logs import logger
from libs.servicekit.process import Task
from libs.servicekit.rate_limit import Buckets
from libs.servicekit.sealing import Vault
from libs.servicekit.worker import (
    feeding_also,
    open_bus,
    open_database,
    prepare_outbox,
)
from services.order_ingest.adapters import maintenance
from services.order_ingest.adapters.accesses import PostgresAccesses
from services.order_ingest.adapters.addresses import LibraryAddresses
from services.order_ingest.adapters.fx_rates import PostgresFxRates
from services.order_ingest.adapters.hook_refusals import HookRefusals
from services.order_ingest.adapters.hook_stores import HookStores
from services.order_ingest.adapters.imports import ImportFiles
from services.order_ingest.adapters.intake import Intake
from services.order_ingest.adapters.outbound import outbound_client
from services.order_ingest.adapters.privacy_desk import PostgresPrivacy
from services.order_ingest.adapters.screens import PostgresScreens
from services.order_ingest.adapters.stores import PostgresMerchants, PostgresStores
from services.order_ingest.adapters.unmerges import PostgresUnmerges
from services.order_ingest.entrypoints import (
    access_routes,
    customer_routes,
    delivery_routes,
    fx_routes,
    health_routes,
    hook_document,
    import_routes,
    merchant_routes,
    order_routes,
    preview_routes,
    privacy_routes,
    store_routes,
    unmerge_routes,
    webhooks,
)
from services.order_ingest.entrypoints.ports import Ports
from services.order_ingest.entrypoints.upload import UPLOAD_LIMIT
from services.order_ingest.settings import Settings
from services.order_ingest.worker_tasks import NAME, asking, sealer_of, tasks, telling_stores

PACKAGE: Final = "order_ingest"
TOPIC: Final = "commerce"
ROUTERS: Final = (
    merchant_routes.router,
    store_routes.router,
    access_routes.router,
    health_routes.router,
    order_routes.router,
    customer_routes.router,
    privacy_routes.router,
    unmerge_routes.router,
    delivery_routes.router,
    preview_routes.router,
    import_routes.router,
    fx_routes.router,
)
_log = logger(__name__)


@asynccontextmanager
async def api(settings: Settings, health: Health) -> AsyncIterator[ASGIApp]:
    """The HTTP application with its hook path; what waits for a commit when the block ends is still committed."""
    clock, vault = settings.clock, Vault(settings.vault_key_ring)
    if not settings.database_intake_url:
        raise SettingsError("DATABASE_INTAKE_URL: needed by `api`")
    async with AsyncExitStack() as opened:
        database = open_database(
            settings.database_api_url, "api", source=NAME, pool_size=settings.api_pool_size, clock=clock
        )
        opened.push_async_callback(database.close)
        hooks_database = open_database(settings.database_intake_url, "intake", source=NAME, pool_size=2, clock=clock)
        opened.push_async_callback(hooks_database.close)
        bus = await opened.enter_async_context(open_bus(settings.bus_url, pool_size=2)) if settings.bus_url else None
        watch_database(health, database, package=PACKAGE, clock=clock)
        intake = Intake(
            settings.database_intake_url,
            vault,
            clock,
            most_waiting=settings.hook_most_waiting,
            most_bytes=settings.hook_most_waiting_bytes,
        )
        await _try_to_prepare(database, clock)
        refusals = HookRefusals(hooks_database, clock)
        await opened.enter_async_context(_running(intake, refusals))
        hooks = _hooks(settings, HookStores(hooks_database, vault, clock), intake, refusals, clock)
        kit = open_kit(NAME, settings, clock=clock, database=database, health=health, bus=bus)
        yield application(kit, settings, hooks)


def application(kit: Kit, settings: Settings, hooks: ASGIApp) -> ASGIApp:
    """The routes over one database, and the hook path beside them."""
    vault, seals = Vault(settings.vault_key_ring), sealer_of(settings)
    ports = Ports(
        merchants=PostgresMerchants,
        stores=partial(PostgresStores, vault=vault),
        accesses=partial(PostgresAccesses, vault=vault),
        fx_rates=PostgresFxRates,
        screens=partial(PostgresScreens, vault=vault),
        uploads=lambda uow: ImportFiles(uow.connection, uow.tenant, vault),
        privacy=partial(PostgresPrivacy, vault=vault),
        unmerges=PostgresUnmerges,
        addresses=LibraryAddresses(),
        seals=seals,
        public_url=settings.public_url,
        import_backlog=settings.import_backlog,
    )
    return create_app(
        kit,
        title="Huitou order-ingest",
        description="Takes webhooks and history from storefronts; keeps the canonical orders and customers.",
        version="1",
        routers=ROUTERS,
        parts=[ports],
        mounted=[Mounted(webhooks.PATH, hooks, hook_document.OPENAPI)],
        body_limits={import_routes.PATH: UPLOAD_LIMIT},
    )


@asynccontextmanager
async def worker(settings: Settings, health: Health) -> AsyncIterator[Mapping[str, Task]]:
    """Everything that runs by itself, under the role that handles many merchants in one batch."""
    clock = settings.clock
    async with AsyncExitStack() as opened:
        database = open_database(
            settings.database_worker_url, "worker", source=NAME, pool_size=settings.worker_pool_size, clock=clock
        )
        opened.push_async_callback(database.close)
        bus = await opened.enter_async_context(open_bus(settings.bus_url, instance=settings.instance))
        watch_database(health, database, package=PACKAGE, clock=clock)
        await prepare(database, clock)
        also = feeding_also(settings, database, source=NAME, url=settings.database_worker_url, clock=clock)
        http = await opened.enter_async_context(outbound_client(settings.trusted_origins))
        yield {
            **tasks(settings, database, bus, clock, health),
            **asking(settings, http, database, clock),
            "told stores": telling_stores(settings, http, database, clock).run,
            **await opened.enter_async_context(also),
        }


async def migrate(settings: Settings) -> None:
    """The database stands at the newest revision and is ready to take deliveries, whichever process starts first."""
    await migrations.migrate(PACKAGE, settings.database_owner_url)
    clock = settings.clock
    database = open_database(settings.database_owner_url, "owner", source=NAME, pool_size=1, clock=clock)
    try:
        await prepare(database, clock)
    finally:
        await database.close()


async def prepare(database: Database, clock: Clock) -> None:
    """Facts can be said and deliveries kept: lanes are seeded, and today has its partitions."""
    async with database.begin() as uow:
        await maintenance.ensure_days(uow.connection, clock.now())
    await prepare_outbox(database, TOPIC, clock)


async def _try_to_prepare(database: Database, clock: Clock) -> None:
    """An API that starts after days without a worker makes today's partitions itself.

    A database that cannot be reached is no reason not to start: hooks answer 503 until it can.
    """
    try:
        await prepare(database, clock)
    except Exception as error:
        _log.warning("intake_not_prepared", error_type=type(error).__name__)


def _hooks(
    settings: Settings, stores: HookStores, intake: Intake, refusals: HookRefusals, clock: Clock
) -> webhooks.Hooks:
    rate, burst = settings.hook_requests_per_second, settings.hook_burst
    return webhooks.Hooks(
        stores,
        intake,
        clock,
        refusals=refusals,
        per_endpoint=Buckets(per_second=rate, burst=burst),
        per_address=Buckets(per_second=rate, burst=burst),
    )


@asynccontextmanager
async def _running(intake: Intake, refusals: HookRefusals) -> AsyncIterator[None]:
    """The intake writes until the block ends, and ends with it: an API whose hooks cannot store has no business.

    What was refused is put away beside it, and for the last time when the block ends.
    """
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(intake.run(stop))
        group.create_task(refusals.run(stop))
        try:
            yield
        finally:
            stop.set()
