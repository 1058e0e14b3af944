"""What an operator does with parked events, while the consumer goes on."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from libs.contracts.envelope import Event
from libs.eventbus import arrivals, batch, parked
from libs.eventbus.arrivals import Arrival
from libs.eventbus.errors import NothingParked, ReplayFailed
from libs.eventbus.parked import ParkedEvent, Place
from libs.eventbus.port import Arrived, Partition
from libs.eventbus.replaying import Operator
from libs.eventbus.transaction import Transaction
from libs.eventbus.words import Lane
from tests.libs.eventbus.bed import Bed, note, records
from tests.libs.eventbus.tallies import GROUP, LANE, MERCHANT, SOURCE, TOPIC, tallied

POISON = 0


class Handling:
    """A handler with a bug, until it is fixed."""

    def __init__(self) -> None:
        self.fixed = False

    async def __call__(self, transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        if not self.fixed and any(event.fact.n == POISON for event in events):
            raise ValueError("a bug")
        await note(transaction, events)


async def parked_bed(bed: Bed, handling: Handling, count: int) -> None:
    """Customer 1's first event failed, the others wait behind it."""
    await bed.say(*(tallied(1, n) for n in range(count)))
    async with bed.running(bed.relay().run, bed.consumer(handling).run):
        await bed.until(lambda: read_up_to(bed, count))


async def read_up_to(bed: Bed, count: int) -> bool:
    return bool(await bed.one("SELECT coalesce(sum(last_seq), 0) FROM inbox_lane") >= count)


def operator(bed: Bed, handling: Handling) -> Operator:
    return Operator(bed.consumer(handling).definition, bed.begin, "olga")


async def open_events(bed: Bed, status: str = "parked") -> list[ParkedEvent]:
    async with bed.begin() as work:
        return await parked.listed(work.connection, GROUP, status=status)


async def test_parked_events_are_listed_and_shown(bed: Bed) -> None:
    await parked_bed(bed, Handling(), 3)

    listed = await open_events(bed)
    async with bed.begin() as work:
        behind = await parked.listed(work.connection, GROUP, after=listed[0].place, merchant_id=MERCHANT)
        shown = await parked.shown(work.connection, GROUP, listed[0].place)

    assert [(one.place.sequence, one.failed, one.error) for one in listed] == [
        (1, True, "ValueError: a bug"),
        (2, False, None),
        (3, False, None),
    ]
    assert [one.place.sequence for one in behind] == [2, 3]
    assert shown is not None
    assert shown.event["headers"]["ce_type"] == "test.tallied.v1"


async def test_replay_applies_the_subject_s_events_from_the_lowest_on(bed: Bed) -> None:
    handling = Handling()
    await parked_bed(bed, handling, 4)
    handling.fixed = True
    last = (await open_events(bed))[-1]

    replayed = await operator(bed, handling).replay(last.place)

    assert replayed == 4
    assert [n for _, n in await bed.effects()] == [0, 1, 2, 3]
    assert await open_events(bed) == []
    assert {one.resolved_by for one in await open_events(bed, "replayed")} == {"olga"}


async def test_events_that_arrive_during_a_replay_never_slip_behind(bed: Bed) -> None:
    handling = Handling()
    await parked_bed(bed, handling, 10)
    handling.fixed = True
    place = (await open_events(bed))[0].place

    async def say_more() -> None:
        for n in range(10, 40):
            await bed.say(tallied(1, n))

    async with bed.running(bed.relay().run, bed.consumer(handling).run):
        await asyncio.gather(say_more(), operator(bed, handling).replay(place))
        await bed.until(lambda: read_up_to(bed, 40))
        for left in (await open_events(bed))[:1]:
            await operator(bed, handling).replay(left.place)

    assert [n for _, n in await bed.effects()] == list(range(40))


async def test_a_replay_ends_only_after_a_batch_under_way_has_parked_what_it_read(bed: Bed) -> None:
    """Else the batch would park an event behind one that the replay has just resolved: it would wait for ever."""
    handling = Handling()
    await parked_bed(bed, handling, 1)
    await bed.say(tallied(1, 1))
    handling.fixed = True
    (open_event,) = await open_events(bed)
    arrived = await _read_last(bed)

    async with bed.begin() as batch_under_way:
        await batch.apply(batch_under_way, operator(bed, handling).group, [arrived], known={}, halted={})
        replaying = asyncio.create_task(operator(bed, handling).replay(open_event.place))
        await bed.until(lambda: _waits_or_ended(bed, replaying))
    await replaying

    assert [n for _, n in await bed.effects()] == [0, 1]
    assert await open_events(bed) == []


async def test_a_replay_that_fails_again_leaves_everything_parked(bed: Bed) -> None:
    handling = Handling()
    await parked_bed(bed, handling, 3)

    with pytest.raises(ReplayFailed):
        await operator(bed, handling).replay((await open_events(bed))[0].place)

    assert await bed.effects() == []
    assert len(await open_events(bed)) == 3


async def test_discarding_the_failed_event_lets_a_replay_of_the_others_go_on(bed: Bed) -> None:
    handling = Handling()
    await parked_bed(bed, handling, 3)
    failed, waiting, _ = await open_events(bed)

    await operator(bed, handling).discard(failed.place, reason="test order")
    await operator(bed, handling).replay(waiting.place)

    assert [n for _, n in await bed.effects()] == [1, 2]
    (discarded,) = await open_events(bed, "discarded")
    assert (discarded.resolved_by, discarded.reason) == ("olga", "test order")


async def test_what_is_not_parked_can_be_neither_replayed_nor_discarded(bed: Bed) -> None:
    nowhere = Place(SOURCE, TOPIC, 1, 1)

    with pytest.raises(NothingParked):
        await operator(bed, Handling()).replay(nowhere)
    with pytest.raises(NothingParked):
        await operator(bed, Handling()).discard(nowhere, reason="none")


async def test_a_skip_moves_the_lane_behind_its_next_event(bed: Bed) -> None:
    handling = Handling()
    handling.fixed = True
    await parked_bed(bed, handling, 1)
    await bed.say(tallied(1, 1), tallied(1, 2))

    await operator(bed, handling).skip(Lane(SOURCE, TOPIC, LANE), reason="known to be empty")
    async with bed.running(bed.relay().run, bed.consumer(handling).run):
        await bed.applied(2)

    assert [n for _, n in await bed.effects()] == [0, 2]
    assert [one.reason for one in await open_events(bed, "discarded")] == ["known to be empty"]


async def _read_last(bed: Bed) -> Arrival:
    told = (await records(bed))[-1]
    arrived = Arrived(Partition(TOPIC, 0), 0, told.key, json.loads(told.headers), told.payload)
    found = arrivals.read(arrived, {TOPIC: SOURCE})
    assert isinstance(found, Arrival)
    return found


async def _waits_or_ended(bed: Bed, replaying: asyncio.Task[int]) -> bool:
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return replaying.done() or bool(await bed.sql(waiting))
