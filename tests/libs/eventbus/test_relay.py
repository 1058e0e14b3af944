"""The relay: in order, from the cursor, never past a hole, never past a rewind."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from libs.eventbus.errors import SourceRestored
from libs.eventbus.lanes import lane_of
from libs.eventbus.outbox_reading import OutboxReader
from libs.eventbus.port import Outgoing
from libs.eventbus.relay import Relay
from libs.eventbus.relay_rounds import ROUND_ROWS, Rounds
from tests.libs.eventbus.bed import Bed
from tests.libs.eventbus.tallies import LANE, MERCHANT, SOURCE, customer, tallied


class RecordingBus:
    """Keeps what is appended; `before_acknowledging` runs when records are on the bus and the cursor has not moved."""

    name = "postgres"

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.fails = False

    async def append(self, records: Sequence[Outgoing]) -> None:
        if self.fails:
            raise ConnectionError("the bus is away")
        self.records.extend(records)
        if records:
            await self.before_acknowledging()

    async def before_acknowledging(self) -> None:
        return None

    async def partitions(self, topic: str) -> int:
        return 4

    def sequences(self) -> list[int]:
        """Of the events; the bus's own records have none."""
        return [int(one.headers.split('"ce_sequence":"')[1].split('"')[0]) for one in self.records if _is_event(one)]

    def types(self) -> list[str]:
        return [one.headers.split('"ce_type":"')[1].split('"')[0] for one in self.records]


def _is_event(record: Outgoing) -> bool:
    return "ce_sequence" in record.headers


async def rounds(bed: Bed, bus: RecordingBus) -> tuple[Rounds, asyncpg.Connection]:
    connection = await asyncpg.connect(bed.url)
    reader = OutboxReader(connection, bus.name)
    await reader.prepare()
    return Rounds(SOURCE, bus=bus, reader=reader, clock=bed.clock, new_id=bed.new_id), connection  # type: ignore[arg-type]


async def test_a_rewind_while_a_batch_is_in_flight_wins(bed: Bed) -> None:
    await bed.say(*(tallied(1, n) for n in range(5)))

    class Moving(RecordingBus):
        async def before_acknowledging(self) -> None:
            await bed.sql("UPDATE outbox_cursor SET published = 1 WHERE lane = :lane", lane=LANE)

    once, connection = await rounds(bed, Moving())
    await once.once()
    await connection.close()

    assert await bed.one("SELECT published FROM outbox_cursor WHERE lane = :lane", lane=LANE) == 1


async def test_a_rewound_lane_is_told_so_and_sent_again(bed: Bed) -> None:
    await bed.say(*(tallied(1, n) for n in range(3)))
    bus = RecordingBus()
    once, connection = await rounds(bed, bus)
    await once.once()
    await bed.sql("UPDATE outbox_cursor SET published = 1 WHERE lane = :lane", lane=LANE)

    await once.once()
    await connection.close()

    assert bus.sequences() == [1, 2, 3, 2, 3]
    assert "bus.rewound.v1" in bus.types()


async def test_a_hole_stops_its_lane_and_no_other(bed: Bed) -> None:
    other = next(n for n in range(2, 99) if lane_of(f"{MERCHANT}:{customer(n)}") != LANE)
    await bed.say(*(tallied(1, n) for n in range(3)), tallied(other, 0))
    await bed.sql("DELETE FROM outbox WHERE lane = :lane AND seq = 2", lane=LANE)
    bus = RecordingBus()
    once, connection = await rounds(bed, bus)

    for _ in range(4):
        await once.once()
    await connection.close()

    assert sorted(bus.sequences()) == [1, 1]
    assert await bed.one("SELECT published FROM outbox_cursor WHERE lane = :lane", lane=LANE) == 1


async def test_a_cursor_below_the_floor_jumps_to_it(bed: Bed) -> None:
    await bed.say(*(tallied(1, n) for n in range(5)))
    await bed.sql("UPDATE outbox_floor SET floor = 4 WHERE lane = :lane", lane=LANE)
    await bed.sql("DELETE FROM outbox WHERE seq < 4")
    bus = RecordingBus()
    once, connection = await rounds(bed, bus)

    for _ in range(2):
        await once.once()
    await connection.close()

    assert bus.sequences() == [4, 5]


async def test_an_append_that_fails_marks_nothing(bed: Bed) -> None:
    await bed.say(tallied(1, 0))
    bus = RecordingBus()
    bus.fails = True
    once, connection = await rounds(bed, bus)

    with pytest.raises(ConnectionError):
        await once.once()
    await connection.close()

    assert await bed.one("SELECT sum(published) FROM outbox_cursor") == 0


async def test_the_head_is_told_one_second_after_the_last_change_and_then_every_ten_minutes(bed: Bed) -> None:
    bus = RecordingBus()
    once, connection = await rounds(bed, bus)
    await once.once()  # a fresh relay tells all heads
    bus.records.clear()
    await bed.say(tallied(1, 0))

    await once.once()
    await once.once()
    at_once = bus.types().count("bus.watermark.v1")
    bed.clock.advance(1.1)
    await once.once()
    settled = bus.types().count("bus.watermark.v1")
    bed.clock.advance(100)
    await once.once()
    quiet = bus.types().count("bus.watermark.v1")
    bed.clock.advance(600)
    await once.once()
    await connection.close()

    assert (at_once, settled, quiet) == (0, 1, 1)
    assert bus.types().count("bus.watermark.v1") == 1 + 4


@pytest.mark.parametrize(("said", "sent_at_once"), [(ROUND_ROWS + 3, ROUND_ROWS + 3), (3, 3)], ids=["full", "small"])
async def test_a_relay_that_gathers_waits_behind_small_rounds_only(bed: Bed, said: int, sent_at_once: int) -> None:
    """Behind an outage the rest of a backlog must not wait."""
    await bed.say(*(tallied(1, n) for n in range(said)))

    async with bed.running(bed.relay(gather_seconds=3600.0).run):
        await bed.until(lambda: _published(bed, sent_at_once))
        await bed.say(tallied(1, said))
        await asyncio.sleep(0.5)
        behind = await bed.one("SELECT sum(published) FROM outbox_cursor")

    assert behind == sent_at_once


async def test_a_second_relay_stands_by_until_the_first_ends(bed: Bed) -> None:
    first, second = bed.relay(), bed.relay()
    stop_first = asyncio.Event()

    async def until_told(stop: asyncio.Event) -> None:
        await first.run(stop_first)

    async with bed.running(until_told):
        await bed.until(lambda: _leads(first))
        async with bed.running(second.run):
            assert not second.leads
            stop_first.set()
            await bed.until(lambda: _leads(second))


async def test_the_relay_of_a_restored_source_stops_loudly(bed: Bed) -> None:
    await bed.relayed()
    await bed.sql("UPDATE source_identity SET database_oid = 1")

    with pytest.raises(SourceRestored):
        await bed.relay().run(asyncio.Event())


async def test_a_relay_that_lost_its_connection_starts_over_from_the_cursor(bed: Bed) -> None:
    relay = bed.relay()

    async with bed.running(relay.run):
        await bed.until(lambda: _leads(relay))
        await bed.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'huitou-relay'")
        await bed.say(tallied(1, 0))
        await bed.published()

    assert await bed.bus_sql("SELECT count(*) FROM log WHERE headers LIKE '%tallied%'") == [(1,)]


async def _leads(relay: Relay) -> bool:
    return relay.leads


async def _published(bed: Bed, count: int) -> bool:
    return bool(await bed.one("SELECT sum(published) FROM outbox_cursor") == count)
