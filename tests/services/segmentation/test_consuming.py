"""The service's own consumer on a real bus: facts that come twice, late, broken, or while the process dies."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from deploy.local.topics import CLIENT_ROLE
from libs.contracts.envelope import Event, Said
from libs.eventbus import postgres_schema
from libs.eventbus.consumer import Consumer
from libs.eventbus.outbox import seed_topic
from libs.eventbus.port import Outgoing
from libs.eventbus.postgres import PostgresBus
from libs.eventbus.postgres_reading import Pace
from libs.eventbus.relay import Relay
from libs.eventbus.source import Source
from libs.eventbus.transaction import Transaction
from libs.servicekit.clock import SystemClock
from libs.servicekit.database import Database, create_engine
from libs.servicekit.identity import new_id
from services.segmentation.bootstrap import consumer
from tests.services.segmentation.conftest import Folded
from tests.services.segmentation.facts import Teller, at, ident
from tests.throwaway import Databases

TOPICS = {"commerce": 4, "loyalty": 4, "messaging": 4, "segmentation": 4, "control": 1}
SOURCE = "order-ingest"


@dataclass
class Stage:
    """A source of commerce facts (its outbox lives in the same database), a bus, and segmentation's consumer."""

    folded: Folded
    source: Database
    bus: PostgresBus
    bus_url: str

    async def tell(self, events: Sequence[Event[Any]]) -> None:
        """The facts are in the source's outbox, in this order."""
        async with self.source.begin() as uow:
            for event in events:
                uow.say(Said(event.fact, event.merchant_id, event.envelope.occurred_at))

    async def records(self) -> list[Outgoing]:
        """What the relay would hand to the bus."""
        rows = await self.folded.rows(
            "SELECT topic, lane, merchant_id || ':' || subject AS key, headers, payload FROM outbox"
            " WHERE topic = 'commerce' ORDER BY lane, seq"
        )
        return [Outgoing(**row) for row in rows]

    def consumer(self) -> Consumer:
        return consumer(self.folded.database, self.bus, SystemClock())

    async def consumed(self, reader: Consumer | None = None, *, healing: bool = False) -> None:
        """The consumer, and with `healing` the source too, ran until every fact told was applied or parked."""
        runs = [(reader or self.consumer()).run]
        if healing:
            relay = Relay(SOURCE, self.bus, self.folded.urls.worker, SystemClock(), new_id, self.source.told)
            answering = Source(SOURCE, self.bus, self.source.begin, SystemClock(), new_id, self.source.told)
            runs += [relay.run, answering.answer]
        async with running(runs):
            await until(self.is_drained)

    async def is_drained(self) -> bool:
        behind = await self.folded.rows(
            "SELECT 1 FROM outbox_lane o LEFT JOIN inbox_lane i"
            " ON i.topic = o.topic AND i.lane = o.lane AND i.consumer_group = 'segmentation'"
            " WHERE o.topic = 'commerce' AND coalesce(i.last_seq, 0) < o.next_seq - 1 LIMIT 1"
        )
        return not behind


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
    """Returns once the condition holds: what it looks at is in a database, which sets no event."""
    async with asyncio.timeout(50):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.02)


@pytest.fixture
async def stage(alone: Folded, databases: Databases) -> AsyncIterator[Stage]:
    owner_url, client_url = await databases.fresh_bus()
    owner = await asyncpg.connect(owner_url)
    await postgres_schema.install(owner, topics=TOPICS, now=datetime.now(UTC), client_role=CLIENT_ROLE)
    await owner.close()
    source = Database(create_engine(alone.urls.worker, "worker", pool_size=3), source=SOURCE, clock=SystemClock())
    async with source.begin() as uow:
        await seed_topic(uow.connection, "commerce")
    async with PostgresBus.open(client_url, pace=Pace(busy_seconds=0.005, idle_seconds=0.02)) as bus:
        yield Stage(alone, source, bus, owner_url)
    await source.close()


def story(tell: Teller) -> list[Event[Any]]:
    return [
        tell.merchant(),
        tell.customer("a"),
        tell.customer("b"),
        tell.placed(1, "a", at(1), prices=(100, 200), discount_minor=5),
        tell.placed(2, "b", at(2), prices=(300,)),
        tell.placed(3, "a", at(3), prices=(400, 50)),
        tell.refunded(1, "a", at(4), [100]),
        tell.cancelled(2, "b", at(5)),
    ]


async def assert_as_folded_once(stage: Stage, tell: Teller) -> None:
    """The merchant's rows are those of folding the story once, in order."""
    plain = Teller(merchant_id=ident("plain"))
    await stage.folded.apply(story(plain))
    assert await stage.folded.state(tell.merchant_id) == await stage.folded.state(plain.merchant_id)


async def test_facts_that_come_twice_count_once(stage: Stage) -> None:
    tell = Teller()
    await stage.tell(story(tell))
    records = await stage.records()
    await stage.bus.append([*records, *records[2:5], *records])

    await stage.consumed()

    await assert_as_folded_once(stage, tell)


async def test_an_erasure_that_comes_twice_is_answered_once(stage: Stage) -> None:
    tell = Teller()
    await stage.tell([*story(tell), tell.erased("a", request="r")])
    records = await stage.records()
    await stage.bus.append([*records, *records])

    await stage.consumed()

    answers = [subject for kind, subject in await stage.folded.told() if kind == "erasure.completed.v1"]
    assert answers == [str(ident("customer", "a"))]


async def test_facts_that_come_out_of_order_are_asked_for_again(stage: Stage) -> None:
    tell = Teller()
    await stage.tell(story(tell))
    await stage.bus.append(list(reversed(await stage.records())))

    await stage.consumed(healing=True)

    await assert_as_folded_once(stage, tell)


async def test_a_malformed_fact_is_parked_and_only_its_customer_waits(stage: Stage) -> None:
    tell = Teller()
    nowhere = tell.placed(9, "c", at(1), time_zone="Nowhere/Else")
    await stage.tell([*story(tell), nowhere, tell.placed(10, "c", at(2))])
    records = await stage.records()
    broken = next(record for record in records if b"customer.registered" in record.headers.encode())
    await stage.bus.append([replace(r, payload=b"{}") if r is broken else r for r in records])

    await stage.consumed()

    parked = await stage.folded.rows("SELECT failed FROM parked_event")
    waiting = {ident("customer", "c")} | {
        ident("customer", name) for name in "ab" if broken.key.endswith(str(ident("customer", name)))
    }
    applied = await stage.folded.rows("SELECT customer_id FROM customer WHERE orders > 0 OR identity_version > 0")
    assert [row["failed"] for row in parked].count(True) == 2
    assert {row["customer_id"] for row in applied} == {ident("customer", name) for name in "ab"} - waiting


async def test_a_crash_before_commit_leaves_nothing_and_the_next_start_does_it_all(stage: Stage) -> None:
    tell = Teller()
    await stage.tell(story(tell))
    await stage.bus.append(await stage.records())
    reader, reached = stage.consumer(), asyncio.Event()
    handle = reader.handler

    async def hang(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        await handle(transaction, events)
        reached.set()
        await asyncio.Event().wait()

    reader.handler = hang
    dying = asyncio.create_task(reader.run(asyncio.Event()))
    await asyncio.wait_for(reached.wait(), 30)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    assert await stage.folded.rows("SELECT 1 FROM customer") == []

    await stage.consumed()

    await assert_as_folded_once(stage, tell)


async def test_a_crash_after_commit_counts_nothing_twice(stage: Stage) -> None:
    tell = Teller()
    await stage.tell(story(tell))
    await stage.bus.append(await stage.records())
    await stage.consumed()
    told_before = await stage.folded.told()
    # The database committed, the bus never heard of it: the next owner reads everything again.
    owner = await asyncpg.connect(stage.bus_url)
    await owner.execute("UPDATE group_offset SET committed = 0")
    await owner.close()
    await stage.tell([last := tell.customer("d")])
    await stage.bus.append(await stage.records())

    await stage.consumed()

    assert (await stage.folded.rows("SELECT 1 FROM customer WHERE customer_id = :id", id=last.fact.customer_id)) != []
    assert [fact for fact in await stage.folded.told() if fact[0].startswith("segment")] == [
        fact for fact in told_before if fact[0].startswith("segment")
    ]


async def test_each_move_into_a_segment_is_told_once_with_its_cause(stage: Stage) -> None:
    tell = Teller()
    await stage.tell(story(tell))
    await stage.bus.append(await stage.records())

    await stage.consumed()
    await stage.consumed()

    moves = await stage.folded.rows("SELECT type, subject, headers FROM outbox WHERE topic = 'segmentation'")
    assert [(move["type"], move["subject"]) for move in moves] == [("segment.entered.v1", str(ident("customer", "a")))]
    entered = await stage.folded.rows("SELECT entered_by FROM segment_stay")
    assert f'"ce_causationid":"{entered[0]["entered_by"]}"' in moves[0]["headers"].replace(" ", "")
