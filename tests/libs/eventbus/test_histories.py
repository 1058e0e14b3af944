"""Two histories under the same numbers, lost and forgotten ones: told apart, healed, or stopped loudly."""

import asyncio
from typing import Any

from libs.contracts.control import RewindRequestedV1
from libs.eventbus.bus_records import bus_record
from libs.eventbus.errors import HistoryLost
from libs.eventbus.port import Outgoing
from tests.libs.eventbus.bed import Bed, effects_of_one, records
from tests.libs.eventbus.tallies import GROUP, LANE, SOURCE, TOPIC, tallied


async def test_a_foreign_record_at_the_next_place_is_dropped_once_the_source_stands_by_the_mark(bed: Bed) -> None:
    await bed.say(tallied(1, 0), tallied(1, 1))
    first, second = await records(bed)
    forged = second.headers.replace(chain_of(second), "ff" * 16)
    await bed.bus.append([first, Outgoing(TOPIC, LANE, second.key, forged, second.payload)])
    await bed.sql("UPDATE outbox_cursor SET published = 1 WHERE lane = :lane", lane=LANE)

    async with bed.running(bed.relay().run, bed.source().answer, bed.consumer().run):
        await bed.applied(2)
        await bed.say(tallied(1, 2))
        await bed.applied(3)

    assert await effects_of_one(bed) == [0, 1, 2]


async def test_a_source_that_forgot_what_was_applied_stops_the_lane_loudly(bed: Bed) -> None:
    """A backup was put back: the source says other things under the same numbers."""
    await bed.say(tallied(1, 0), tallied(1, 1))
    async with bed.running(bed.relay().run, bed.consumer().run):
        await bed.applied(2)
    await forget_last(bed)
    await bed.say(tallied(1, 10))

    consumer = bed.consumer()
    async with bed.running(bed.relay().run, bed.source().answer, consumer.run):
        await bed.until(lambda: halted(consumer))
        await bed.say(tallied(1, 11))
        await bed.published()

    assert await effects_of_one(bed) == [0, 1]


async def test_events_gone_from_outbox_and_log_stop_the_group_and_name_the_snapshot(bed: Bed) -> None:
    await bed.say(*(tallied(1, n) for n in range(5)))
    await bed.sql("UPDATE outbox_floor SET floor = 4 WHERE lane = :lane", lane=LANE)
    await bed.sql("DELETE FROM outbox WHERE seq < 4")
    consumer = bed.consumer()
    failures: list[HistoryLost] = []

    async def expect_stop(stop: asyncio.Event) -> None:
        try:
            await consumer.run(stop)
        except HistoryLost as lost:
            failures.append(lost)

    async with bed.running(bed.relay().run, bed.source().answer, expect_stop):
        await bed.until(lambda: told(failures))

    assert "GET /v1/ops/snapshots/commerce" in str(failures[0])
    assert await bed.effects() == []


async def test_what_the_outbox_dropped_but_the_log_still_holds_is_read_again(bed: Bed) -> None:
    """A refusal alone does not stop a group: it re-reads the log once."""
    await bed.say(*(tallied(1, n) for n in range(5)))
    await bed.relayed()
    await bed.bus.maintain(bed.clock.now())
    await bed.sql("UPDATE outbox_floor SET floor = 6 WHERE lane = :lane", lane=LANE)
    await bed.sql("DELETE FROM outbox")
    await bed.bus_sql("INSERT INTO group_offset SELECT $1, tp, next_off FROM part", GROUP)  # as if it had read all

    async with bed.running(bed.relay().run, bed.source().answer, bed.consumer().run):
        await bed.applied(5)

    assert await effects_of_one(bed) == [0, 1, 2, 3, 4]


async def test_marks_of_all_lanes_are_there_before_anything_is_read(bed: Bed) -> None:
    async with bed.running(bed.relay().run, bed.source().answer, bed.consumer().run):
        await bed.until(lambda: registered(bed))

    assert await bed.one("SELECT count(*) FROM inbox_lane WHERE consumer_group = :group", group=GROUP) == 64
    assert await bed.one("SELECT count(*) FROM consumer_group_member WHERE mark = 0") == 64


async def test_a_lane_that_waits_for_lost_events_says_so_until_they_are_there(bed: Bed) -> None:
    await bed.say(*(tallied(1, n) for n in range(3)))
    await bed.bus.append((await records(bed))[1:])
    await bed.sql("UPDATE outbox_cursor SET published = 3 WHERE lane = :lane", lane=LANE)

    async with bed.running(bed.consumer().run):
        await bed.until(lambda: gaps_are(bed, 1))
        async with bed.running(bed.relay().run, bed.source().answer):
            await bed.applied(3)
            await bed.until(lambda: gaps_are(bed, 0))

    assert await effects_of_one(bed) == [0, 1, 2]


async def test_an_old_rewind_request_is_ignored(bed: Bed) -> None:
    await bed.say(*(tallied(1, n) for n in range(3)))
    async with bed.running(bed.relay().run, bed.consumer().run):
        await bed.applied(3)
        await bed.published()
    request = rewind_request(bed, to=0)
    bed.clock.advance(61)

    async with bed.running(bed.source().answer):
        await bed.bus.append([request, rewind_request(bed, to=2)])
        await bed.until(lambda: cursor_is(bed, 2))

    assert await bed.one("SELECT published FROM outbox_cursor WHERE lane = :lane", lane=LANE) == 2


def rewind_request(bed: Bed, *, to: int) -> Outgoing:
    asked = RewindRequestedV1(source=SOURCE, topic=TOPIC, lane=LANE, to=to, group=GROUP, requested_at=bed.clock.now())
    return bus_record(asked, source=GROUP, topic="control", lane=0, now=bed.clock.now(), new_id=bed.new_id)


def chain_of(record: Outgoing) -> str:
    return record.headers.split('"ce_chain":"')[1].split('"')[0]


async def forget_last(bed: Bed) -> None:
    """The last event of the lane was never said, as far as the source remembers."""
    await bed.sql("DELETE FROM outbox WHERE lane = :lane AND seq = 2", lane=LANE)
    await bed.sql(
        "UPDATE outbox_lane SET next_seq = 2, chain = (SELECT chain FROM outbox WHERE lane = :lane AND seq = 1)"
        " WHERE lane = :lane",
        lane=LANE,
    )
    await bed.sql("UPDATE outbox_cursor SET published = 1 WHERE lane = :lane", lane=LANE)


async def halted(consumer: Any) -> bool:
    return bool(consumer.applier and consumer.applier.halted)


async def told(failures: list[Any]) -> bool:
    return bool(failures)


async def registered(bed: Bed) -> bool:
    return bool(await bed.sql("SELECT 1 FROM consumer_group_member"))


async def cursor_is(bed: Bed, to: int) -> bool:
    return bool(await bed.one("SELECT published FROM outbox_cursor WHERE lane = :lane", lane=LANE) == to)


async def gaps_are(bed: Bed, count: int) -> bool:
    return bool(await bed.one("SELECT count(*) FROM inbox_lane WHERE gap_since IS NOT NULL") == count)
