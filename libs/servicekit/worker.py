"""What the composition roots of all services share: bus, database, and the tasks that every worker runs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import TypeVar

from libs.contracts.fact import Fact
from libs.contracts.registry import SOURCES
from libs.eventbus import transports
from libs.eventbus.consumer import Consumer
from libs.eventbus.errors import UnknownTransport
from libs.eventbus.outbox import seed_topic
from libs.eventbus.port import Bus
from libs.eventbus.reading import BatchSize
from libs.eventbus.runtime import consumer_task, log_maintenance_task, maintenance_task, relay_task
from libs.eventbus.schema import ensure_partitions
from libs.eventbus.subscriptions import Saying, Subscriptions, Workspaces, fold
from libs.servicekit.checks import watch_consumer
from libs.servicekit.clock import Clock
from libs.servicekit.database import Database, Role, create_engine
from libs.servicekit.errors import SettingsError
from libs.servicekit.health import Health
from libs.servicekit.housekeeping import housekeeping
from libs.servicekit.idempotency import forget_old_keys
from libs.servicekit.identity import new_id
from libs.servicekit.process import Task
from libs.servicekit.settings import CommonSettings
from libs.servicekit.unit_of_work import UnitOfWork

W = TypeVar("W", bound=Saying)


def open_bus(url: str, *, pool_size: int = 4, instance: str | None = None) -> AbstractAsyncContextManager[Bus]:
    """The transport that `BUS_URL` names. `instance`: see `CommonSettings`; a process that only asks has none.

    Raises:
        SettingsError: there is no transport for the URL.
    """
    try:
        return transports.open_bus(url, pool_size=pool_size, instance=instance)
    except UnknownTransport as unknown:
        raise SettingsError(f"BUS_URL: {unknown}") from None


def open_database(url: str, role: Role, *, source: str, pool_size: int, clock: Clock) -> Database:
    """A process's database under one role; it connects when first used."""
    return Database(create_engine(url, role, pool_size=pool_size), source=source, clock=clock)


async def prepare_outbox(database: Database, topic: str, clock: Clock) -> None:
    """Facts can be said: the topic's lanes are seeded and the outbox has room for today."""
    async with database.begin() as uow:
        await ensure_partitions(uow.connection, clock.now())
        await seed_topic(uow.connection, topic)


def telling_tasks(
    database: Database, bus: Bus, *, source: str, url: str, clock: Clock, gather_seconds: float = 0.0
) -> Mapping[str, Task]:
    """Relay, partitions and retention, and old idempotency keys; `url` is the database's, for the relay's own use.

    `gather_seconds`: how long a small round may grow, where nobody waits for what this service tells.
    """
    relay = partial(_relay(database, bus, source=source, url=url, clock=clock), gather_seconds=gather_seconds)
    maintenance = partial(maintenance_task, begin=database.begin, bus=bus, clock=clock)
    return {
        "relay": lambda stop: relay(stop=stop),
        "maintenance": lambda stop: maintenance(stop=stop),
        "idempotency": housekeeping(database, _forget_keys, clock),
    }


@asynccontextmanager
async def feeding_also(
    settings: CommonSettings, database: Database, *, source: str, url: str, clock: Clock
) -> AsyncIterator[Mapping[str, Task]]:
    """The tasks that feed `BUS_ALSO_URL` as well: its relay, its requests, its log. None where it is empty.

    Consumers read `BUS_URL` alone. Raises: SettingsError: both buses have one name.
    """
    if not settings.bus_also_url:
        yield {}
        return
    if _bus_name(settings.bus_also_url) == _bus_name(settings.bus_url):
        raise SettingsError("BUS_ALSO_URL: has the name of BUS_URL; give it another one behind #")
    async with open_bus(settings.bus_also_url, instance=settings.instance) as bus:
        relay = _relay(database, bus, source=source, url=url, clock=clock)
        yield {
            "relay also": lambda stop: relay(stop=stop),
            "maintenance also": lambda stop: log_maintenance_task(bus=bus, clock=clock, stop=stop),
        }


def group_consumer(
    group: str,
    topics: tuple[str, ...],
    workspaces: Workspaces[W],
    subscriptions: Subscriptions[W],
    *,
    database: Database,
    bus: Bus,
    clock: Clock,
    instance: str,
    gather_seconds: float = 0.0,
) -> Consumer:
    """The service's consumer: it folds what `subscriptions` lists. `instance`: see `CommonSettings`.

    `gather_seconds`: how long a small batch may grow, where nobody waits for the answer.
    """
    facts: tuple[type[Fact], ...] = tuple(subscriptions)
    return Consumer(
        group=group,
        topics={topic: SOURCES[topic] for topic in topics},
        facts=facts,
        handler=fold(workspaces, subscriptions),
        bus=bus,
        begin=database.begin,
        clock=clock,
        new_id=new_id,
        instance=instance,
        batch=BatchSize(gather_seconds=gather_seconds),
    )


def reading_task(reader: Consumer, health: Health) -> Task:
    """The consumer's task, watched by `/readyz`."""
    watch_consumer(health, reader)
    return lambda stop: consumer_task(reader, stop)


def _relay(database: Database, bus: Bus, *, source: str, url: str, clock: Clock) -> Callable[..., Awaitable[None]]:
    return partial(
        relay_task,
        source=source,
        bus=bus,
        url=url,
        begin=database.begin,
        clock=clock,
        new_id=new_id,
        told=database.told,
    )


def _bus_name(url: str) -> str:
    try:
        return transports.bus_name(url)
    except UnknownTransport as unknown:
        raise SettingsError(f"BUS_ALSO_URL: {unknown}") from None


async def _forget_keys(uow: UnitOfWork, now: datetime) -> None:
    await forget_old_keys(uow.connection, now)
