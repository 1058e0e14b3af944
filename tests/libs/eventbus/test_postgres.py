"""The PostgreSQL transport beyond the port: ownership, wiped logs, days."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from libs.eventbus.errors import UnknownPartition
from libs.eventbus.port import Arrived, Outgoing, Partition, Subscription
from libs.eventbus.postgres_reading import BUSY_LOOKS, Pace
from libs.eventbus.postgres_retention import CAP_DAYS, KEEP_DAYS
from tests.libs.eventbus.bed import Bed
from tests.libs.eventbus.buses import PARTITIONS
from tests.libs.eventbus.tallies import TOPIC, customer, tallied


def test_a_reader_looks_often_until_the_next_batch_is_late_and_ever_less_often_then() -> None:
    pace = Pace(busy_seconds=0.01, idle_seconds=0.25)
    waits = [pace.seconds(empty) for empty in range(BUSY_LOOKS + 8)]

    assert waits[: BUSY_LOOKS + 1] == [0.01] * (BUSY_LOOKS + 1)
    assert waits[BUSY_LOOKS + 1 :] == [0.02, 0.04, 0.08, 0.16, 0.25, 0.25, 0.25]
    assert pace.seconds(10**9) == 0.25


def record(lane: int, payload: bytes = b"{}") -> Outgoing:
    return Outgoing(TOPIC, lane, f"key {lane}", "{}", payload)


async def test_members_of_a_group_share_its_partitions_evenly(bed: Bed) -> None:
    async with bed.bus.subscribe("g", [TOPIC]) as first:
        await bed.until(lambda: _owns(first, PARTITIONS))
        async with bed.bus.subscribe("g", [TOPIC]) as second:
            await bed.until(lambda: _owns(second, PARTITIONS // 2))
            await bed.until(lambda: _owns(first, PARTITIONS // 2))
            assert not first.owned() & second.owned()
        await bed.until(lambda: _owns(first, PARTITIONS))


async def test_a_member_whose_lock_connection_dies_takes_its_share_again(bed: Bed) -> None:
    async with bed.bus.subscribe("g", [TOPIC]) as member:
        await bed.until(lambda: _owns(member, PARTITIONS))
        await bed.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'huitou-bus-owner' AND datname = current_database()"
        )
        await bed.until(lambda: _owns(member, 0))
        await bed.until(lambda: _owns(member, PARTITIONS))


async def test_a_reader_of_a_wiped_log_starts_over(bed: Bed) -> None:
    await bed.bus.append([record(0, b"1"), record(0, b"2")])
    async with bed.bus.subscribe("g", [TOPIC]) as reader:
        await _read(reader, 2)
        await bed.wipe()
        await bed.bus.append([record(0, b"3")])

        assert [one.payload for one in await _read(reader, 1)] == [b"3"]


async def test_a_record_for_a_topic_that_the_bus_does_not_have_is_refused(bed: Bed) -> None:
    with pytest.raises(UnknownPartition):
        await bed.bus.append([Outgoing("nowhere", 0, "k", "{}", b"")])


async def test_the_append_function_refuses_a_partition_that_does_not_exist(bed: Bed) -> None:
    with pytest.raises(Exception, match="unknown partition"):
        await bed.bus_sql("SELECT append(ARRAY[999], ARRAY['k'], ARRAY['{}'], ARRAY['x'::bytea])")


async def test_concurrent_appends_leave_offsets_without_gaps(bed: Bed) -> None:
    async def append(number: int) -> None:
        for lane in range(8):
            await bed.bus.append([record((lane + number) % 8), record(lane)])

    await asyncio.gather(*(append(number) for number in range(8)))

    rows = await bed.bus_sql("SELECT tp, count(*), min(off), max(off) FROM log GROUP BY tp")
    assert sum(count for _, count, _, _ in rows) == 128
    assert all((low, high) == (0, count - 1) for _, count, low, high in rows)


async def test_a_forgotten_tail_is_found_by_the_watermark_though_nothing_follows(bed: Bed) -> None:
    await bed.say(tallied(1, 0), tallied(1, 1))
    await bed.relayed()
    await bed.bus_sql("DELETE FROM log WHERE convert_from(payload, 'UTF8') LIKE '%\"n\":1%'")

    async with bed.running(bed.relay().run, bed.source().answer, bed.consumer().run):
        await bed.applied(2)

    assert await bed.effects() == [(str(customer(1)), 0), (str(customer(1)), 1)]


async def test_a_day_goes_once_every_group_has_read_it(bed: Bed) -> None:
    await _age(bed, KEEP_DAYS + 1)
    async with bed.bus.subscribe("g", [TOPIC]) as reader:
        await bed.bus.maintain(datetime.now(UTC))
        held = await bed.bus_sql("SELECT count(*) FROM log")
        await _read(reader, 1)
        await reader.commit({Partition(TOPIC, 0): 1})
        await bed.bus.maintain(datetime.now(UTC))

    assert held == [(1,)]
    assert await bed.bus_sql("SELECT count(*) FROM log") == [(0,)]


async def test_beyond_the_cap_a_day_goes_and_late_groups_jump_to_what_is_left(bed: Bed) -> None:
    await _age(bed, CAP_DAYS + 1)
    async with bed.bus.subscribe("g", [TOPIC]) as reader:
        await bed.bus.maintain(datetime.now(UTC))
        await bed.bus.append([record(0, b"new")])

        assert [(one.offset, one.payload) for one in await _read(reader, 1)] == [(1, b"new")]


async def _age(bed: Bed, days: int) -> None:
    """One record, written so many days ago."""
    then = datetime.now(UTC) - timedelta(days=days)
    await bed.bus_sql("SELECT log_ensure_days($1, 1)", then.date())
    await bed.bus.append([record(0, b"old")])
    await bed.bus_sql("UPDATE log SET ts = $1", then)


async def _owns(member: Subscription, count: int) -> bool:
    return len(member.owned()) == count


async def _read(reader: Subscription, count: int) -> list[Arrived]:
    found: list[Arrived] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found.extend((await reader.fetch(100)).records)
    return found
