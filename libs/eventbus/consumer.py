"""The consumer: reads what its group owns, applies it, and asks for what is missing."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from libs.contracts.fact import Fact
from libs.eventbus import attempts, halts, marks, worker_starts
from libs.eventbus.applying import Applier
from libs.eventbus.errors import GroupStopped, OutboxUnusable
from libs.eventbus.failures import Backoff
from libs.eventbus.group import Group
from libs.eventbus.group_transactions import GroupTransactions
from libs.eventbus.port import Bus
from libs.eventbus.reading import BatchSize, Reading, Vitals
from libs.eventbus.subscriptions import Handler
from libs.eventbus.transaction import Begin, Clock
from libs.eventbus.waiting import wait

_log = logging.getLogger(__name__)

BUDGET_SECONDS: Final = 12.0
LONG_SESSION: Final = timedelta(minutes=1)
BEGIN_SECONDS: Final = 20.0
"""A session that has not begun by then starts over: a bus that was lost meanwhile may keep a question for ever."""


@dataclass(slots=True)
class Consumer:
    """One member of a consumer group; it holds no state that a restart would miss.

    `instance` names this member among its group's and must be the same after a restart: it tells a clean end from a
    death. `topics`: topic -> the service that owns it.
    """

    group: str
    topics: Mapping[str, str]
    facts: Collection[type[Fact]]
    handler: Handler
    bus: Bus
    begin: Begin
    clock: Clock
    new_id: Callable[[], UUID]
    instance: str = "0"
    backoff: Backoff = field(default_factory=Backoff)
    batch: BatchSize = field(default_factory=BatchSize)
    vitals: Vitals = field(default_factory=Vitals, init=False)
    stopped_because: str | None = field(default=None, init=False)
    """Why the group stopped for good, if it did: readiness and the operator ask."""
    applier: Applier | None = field(default=None, init=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Reads and applies until `stop`, then ends cleanly: a running batch is finished, its offsets committed.

        Whatever fails outside a batch (the bus is away) starts a new session, for ever.
        Raises: GroupStopped, OutboxUnusable.
        """
        failures = 0
        while not stop.is_set():
            began = self.clock.now()
            try:
                await self._session(stop)
            except (GroupStopped, OutboxUnusable):
                raise
            except Exception as failure:  # positions and marks are as they were: starting over loses nothing
                failures = failures + 1 if self.clock.now() - began < LONG_SESSION else 1
                _log.error("eventbus_session_failed", extra={"group": self.group, "error": repr(failure)[:500]})
                await wait(stop, self.backoff.seconds(failures))

    async def _session(self, stop: asyncio.Event) -> None:
        applier = await self._prepared()
        try:
            reading = Reading(applier, bus=self.bus, new_id=self.new_id, vitals=self.vitals, batch=self.batch)
            async with AsyncExitStack() as opened:
                async with asyncio.timeout(BEGIN_SECONDS):
                    await reading.report()
                    begun = self.bus.subscribe(self.group, sorted(self.topics))
                    subscription = await opened.enter_async_context(begun)
                await reading.rounds(subscription, stop)
        finally:
            await self._note_end()

    async def _note_end(self) -> None:
        """This process survived its session, however that ended; only a death leaves a start without an end."""
        try:
            async with asyncio.timeout(2), self.begin() as transaction:
                await worker_starts.end(transaction.connection, self.group, self.instance, self.clock.now())
        except Exception as failure:  # then the next start is careful without need
            _log.warning("eventbus_end_not_noted", extra={"group": self.group, "error": repr(failure)[:500]})

    @property
    def definition(self) -> Group:
        """What the group reads and does: replays need it as well."""
        return Group(self.group, self.topics, {fact.TYPE: fact for fact in self.facts}, self.handler)

    @property
    def is_failing(self) -> bool:
        """Whether the present work is being retried because of an outage."""
        return self.applier is not None and self.applier.failing_since is not None

    async def _prepared(self) -> Applier:
        """The group's marks exist, and this start is noted.

        The applier outlives its session: halted lanes stay halted, and a session that failed was no death.
        """
        async with self.begin() as transaction:
            connection = transaction.connection
            clean = await worker_starts.start(connection, self.group, self.instance, self.clock.now())
            await marks.seed(connection, self.group, self.topics)
            await attempts.forget_passed(connection, self.group)
            known = await marks.read(connection, self.group)
            halted = await halts.heard(connection, self.group)
        if self.applier is None:
            transactions = GroupTransactions(self.definition, self.begin, BUDGET_SECONDS)
            self.applier = Applier(transactions, self.clock, self.backoff, ended_cleanly=clean)
        self.applier.stand(known, halted)
        return self.applier
