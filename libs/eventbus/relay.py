"""The relay: hands the outbox to the bus, in order, and moves its cursor by compare-and-set."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from libs.eventbus import metrics
from libs.eventbus.errors import SourceRestored
from libs.eventbus.identity import check_identity
from libs.eventbus.outbox_reading import OutboxReader
from libs.eventbus.port import Bus
from libs.eventbus.relay_rounds import ROUND_ROWS, Rounds
from libs.eventbus.transaction import Clock
from libs.eventbus.waiting import wait

_log = logging.getLogger(__name__)

ROUND_SECONDS = 30.0
_TRY_LEAD = "SELECT pg_try_advisory_lock(hashtext('eventbus.relay'), hashtext($1))"
_GUARDS = {
    "application_name": "huitou-relay",
    "lock_timeout": "2s",
    # A leader that was stopped in its tracks loses the lock; one that lives asks several times a second.
    "idle_session_timeout": "10s",
    "statement_timeout": "15s",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "jit": "off",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}


@dataclass(slots=True)
class Relay:
    """One source's relay. Several may run: one leads, and even two leaders only make duplicates that marks drop."""

    source: str
    bus: Bus
    url: str
    clock: Clock
    new_id: Callable[[], UUID]
    told: asyncio.Event
    """Set by the process after a commit that said something; without it the relay polls."""
    busy_seconds: float = 0.02
    idle_seconds: float = 0.25
    gather_seconds: float = 0.0
    """After a round that was not even half full, how long the next one may grow: a small one costs as much."""
    leads: bool = field(default=False, init=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Relays until `stop`; any failure throws the session away and starts over from the cursor.

        Raises: SourceRestored.
        """
        pause = 0.1
        while not stop.is_set():
            try:
                await self._session(stop)
                pause = 0.1
            except SourceRestored:
                raise
            except Exception as failure:  # nothing was marked, so starting over loses nothing
                metrics.RELAY_FAILURES.labels(self.source).inc()
                _log.error("eventbus_relay_failed", extra={"source": self.source, "error": repr(failure)})
                await wait(stop, pause)
                pause = min(pause * 2, 5.0)

    async def _session(self, stop: asyncio.Event) -> None:
        connection = await asyncpg.connect(self.url, timeout=5, command_timeout=15, server_settings=_GUARDS)
        try:
            await check_identity(connection)
            if not await self._lead(connection, stop):
                return
            reader = OutboxReader(connection, self.bus.name)
            await reader.prepare()
            rounds = Rounds(self.source, bus=self.bus, reader=reader, clock=self.clock, new_id=self.new_id)
            await self._rounds(rounds, stop)
        finally:
            self.leads = False
            metrics.LEADER.labels(self.source, self.bus.name).set(0)
            connection.terminate()

    async def _lead(self, connection: Any, stop: asyncio.Event) -> bool:
        """True once this process leads; False if it was asked to stop before."""
        # Of its own bus only: while a bus is moved, two relays of one source feed two of them.
        while not await connection.fetchval(_TRY_LEAD, f"{self.source} {self.bus.name}"):
            if await wait(stop, 1.0):
                return False
        self.leads = True
        metrics.LEADER.labels(self.source, self.bus.name).set(1)
        return True

    async def _rounds(self, rounds: Rounds, stop: asyncio.Event) -> None:
        pause = self.busy_seconds
        while not stop.is_set():
            self.told.clear()
            sent = await asyncio.wait_for(rounds.once(), ROUND_SECONDS)
            pause = self.busy_seconds if sent else min(pause * 2, self.idle_seconds)
            if not sent:
                await wait(self.told, pause)
            elif self.gather_seconds and sent < ROUND_ROWS // 2:
                await wait(stop, self.gather_seconds)
