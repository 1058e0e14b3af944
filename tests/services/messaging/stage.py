"""A real bus with the sources that messaging listens to, and its own consumer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from libs.contracts.envelope import Event, Said
from libs.contracts.registry import SOURCES
from libs.eventbus.consumer import Consumer
from libs.eventbus.port import Outgoing
from libs.eventbus.postgres import PostgresBus
from libs.eventbus.relay import Relay
from libs.eventbus.source import Source
from libs.eventbus.subscriptions import Handler
from libs.servicekit.clock import SystemClock
from libs.servicekit.database import Database
from libs.servicekit.identity import new_id
from services.messaging.bootstrap import consumer
from tests.services.messaging.facts import SEAL_KEY, consented, earned, merchant, paid, registered
from tests.services.messaging.messaging import Messaging
from tests.services.messaging.web import settings

TOPICS = {"commerce": 4, "loyalty": 4, "messaging": 4, "segmentation": 4, "control": 1}


@dataclass
class Stage:
    """The two sources that messaging listens to (their outbox lives in its own database), a bus, and its consumer."""

    messaging: Messaging
    sources: dict[str, Database]
    bus: PostgresBus
    bus_url: str

    async def tell(self, *events: Event[Any]) -> None:
        """The facts are in their sources' outbox, in this order."""
        for event in events:
            async with self.sources[event.fact.TOPIC].begin() as uow:
                uow.say(Said(event.fact, event.merchant_id, event.envelope.occurred_at, key=str(event.id)))

    async def records(self) -> list[Outgoing]:
        """What the relays would hand to the bus."""
        rows = await self.messaging.rows(
            "SELECT topic, lane, merchant_id || ':' || subject AS key, headers, payload FROM outbox"
            " WHERE topic IN ('commerce', 'loyalty') ORDER BY topic, lane, seq"
        )
        return [Outgoing(**row) for row in rows]

    def consumer(self, wrap: Callable[[Handler], Handler] = lambda handler: handler) -> Consumer:
        made = consumer(settings(seal_keys=SEAL_KEY), self.messaging.database, self.bus, SystemClock())
        return replace(made, handler=wrap(made.handler))

    async def consumed(self, *, healing: bool = False) -> None:
        """The consumer, and with `healing` the sources too, ran until every fact told was applied or parked."""
        runs = [self.consumer().run]
        for topic, database in self.sources.items() if healing else ():
            name, clock = SOURCES[topic], SystemClock()
            runs += [Source(name, self.bus, database.begin, clock, new_id, database.told).answer]
        if healing:
            # One outbox, hence one relay: the sources share the database here.
            told = self.sources["commerce"].told
            runs += [Relay("order-ingest", self.bus, self.messaging.urls.worker, SystemClock(), new_id, told).run]
        async with running(runs):
            await until(self.is_drained)

    async def is_drained(self) -> bool:
        behind = await self.messaging.rows(
            "SELECT 1 FROM outbox_lane o LEFT JOIN inbox_lane i"
            " ON i.topic = o.topic AND i.lane = o.lane AND i.consumer_group = 'messaging'"
            " WHERE o.topic IN ('commerce', 'loyalty') AND coalesce(i.last_seq, 0) < o.next_seq - 1 LIMIT 1"
        )
        return not behind

    async def mailed(self) -> list[str]:
        """Whom the sender has written to once everything is settled."""
        self.messaging.clock.set(SystemClock().now())
        await self.messaging.send_all()
        return self.messaging.mailbox.recipients


@asynccontextmanager
async def running(runs: Sequence[Callable[[asyncio.Event], Awaitable[None]]]) -> AsyncIterator[None]:
    stop = asyncio.Event()

    async def awaited(run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        await run(stop)

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for run in runs:
            tasks.create_task(awaited(run))
        try:
            yield
        finally:
            stop.set()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(50):
        while not await holds():  # noqa: ASYNC110  (a table tells nobody that it changed)
            await asyncio.sleep(0.02)


def story(*names: str) -> list[Event[Any]]:
    """Everybody registers, consents, pays and earns."""
    told: list[Event[Any]] = [merchant()]
    for name in names:
        told += [registered(name), consented(name), paid(name, name), earned(name, name)]
    return told
