"""The service's own consumer on a real bus: facts that come twice, late, broken, or while the process dies."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

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
from services.loyalty.bootstrap import consumer
from tests.services.loyalty.facts import START, Facts, uid
from tests.services.loyalty.stage import Stage
from tests.throwaway import Databases

TOPICS = {"commerce": 4, "loyalty": 4, "control": 1}
SOURCE = "order-ingest"


@dataclass
class Line:
    """A source of commerce facts (its outbox lives in the same database), a bus, and loyalty's consumer."""

    stage: Stage
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
        rows = await self.stage.rows(
            "SELECT topic, lane, merchant_id || ':' || subject AS key, headers, payload FROM outbox"
            " WHERE topic = 'commerce' ORDER BY lane, seq"
        )
        return [Outgoing(**row) for row in rows]

    def consumer(self) -> Consumer:
        return consumer(self.stage.database, self.bus, SystemClock())

    async def consumed(self, reader: Consumer | None = None, *, healing: bool = False) -> None:
        """The consumer, and with `healing` the source too, ran until every fact told was applied or parked."""
        runs = [(reader or self.consumer()).run]
        if healing:
            relay = Relay(SOURCE, self.bus, self.stage.urls.worker, SystemClock(), new_id, self.source.told)
            answering = Source(SOURCE, self.bus, self.source.begin, SystemClock(), new_id, self.source.told)
            runs += [relay.run, answering.answer]
        async with running(runs):
            await until(self.is_drained)
        # The merchant's lane may have been read after its customers': what is due then is due by the consumer's clock.
        self.stage.clock.set(SystemClock().now())
        await self.stage.look_again()

    async def is_drained(self) -> bool:
        behind = await self.stage.rows(
            "SELECT 1 FROM outbox_lane o LEFT JOIN inbox_lane i"
            " ON i.topic = o.topic AND i.lane = o.lane AND i.consumer_group = 'loyalty'"
            " WHERE o.topic = 'commerce' AND coalesce(i.last_seq, 0) < o.next_seq - 1 LIMIT 1"
        )
        return not behind


@asynccontextmanager
async def running(runs: Sequence[Callable[[asyncio.Event], Awaitable[None]]]) -> AsyncIterator[None]:
    stop = asyncio.Event()

    async def awaited(run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        await run(stop)

    async with asyncio.timeout(100), asyncio.TaskGroup() as tasks:
        for run in runs:
            tasks.create_task(awaited(run))
        try:
            yield
        finally:
            stop.set()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Returns once the condition holds: what it looks at is in a database, which sets no event."""
    async with asyncio.timeout(90):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.02)


@pytest.fixture
async def line(stage: Stage, databases: Databases) -> AsyncIterator[Line]:
    owner_url, client_url = await databases.fresh_bus()
    owner = await asyncpg.connect(owner_url)
    await postgres_schema.install(owner, topics=TOPICS, now=datetime.now(UTC), client_role=CLIENT_ROLE)
    await owner.close()
    source = Database(create_engine(stage.urls.worker, "worker", pool_size=3), source=SOURCE, clock=SystemClock())
    async with source.begin() as uow:
        await seed_topic(uow.connection, "commerce")
    async with PostgresBus.open(client_url, pace=Pace(busy_seconds=0.005, idle_seconds=0.02)) as bus:
        yield Line(stage, source, bus, owner_url)
    await source.close()


def story(tell: Facts) -> list[Event[Any]]:
    told = [tell.merchant(at=START), tell.customer("a"), tell.customer("b")]
    told += [tell.placed("a", "o1", 1_000, 2_000), tell.placed("b", "o2", 3_000), tell.placed("a", "o3", 4_050)]
    told += [tell.paid("a", "o1"), tell.paid("b", "o2"), tell.paid("a", "o3")]
    return [*told, tell.refunded("a", "o1", 1_000), tell.cancelled("b", "o2")]


async def state(stage: Stage, tell: Facts) -> dict[str, Any]:
    """All that follows from a merchant's facts, whatever their order and number."""
    of_merchant = "JOIN merchant m USING (merchant_no) WHERE m.merchant_id = :merchant"
    tables = {
        "accounts": f"""SELECT owner, posted, debt, spend, step, enrolled_at FROM account {of_merchant}
            AND kind = 'member' ORDER BY owner""",
        "awards": f"SELECT order_id, eligible, refunded, earned - reversed AS net FROM award {of_merchant} ORDER BY 1",
        "lots": f"SELECT order_id, remaining, available_at FROM lot {of_merchant} AND remaining > 0 ORDER BY 1",
    }
    return {name: await stage.rows(query, merchant=tell.merchant_id) for name, query in tables.items()}


async def assert_as_folded_once(line: Line, tell: Facts) -> None:
    """The merchant's rows are those of folding the story once, in order, and the ledger is whole."""
    plain = Facts(merchant_id=uuid4(), at=START)
    await line.stage.hear(*story(plain))
    assert await state(line.stage, tell) == await state(line.stage, plain)
    assert await line.stage.broken(of=tell.merchant_id) == []


async def test_facts_that_come_twice_count_once(line: Line, tell: Facts) -> None:
    await line.tell(story(tell))
    records = await line.records()
    await line.bus.append([*records, *records[2:7], *records])

    await line.consumed()

    await assert_as_folded_once(line, tell)


async def test_an_erasure_that_comes_twice_is_answered_once(line: Line, tell: Facts) -> None:
    await line.tell([*story(tell), tell.erased("a", request="r")])
    records = await line.records()
    await line.bus.append([*records, *records])

    await line.consumed()

    [answer] = await line.stage.told("erasure.completed")
    assert answer["request_id"] == str(uid("r"))


async def test_facts_that_come_out_of_order_are_asked_for_again(line: Line, tell: Facts) -> None:
    await line.tell(story(tell))
    await line.bus.append(list(reversed(await line.records())))

    await line.consumed(healing=True)

    await assert_as_folded_once(line, tell)


async def test_a_malformed_fact_is_parked_and_only_its_customer_waits(line: Line, tell: Facts) -> None:
    nowhere = {"currency": "XYZ", "fx": {"to": "USD", "rate": "2", "source": "test", "at": START}}
    await line.tell([*story(tell), tell.placed("c", "o9", 500, **nowhere), tell.paid("c", "o9")])
    records = await line.records()
    broken = next(r for r in records if "customer.registered" in r.headers and str(uid("b")) in r.key)
    await line.bus.append([replace(r, payload=b"{}") if r is broken else r for r in records])

    await line.consumed()

    parked = await line.stage.rows("SELECT CAST(event AS text) AS event, failed FROM parked_event")
    assert sorted(name for row in parked for name in "abc" if str(uid(name)) in row["event"]) == list("bbbbcc")
    assert [row["failed"] for row in parked].count(True) == 2
    assert (await line.stage.balance("a")).usable == 20 + 40
    assert (await line.stage.balance("b")).usable == 0
    assert await line.stage.broken() == []


async def test_a_crash_before_commit_leaves_nothing_and_the_next_start_does_it_all(line: Line, tell: Facts) -> None:
    await line.tell(story(tell))
    await line.bus.append(await line.records())
    reader, reached = line.consumer(), asyncio.Event()
    handle = reader.handler

    async def hang(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        await handle(transaction, events)
        reached.set()
        await asyncio.Event().wait()

    reader.handler = hang
    dying = asyncio.create_task(reader.run(asyncio.Event()))
    await asyncio.wait_for(reached.wait(), 60)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    assert await line.stage.rows("SELECT 1 FROM txn") == []

    await line.consumed()

    await assert_as_folded_once(line, tell)


async def test_a_crash_after_commit_counts_nothing_twice(line: Line, tell: Facts) -> None:
    await line.tell(story(tell))
    await line.bus.append(await line.records())
    await line.consumed()
    before = await line.stage.told("points.")
    # The database committed, the bus never heard of it: the next owner reads everything again.
    owner = await asyncpg.connect(line.bus_url)
    await owner.execute("UPDATE group_offset SET committed = 0")
    await owner.close()
    await line.tell([tell.customer("d")])
    await line.bus.append(await line.records())

    await line.consumed()

    assert await line.stage.told("points.") == before
    assert await line.stage.member("d") is not None


async def test_what_is_told_names_its_cause_under_an_id_that_follows_from_it(line: Line, tell: Facts) -> None:
    await line.tell(story(tell))
    await line.bus.append(await line.records())

    await line.consumed()

    rows = await line.stage.rows(
        "SELECT event_id, headers FROM outbox WHERE topic = 'loyalty' AND type LIKE 'points.%'"
    )
    assert len(rows) == 5
    assert all('"ce_causationid"' in row["headers"] for row in rows)
