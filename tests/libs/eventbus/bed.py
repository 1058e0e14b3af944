"""A test bed: one database of a source and a reader, one bus, a table of effects, and a clock that stands still."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import uuid_utils.compat as uuid_utils
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.contracts.customers import CustomerErasedV1
from libs.contracts.envelope import Event, Said
from libs.eventbus import outbox
from libs.eventbus.consumer import Consumer
from libs.eventbus.failures import Backoff
from libs.eventbus.port import Bus, Outgoing
from libs.eventbus.relay import Relay
from libs.eventbus.source import Source
from libs.eventbus.transaction import Transaction
from tests.libs.eventbus.tallies import GROUP, LANE, SOURCE, TOPIC, TalliedV1, customer


class StoodClock:
    """Time that only the test moves."""

    def __init__(self) -> None:
        self.present = datetime.now(UTC)

    def now(self) -> datetime:
        return self.present

    def advance(self, seconds: float) -> None:
        self.present += timedelta(seconds=seconds)


@dataclass
class Work:
    """The simplest unit of work."""

    connection: AsyncConnection
    said: list[Said] = field(default_factory=list)

    def say(self, said: Said) -> None:
        self.said.append(said)


@dataclass
class Bed:
    """What a test of the bus stands on."""

    url: str
    bus_url: str
    engine: AsyncEngine
    bus: Bus
    wipe: Callable[[], Awaitable[None]]
    """All records of the bus are lost, as if its disk had been replaced."""
    clock: StoodClock = field(default_factory=StoodClock)
    told: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Work]:
        async with self.engine.begin() as connection:
            work = Work(connection)
            yield work
            await outbox.append(
                connection,
                work.said,
                source=SOURCE,
                now=self.clock.now(),
                new_id=self.new_id,
                correlation_id="test",
                traceparent=None,
            )
        if work.said:
            self.told.set()

    def new_id(self) -> UUID:
        return uuid_utils.uuid7()

    async def say(self, *said: Said) -> None:
        async with self.begin() as work:
            for one in said:
                work.say(one)

    def relay(self, **more: Any) -> Relay:
        return Relay(SOURCE, self.bus, self.url, self.clock, self.new_id, self.told, **more)

    def source(self) -> Source:
        return Source(SOURCE, self.bus, self.begin, self.clock, self.new_id, self.told)

    def consumer(self, handler: Any = None, **more: Any) -> Consumer:
        return Consumer(
            group=more.pop("group", GROUP),
            topics={TOPIC: SOURCE},
            facts=more.pop("facts", (TalliedV1, CustomerErasedV1)),
            handler=handler or note,
            bus=more.pop("bus", self.bus),
            begin=more.pop("begin", self.begin),
            clock=self.clock,
            new_id=self.new_id,
            backoff=Backoff(random.Random(1), _no_pause),
            **more,
        )

    @asynccontextmanager
    async def running(self, *runs: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[asyncio.Event]:
        """The tasks run until the block ends; what they raise fails the test."""
        stop = asyncio.Event()
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            for run in runs:
                tasks.create_task(_awaited(run(stop)))
            try:
                yield stop
            finally:
                stop.set()
                self.told.set()

    async def sql(self, statement: str, **parameters: Any) -> list[Any]:
        async with self.engine.begin() as connection:
            result = await connection.execute(text(statement), parameters)
            return [tuple(row) for row in result] if result.returns_rows else []

    async def one(self, statement: str, **parameters: Any) -> Any:
        return (await self.sql(statement, **parameters))[0][0]

    async def bus_sql(self, statement: str, *parameters: Any) -> list[Any]:
        connection = await asyncpg.connect(self.bus_url)
        try:
            return [tuple(row) for row in await connection.fetch(statement, *parameters)]
        finally:
            await connection.close()

    async def effects(self) -> list[tuple[str, int]]:
        return [tuple(row) for row in await self.sql("SELECT subject, n FROM effect ORDER BY id")]

    async def until(
        self, holds: Callable[[], Awaitable[bool]], *, seconds: float = 30.0, step_seconds: float = 0.25
    ) -> None:
        """Returns once the condition holds; meanwhile the bed's clock runs, about twenty times as fast as time."""
        async with asyncio.timeout(seconds):
            while not await holds():
                self.clock.advance(step_seconds)
                await asyncio.sleep(0.01)

    async def applied(self, count: int) -> None:
        """Returns once so many effects are there."""

        async def holds() -> bool:
            return bool(await self.one("SELECT count(*) FROM effect") >= count)

        await self.until(holds)

    async def published(self) -> None:
        """Returns once the relay handed over everything."""

        async def holds() -> bool:
            return not await self.sql(
                "SELECT 1 FROM outbox_lane o LEFT JOIN outbox_cursor c"
                " ON (c.bus, c.topic, c.lane) = (:bus, o.topic, o.lane)"
                " WHERE coalesce(c.published, 0) < o.next_seq - 1",
                bus=self.bus.name,
            )

        await self.until(holds)

    async def relayed(self) -> None:
        """A relay ran until everything was handed over."""
        async with self.running(self.relay().run):
            await self.published()


async def note(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
    """The handler of the tests: every tally becomes a row."""
    tallies = [event for event in events if isinstance(event.fact, TalliedV1)]
    await transaction.connection.execute(
        text(
            "INSERT INTO effect (subject, n, event_id) SELECT * FROM"
            " unnest(CAST(:subjects AS text[]), CAST(:ns AS int8[]), CAST(:ids AS uuid[]))"
        ),
        {
            "subjects": [event.envelope.subject for event in tallies],
            "ns": [event.fact.n for event in tallies],
            "ids": [event.id for event in tallies],
        },
    )


async def note_nothing(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
    """A handler for databases without an effect table."""


async def _awaited(run: Awaitable[None]) -> None:
    await run


async def _no_pause(_seconds: float) -> None:
    await asyncio.sleep(0)


async def records(bed: Bed) -> list[Outgoing]:
    """The outbox of customer 1's lane as records."""
    rows = await bed.sql(
        "SELECT topic, lane, merchant_id || ':' || subject, headers, payload FROM outbox"
        " WHERE lane = :lane ORDER BY seq",
        lane=LANE,
    )
    return [Outgoing(*row) for row in rows]


async def effects_of_one(bed: Bed) -> list[int]:
    return [n for subject, n in await bed.effects() if subject == str(customer(1))]
