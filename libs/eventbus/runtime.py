"""The tasks that a worker process runs for the bus, each until `stop`: relay, consumers, maintenance."""

import asyncio
import logging
from collections.abc import Callable
from uuid import UUID

from libs.eventbus import metrics
from libs.eventbus.consumer import Consumer
from libs.eventbus.errors import GroupStopped
from libs.eventbus.failures import Backoff
from libs.eventbus.port import Bus
from libs.eventbus.relay import Relay
from libs.eventbus.retention import Retention
from libs.eventbus.schema import ensure_partitions
from libs.eventbus.source import Source
from libs.eventbus.transaction import Begin, Clock
from libs.eventbus.waiting import wait
from libs.eventbus.watchdog import Watchdog

_log = logging.getLogger(__name__)

MAINTENANCE_SECONDS = 3600.0


async def relay_task(
    *,
    source: str,
    bus: Bus,
    url: str,
    begin: Begin,
    clock: Clock,
    new_id: Callable[[], UUID],
    told: asyncio.Event,
    stop: asyncio.Event,
    gather_seconds: float = 0.0,
) -> None:
    """The outbox at `url` is handed to the bus, and requests to this source are answered, until `stop`.

    Standby while another process leads. `gather_seconds`: see `Relay`. Raises: SourceRestored.
    """
    relay = Relay(source, bus, url, clock, new_id, told, gather_seconds=gather_seconds)
    answering = Source(source, bus, begin, clock, new_id, told)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(relay.run(stop))
        tasks.create_task(_answer(answering, stop))


async def consumer_task(consumer: Consumer, stop: asyncio.Event) -> None:
    """The consumer runs until `stop`, under a watchdog.

    A stopped group stays stopped, loudly, and its process alive: the other groups have done nothing wrong.
    Raises: ConsumerStuck.
    """
    stopped = metrics.STOPPED.labels(consumer.group)
    stopped.set(0)
    try:
        await Watchdog(consumer).run(stop)
    except GroupStopped as reason:
        stopped.set(1)
        consumer.stopped_because = str(reason)
        _log.critical("eventbus_group_stopped", extra={"group": consumer.group, "reason": str(reason)})
        await stop.wait()


async def maintenance_task(*, begin: Begin, bus: Bus, clock: Clock, stop: asyncio.Event) -> None:
    """Days of outbox and log are made ahead and dropped behind, hourly until `stop`."""
    retention = Retention(begin)
    while not stop.is_set():
        try:
            async with begin() as transaction:
                await ensure_partitions(transaction.connection, clock.now())
            await retention.run(clock.now())
            await bus.maintain(clock.now())
        except Exception as failure:  # days exist three ahead: there is time to come again
            _log.error("eventbus_maintenance_failed", extra={"error": repr(failure)[:500]})
        await wait(stop, MAINTENANCE_SECONDS)


async def log_maintenance_task(*, bus: Bus, clock: Clock, stop: asyncio.Event) -> None:
    """Days of a log that is fed and not read here are made ahead and dropped behind, hourly until `stop`."""
    while not stop.is_set():
        try:
            await bus.maintain(clock.now())
        except Exception as failure:  # days exist three ahead: there is time to come again
            _log.error("eventbus_maintenance_failed", extra={"error": repr(failure)[:500]})
        await wait(stop, MAINTENANCE_SECONDS)


async def _answer(source: Source, stop: asyncio.Event) -> None:
    backoff, failures = Backoff(), 0
    while not stop.is_set():
        try:
            await source.answer(stop)
        except Exception as failure:  # requests may be lost: they are asked again
            failures += 1
            _log.warning("eventbus_control_failed", extra={"source": source.name, "error": repr(failure)[:500]})
            await wait(stop, backoff.seconds(min(failures, 6)))
