"""The consumer against records that come twice, late, broken, from another history, or not at all."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from libs.contracts.envelope import Event
from libs.eventbus import consumer, metrics
from libs.eventbus.errors import UnknownVersion
from libs.eventbus.port import Outgoing, Subscription
from libs.eventbus.transaction import Transaction
from tests.libs.eventbus.bed import Bed, Work, effects_of_one, note, records
from tests.libs.eventbus.tallies import GROUP, LANE, SOURCE, TOPIC, tallied


async def test_duplicates_are_dropped_by_the_mark(bed: Bed) -> None:
    await bed.say(*(tallied(1, n) for n in range(4)))
    told = await records(bed)
    await bed.bus.append([*told, *told[1:3], *told])

    async with bed.running(bed.consumer().run):
        await bed.applied(4)
        await bed.until(lambda: drained(bed))

    assert await effects_of_one(bed) == [0, 1, 2, 3]


async def test_records_out_of_order_are_dropped_and_asked_for_again(bed: Bed) -> None:
    await bed.say(*(tallied(1, n) for n in range(4)))
    told = await records(bed)
    await bed.bus.append([told[3], told[0], told[2], told[1]])
    await bed.sql("UPDATE outbox_cursor SET published = 4 WHERE lane = :lane", lane=LANE)

    async with bed.running(bed.relay().run, bed.source().answer, bed.consumer().run):
        await bed.applied(4)

    assert await effects_of_one(bed) == [0, 1, 2, 3]


async def test_a_session_that_the_bus_leaves_without_an_answer_starts_over(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Forgetful:
        """A bus that keeps the first question for ever."""

        def __getattr__(self, name: str) -> Any:
            return getattr(bed.bus, name)

        @asynccontextmanager
        async def subscribe(self, group: str, topics: Sequence[str]) -> AsyncIterator[Subscription]:
            asked.append(group)
            if len(asked) == 1:
                await asyncio.Event().wait()
            async with bed.bus.subscribe(group, topics) as subscription:
                yield subscription

    monkeypatch.setattr(consumer, "BEGIN_SECONDS", 0.5)
    await bed.say(tallied(1, 0))
    await bed.bus.append(await records(bed))

    async with bed.running(bed.consumer(bus=Forgetful()).run):
        await bed.applied(1)

    assert len(asked) == 2


async def test_a_record_in_the_wrong_hands_is_stored_as_garbage_and_passed(bed: Bed) -> None:
    await bed.say(tallied(1, 0))
    (told,) = await records(bed)
    foreign = Outgoing(TOPIC, LANE, told.key, told.headers.replace(SOURCE, "somebody"), told.payload)
    broken = Outgoing(TOPIC, LANE, "?", "not json", b"\x00\xff")
    await bed.bus.append([foreign, broken, told])

    async with bed.running(bed.consumer().run):
        await bed.applied(1)
        await bed.until(lambda: drained(bed))

    assert await bed.one("SELECT count(*) FROM bus_garbage") == 2


async def test_an_unknown_fact_is_counted_and_skipped(bed: Bed) -> None:
    await bed.say(tallied(1, 0), tallied(1, 1))
    first, second = await records(bed)
    unheard = Outgoing(TOPIC, LANE, first.key, first.headers.replace("test.tallied.v1", "test.unheard.v1"), b"{}")
    before = metrics.UNKNOWN.labels(GROUP)._value.get()
    await bed.bus.append([unheard, second])

    async with bed.running(bed.consumer().run):
        await bed.applied(1)

    assert await effects_of_one(bed) == [1]
    assert metrics.UNKNOWN.labels(GROUP)._value.get() == before + 1


async def test_a_known_fact_of_an_unknown_version_stops_the_group(bed: Bed) -> None:
    await bed.say(tallied(1, 0))
    (told,) = await records(bed)
    await bed.bus.append(
        [Outgoing(TOPIC, LANE, told.key, told.headers.replace("test.tallied.v1", "test.tallied.v2"), told.payload)]
    )

    with pytest.raises(UnknownVersion):
        await bed.consumer().run(asyncio.Event())

    assert await bed.one("SELECT sum(last_seq) FROM inbox_lane") == 0


async def test_a_crash_before_commit_applies_nothing_and_a_later_run_everything(bed: Bed) -> None:
    await bed.say(tallied(1, 0))
    await bed.relayed()
    reached = asyncio.Event()

    async def hang(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        await note(transaction, events)
        reached.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(bed.consumer(hang).run(asyncio.Event()))
    await reached.wait()
    running.cancel()
    await asyncio.wait([running])
    before = await bed.effects()
    async with bed.running(bed.consumer().run):
        await bed.applied(1)

    assert before == []
    assert await effects_of_one(bed) == [0]


async def test_a_bus_that_goes_away_ends_a_session_and_no_event_is_tried_singly_for_that(bed: Bed) -> None:
    sizes: list[int] = []

    async def measure(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        sizes.append(len(events))
        await note(transaction, events)

    async with bed.running(bed.consumer(measure).run):
        await bed.bus_sql("ALTER TABLE part RENAME TO part_away")
        await bed.until(lambda: session_failed(bed))
        await bed.bus_sql("ALTER TABLE part_away RENAME TO part")
        await bed.say(*(tallied(1, n) for n in range(5)))
        await bed.relayed()
        await bed.applied(5)

    assert sizes == [5]


async def test_a_crash_after_commit_before_the_offset_applies_nothing_twice(bed: Bed) -> None:
    await bed.say(tallied(1, 0))
    await bed.relayed()
    committed = asyncio.Event()

    @asynccontextmanager
    async def begin() -> AsyncIterator[Work]:
        async with bed.begin() as work:
            yield work
        if await bed.effects():
            committed.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(bed.consumer(begin=begin).run(asyncio.Event()))
    await committed.wait()
    running.cancel()
    await asyncio.wait([running])
    await bed.say(tallied(1, 1))
    async with bed.running(bed.relay().run, bed.consumer().run):
        await bed.applied(2)

    assert await effects_of_one(bed) == [0, 1]


async def drained(bed: Bed) -> bool:
    return sum((await bed.bus.lag(GROUP, [TOPIC])).values()) == 0


async def session_failed(bed: Bed) -> bool:
    """The first session noted its end, though nobody asked for one."""
    return bool(await bed.sql("SELECT 1 FROM worker_start WHERE ended_at IS NOT NULL"))
