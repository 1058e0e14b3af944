"""The watchdog: a consumer that has something to read and does not get on is rebuilt, then given up."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from libs.eventbus import metrics
from libs.eventbus.consumer import Consumer
from libs.eventbus.errors import ConsumerStuck

_log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
STUCK_AFTER: Final = timedelta(seconds=60)
REBUILDS: Final = 2


@dataclass(slots=True)
class Watchdog:
    """Judges one consumer by what it leaves unread, not by what it says of itself."""

    consumer: Consumer
    look_seconds: float = LOOK_SECONDS
    _moved_at: datetime | None = field(default=None, init=False)
    _taken: int = field(default=0, init=False)
    _rebuilds: int = field(default=0, init=False)

    async def run(self, stop: asyncio.Event) -> None:
        """The consumer runs until `stop`, rebuilt where it is stuck. Raises: GroupStopped, ConsumerStuck."""
        while not stop.is_set():
            running = asyncio.create_task(self.consumer.run(stop))
            try:
                if await self._until_stuck(running, stop):
                    self._count_rebuild()
            finally:
                await _end(running)

    async def _until_stuck(self, running: asyncio.Task[None], stop: asyncio.Event) -> bool:
        """True if the consumer is stuck or was torn down; False if it ended by itself. Raises what it raised."""
        while True:
            done, _ = await asyncio.wait([running], timeout=self.look_seconds)
            if running.cancelled():  # not by us: a client let a cancellation of its own through
                return True
            if done:
                running.result()
                return False
            if not stop.is_set() and await self._stuck():
                return True

    async def _stuck(self) -> bool:
        consumer, now = self.consumer, self.consumer.clock.now()
        try:
            async with asyncio.timeout(self.look_seconds):
                lags = await consumer.bus.lag(consumer.group, sorted(consumer.topics))
        except Exception:  # a bus that does not answer is no reason to rebuild a consumer
            self._moved_at = None
            return False
        lag = sum(lags.values())
        metrics.LAG.labels(consumer.group).set(lag)
        if lag == 0 or consumer.vitals.taken > self._taken:
            self._rebuilds, self._taken = 0, consumer.vitals.taken
        progressed = consumer.vitals.progressed_at
        if self._moved_at is None or lag == 0 or consumer.is_failing:
            self._moved_at = now
        elif progressed is not None and progressed > self._moved_at:
            self._moved_at = progressed
        return now - self._moved_at >= STUCK_AFTER

    def _count_rebuild(self) -> None:
        self._rebuilds += 1
        self._moved_at, self._taken = None, self.consumer.vitals.taken
        metrics.REBUILDS.labels(self.consumer.group).inc()
        _log.error("eventbus_consumer_rebuilt", extra={"group": self.consumer.group, "times": self._rebuilds})
        if self._rebuilds > REBUILDS:
            raise ConsumerStuck(f"{self.consumer.group} does not get on, rebuilt {REBUILDS} times")


async def _end(running: asyncio.Task[None]) -> None:
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await running
