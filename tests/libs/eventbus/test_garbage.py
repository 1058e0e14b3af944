"""Records without a readable envelope: kept raw, and parked once it is clear that no re-sending heals them."""

from functools import partial

from libs.eventbus.consumer import Consumer
from libs.eventbus.port import Outgoing
from tests.libs.eventbus.bed import Bed
from tests.libs.eventbus.tallies import LANE, MERCHANT, TOPIC, customer, tallied


async def broken(bed: Bed) -> None:
    """The outbox row itself cannot be read as an event: each rewind brings the same garbage."""
    await bed.sql('UPDATE outbox SET headers = replace(headers, \'"ce_origin":"live"\', \'"ce_origin":"\\u0000"\')')


async def test_garbage_seen_three_times_at_one_place_is_parked_and_the_lane_goes_on(bed: Bed) -> None:
    await bed.say(tallied(1, 0))
    await broken(bed)
    await bed.say(tallied(1, 1), tallied(99, 0))

    async with bed.running(bed.relay().run, bed.source().answer, bed.consumer().run):
        await bed.until(lambda: _marks_sum(bed, 3))

    rows = await bed.sql("SELECT seq, failed, subject FROM parked_event ORDER BY seq")
    assert rows == [(1, True, f"{MERCHANT}:{customer(1)}"), (2, False, f"{MERCHANT}:{customer(1)}")]
    assert await bed.one("SELECT count(*) FROM bus_garbage") == 3


async def test_the_same_broken_record_read_again_is_no_second_sighting(bed: Bed) -> None:
    await bed.say(tallied(1, 0))
    await broken(bed)
    await bed.relayed()
    for _ in range(4):  # each time from the start: no offset was committed
        consumer = bed.consumer()
        async with bed.running(consumer.run):
            await bed.until(partial(_took, consumer, 1))
        await bed.sql("DELETE FROM group_offset")

    assert await bed.one("SELECT count(*) FROM bus_garbage") == 1
    assert await bed.sql("SELECT 1 FROM parked_event") == []


async def test_three_losses_are_not_garbage_and_no_position_is_committed_past_them(bed: Bed) -> None:
    await bed.say(tallied(1, 0), tallied(1, 1))
    rows = await bed.sql("SELECT headers, payload FROM outbox WHERE seq = 2")
    later = Outgoing(TOPIC, LANE, f"{MERCHANT}:{customer(1)}", *rows[0])

    consumer = bed.consumer()
    async with bed.running(consumer.run):
        await bed.bus.append([later] * 5)
        await bed.until(lambda: _took(consumer, 5))

    # Whoever reads on after this consumer died must meet the gap again, or nobody would ask for the first event.
    assert sum((await bed.bus.lag("loyalty", [TOPIC])).values()) == 5
    assert await bed.sql("SELECT 1 FROM parked_event") == []
    assert await bed.effects() == []


async def test_a_position_withheld_for_a_gap_is_committed_once_another_member_closed_it(bed: Bed) -> None:
    await bed.say(tallied(1, 0), tallied(1, 1))
    await bed.relayed()
    await bed.sql(
        "INSERT INTO group_offset (grp, tp, committed) SELECT 'loyalty', tp, next_off - 1 FROM part"
        " WHERE topic = :topic AND next_off > 0",
        topic=TOPIC,
    )
    consumer = bed.consumer()
    async with bed.running(consumer.run):
        await bed.until(partial(_waits, bed))  # it met the second event only
        await bed.sql(
            "UPDATE inbox_lane i SET last_seq = o.next_seq - 1, chain = o.chain FROM outbox_lane o"
            " WHERE i.lane = o.lane AND i.topic = o.topic"
        )
        await bed.until(partial(_drained, bed))


async def _waits(bed: Bed) -> bool:
    return bool(await bed.sql("SELECT 1 FROM inbox_lane WHERE gap_high = 2"))


async def _drained(bed: Bed) -> bool:
    return sum((await bed.bus.lag("loyalty", [TOPIC])).values()) == 0


async def _marks_sum(bed: Bed, total: int) -> bool:
    return bool(await bed.one("SELECT coalesce(sum(last_seq), 0) FROM inbox_lane") >= total)


async def _took(consumer: Consumer, records: int) -> bool:
    return consumer.vitals.taken >= records
