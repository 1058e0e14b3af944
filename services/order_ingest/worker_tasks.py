"""What order-ingest's worker does by itself: each task with the adapters that it needs, put together."""

from collections.abc import Mapping
from typing import Final

import httpx

from libs.eventbus.consumer import Consumer
from libs.eventbus.port import Bus
from libs.servicekit.clock import Clock
from libs.servicekit.database import Database
from libs.servicekit.effect_sender import EffectSender
from libs.servicekit.effects import EffectKind
from libs.servicekit.health import Health
from libs.servicekit.job_runner import JobRunner
from libs.servicekit.ops_jobs import ops_job_handlers
from libs.servicekit.process import Task
from libs.servicekit.sealing import Sealer, Vault
from libs.servicekit.timers import TimerHandler, TimerLoop
from libs.servicekit.worker import (
    group_consumer,
    reading_task,
    telling_tasks,
)
from services.order_ingest.adapters import maintenance
from services.order_ingest.adapters.addresses import LibraryAddresses
from services.order_ingest.adapters.books_questions import FETCH
from services.order_ingest.adapters.books_windows import COMPLETION
from services.order_ingest.adapters.completions import Completions
from services.order_ingest.adapters.coupons import PUBLISH, PublishCoupons
from services.order_ingest.adapters.data_exports import DataExports
from services.order_ingest.adapters.erasures import ASKED_ERASURE, ASKED_EXPORT, AskedByOperators, ErasureSearch
from services.order_ingest.adapters.fetches import FetchOrders
from services.order_ingest.adapters.hearings import PostgresHearings
from services.order_ingest.adapters.hook_restorations import RESTORE_HOOK, RestoreHooks
from services.order_ingest.adapters.import_runner import KIND, ImportRunner
from services.order_ingest.adapters.intake_log import IntakeLog
from services.order_ingest.adapters.pressure import Pressure
from services.order_ingest.adapters.pulls import PULL, BeginPulls, PullPages
from services.order_ingest.adapters.store_apis.by_platform import (
    code_apis,
    consent_apis,
    hook_apis,
    store_apis,
    subscription_apis,
)
from services.order_ingest.adapters.store_erasures import StoreErasures
from services.order_ingest.adapters.store_subscriptions import LIST_HOOKS, AskSubscriptions
from services.order_ingest.adapters.unmerges import ASKED_UNMERGE, Unmerges
from services.order_ingest.adapters.withdrawals import WITHDRAW, PushWithdrawals
from services.order_ingest.application.apply_privacy import DATA_EXPORT, ERASURE, STORE_ERASURE
from services.order_ingest.application.read_entry import Reader
from services.order_ingest.entrypoints.hook_metrics import normalised
from services.order_ingest.entrypoints.normaliser import Normaliser
from services.order_ingest.entrypoints.store_metrics import told
from services.order_ingest.entrypoints.subscriptions import SUBSCRIPTIONS, TOPICS
from services.order_ingest.settings import Settings

NAME: Final = "order-ingest"
GATHER_SECONDS: Final = 0.25
"""Nobody waits for what stores are told; larger batches leave more of the machine to deliveries and points."""
_LOOK_SECONDS: Final = 1.0
"""Nobody waits for an answer of a store: most have nothing to be asked."""


def tasks(settings: Settings, database: Database, bus: Bus, clock: Clock, health: Health) -> Mapping[str, Task]:
    """The worker's tasks by name."""
    vault, seals = Vault(settings.vault_key_ring), sealer_of(settings)
    reader = Reader(LibraryAddresses(), seals)
    pressure = Pressure(database, bus, settings.import_groups, clock)
    imports = ImportRunner(database, vault, reader, clock, pressure.busy)
    timers = {COMPLETION: Completions(vault, seals).handle, PULL: BeginPulls().handle, **privacy_timers(vault, seals)}
    normaliser = Normaliser(IntakeLog(database, vault, clock), reader, counted=normalised)
    heard = consumer(settings, database, bus, clock)
    jobs = {KIND: imports.run, **ops_job_handlers(heard.definition, database.begin)}
    return {
        **telling_tasks(database, bus, source=NAME, url=settings.database_worker_url, clock=clock),
        "normaliser": normaliser.run,
        "consumer": reading_task(heard, health),
        "timers": TimerLoop(database, timers, clock).run,
        "jobs": JobRunner(database, jobs, clock).run,
        "intake maintenance": lambda stop: maintenance.maintain(database, clock, stop),
    }


def privacy_timers(vault: Vault, seals: Sealer) -> Mapping[str, TimerHandler]:
    """What operators and people ask about customers, by the kind of due row."""
    asked = AskedByOperators(vault, seals).handle
    return {
        ASKED_ERASURE: asked,
        ASKED_EXPORT: asked,
        ERASURE: ErasureSearch(vault).handle,
        STORE_ERASURE: StoreErasures(vault, seals).handle,
        DATA_EXPORT: DataExports(vault).handle,
        ASKED_UNMERGE: Unmerges(vault, seals).handle,
    }


def sealer_of(settings: Settings) -> Sealer:
    """Seals what leaves the service, and opens what the others sealed."""
    return Sealer(settings.seal_key_ring, settings.match_key_bytes)


def consumer(settings: Settings, database: Database, bus: Bus, clock: Clock) -> Consumer:
    """The group `order-ingest`, folding what SUBSCRIPTIONS lists."""
    return group_consumer(
        NAME,
        TOPICS,
        PostgresHearings(Vault(settings.vault_key_ring), sealer_of(settings), clock),
        SUBSCRIPTIONS,
        database=database,
        bus=bus,
        clock=clock,
        instance=settings.instance,
        gather_seconds=GATHER_SECONDS,
    )


def asking(settings: Settings, http: httpx.AsyncClient, database: Database, clock: Clock) -> Mapping[str, Task]:
    """The tasks that ask stores: single orders and pulls apart, so that a long pull keeps nobody waiting."""
    vault, apis = Vault(settings.vault_key_ring), store_apis(http, clock.now)
    pulls: dict[str, EffectKind] = {
        PULL: PullPages(apis, vault),
        LIST_HOOKS: AskSubscriptions(subscription_apis(http), settings.public_url, vault),
    }
    return {
        "fetches": EffectSender(database, {FETCH: FetchOrders(apis, vault)}, clock, poll_seconds=_LOOK_SECONDS).run,
        "pulls": EffectSender(database, pulls, clock, poll_seconds=_LOOK_SECONDS, at_once=4).run,
    }


def telling_stores(settings: Settings, http: httpx.AsyncClient, database: Database, clock: Clock) -> EffectSender:
    """Tells stores what other services decided, and makes anew the hooks that were deleted there."""
    vault, seals = Vault(settings.vault_key_ring), sealer_of(settings)
    kinds: dict[str, EffectKind] = {
        PUBLISH: PublishCoupons(code_apis(http, clock.now), seals, vault, clock, told),
        WITHDRAW: PushWithdrawals(consent_apis(http), vault, told),
        RESTORE_HOOK: RestoreHooks(hook_apis(http), settings.public_url, vault, told),
    }
    return EffectSender(database, kinds, clock, poll_seconds=_LOOK_SECONDS, at_once=4)
