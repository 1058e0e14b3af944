"""A move from one bus to another under traffic: both are fed, readers go one by one, the old cursor is retired."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from libs.contracts.envelope import Event
from libs.eventbus.errors import UnknownTransport
from libs.eventbus.postgres import PostgresBus
from libs.eventbus.retention import Retention
from libs.eventbus.transaction import Transaction
from libs.eventbus.transports import bus_name
from libs.servicekit import bus_state
from tests.libs.eventbus.bed import Bed
from tests.libs.eventbus.buses import QUICK, lay_bus
from tests.libs.eventbus.tallies import TalliedV1, tallied
from tests.throwaway import Databases

READERS = ("loyalty", "segmentation")
SUBJECTS = 8


@pytest.fixture
async def second(bed: Bed, databases: Databases) -> AsyncIterator[Bed]:
    """The same source and readers with another bus, of another name."""
    url = await databases.blank()
    await lay_bus(url)
    await bed.sql("CREATE TABLE heard (reader text, id int8 GENERATED ALWAYS AS IDENTITY, subject text, n int8)")
    async with PostgresBus.open(url, pace=QUICK, name="second") as bus:
        yield replace(bed, bus=bus, bus_url=url)


def hearing(reader: str) -> Callable[[Transaction, Sequence[Event[Any]]], Awaitable[None]]:
    """A handler that notes what this reader hears."""

    async def note(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        for event in events:
            if isinstance(event.fact, TalliedV1):
                await transaction.connection.execute(
                    text("INSERT INTO heard (reader, subject, n) VALUES (:reader, :subject, :n)"),
                    {"reader": reader, "subject": event.envelope.subject, "n": event.fact.n},
                )

    return note


@asynccontextmanager
async def reading(bed: Bed, reader: str) -> AsyncIterator[None]:
    async with bed.running(bed.consumer(hearing(reader), group=reader).run):
        yield


@asynccontextmanager
async def fed(bed: Bed) -> AsyncIterator[None]:
    """The source's relay to this bus runs, and its requests are answered."""
    async with bed.running(bed.relay().run, bed.source().answer):
        yield


async def heard(bed: Bed, reader: str) -> list[tuple[str, int]]:
    rows = await bed.sql("SELECT subject, n FROM heard WHERE reader = :reader ORDER BY id", reader=reader)
    return [tuple(row) for row in rows]


async def all_heard(bed: Bed, *readers: str) -> None:
    """Returns once these readers heard everything that was said so far."""
    said = await bed.one("SELECT count(*) FROM outbox WHERE type = 'test.tallied.v1'")

    async def holds() -> bool:
        return all([len(await heard(bed, reader)) >= said for reader in readers])

    await bed.until(holds)


async def talk(bed: Bed, enough: asyncio.Event) -> None:
    """One number more about everybody, until told to stop."""
    n = 0
    while not enough.is_set() and n < 500:
        await bed.say(*(tallied(number, n) for number in range(SUBJECTS)))
        n += 1
        await asyncio.sleep(0)


async def test_readers_move_one_by_one_under_traffic_and_nothing_is_lost_or_doubled(bed: Bed, second: Bed) -> None:
    enough = asyncio.Event()
    async with AsyncExitStack() as first_bus, AsyncExitStack() as running:
        await first_bus.enter_async_context(fed(bed))
        talking = asyncio.create_task(talk(bed, enough))
        async with reading(bed, "segmentation"):
            async with reading(bed, "loyalty"):
                await some_heard(bed)
            await running.enter_async_context(fed(second))
            await running.enter_async_context(reading(second, "loyalty"))
            moved = len(await heard(bed, "loyalty"))
            await bed.until(lambda: more_than(bed, "loyalty", moved))
        await running.enter_async_context(reading(second, "segmentation"))
        moved = len(await heard(bed, "segmentation"))
        await bed.until(lambda: more_than(bed, "segmentation", moved))
        await first_bus.aclose()
        await bed.say(tallied(1, 1000))
        enough.set()
        await talking
        await all_heard(bed, *READERS)

    for reader in READERS:
        effects = await heard(bed, reader)
        assert len(effects) == len(set(effects))
        assert in_order(effects)


async def test_the_cursor_of_a_bus_that_was_left_holds_retention_until_it_is_retired(bed: Bed, second: Bed) -> None:
    await bed.relayed()
    await bed.say(tallied(1, 0))
    async with fed(second), reading(second, "loyalty"):
        await all_heard(bed, "loyalty")
        bed.clock.advance(3601)  # groups report hourly
        await bed.until(lambda: reported(bed))
    later = bed.clock.now() + timedelta(days=12)

    await Retention(bed.begin).run(later)
    held = await bed.one("SELECT count(*) FROM outbox")
    async with bed.engine.begin() as connection:
        await bus_state.retire(connection, "postgres")
    await Retention(bed.begin).run(later)

    assert (held, await bed.one("SELECT count(*) FROM outbox")) == (1, 0)


async def test_nothing_is_dropped_before_a_relay_ever_ran(bed: Bed) -> None:
    await bed.say(tallied(1, 0))
    await bed.sql("DELETE FROM outbox_cursor")

    await Retention(bed.begin).run(bed.clock.now() + timedelta(days=13))

    assert await bed.one("SELECT count(*) FROM outbox") == 1


def test_buses_are_named_by_their_urls() -> None:
    assert bus_name("postgresql://u@h/bus") == "postgres"
    assert bus_name("kafka://a:1,b:2/prefix?session_timeout_seconds=30") == "kafka"
    assert bus_name("postgresql://u@h/bus#second") == "second"
    for wrong in ("amqp://h", "postgresql://h/bus#UPPER", "kafka://a:1#" + "x" * 41):
        with pytest.raises(UnknownTransport):
            bus_name(wrong)


def in_order(effects: list[tuple[str, int]]) -> bool:
    """Every subject's numbers rise; nothing was left out but what was said out of the row at the end."""
    for subject in {subject for subject, _ in effects}:
        numbers = [n for other, n in effects if other == subject and n < 1000]
        if numbers != list(range(len(numbers))):
            return False
    return True


async def some_heard(bed: Bed) -> None:
    async def holds() -> bool:
        return bool(await heard(bed, "loyalty") and await heard(bed, "segmentation"))

    await bed.until(holds)


async def more_than(bed: Bed, reader: str, count: int) -> bool:
    return len(await heard(bed, reader)) > count


async def reported(bed: Bed) -> bool:
    return bool(
        await bed.one(
            "SELECT bool_and(m.mark >= o.next_seq - 1) FROM outbox_lane o"
            " JOIN consumer_group_member m USING (topic, lane)"
        )
    )
