"""From a transaction that says something to a committed effect: once, in order, whatever the bus does between."""

import pytest

from libs.eventbus import metrics
from tests.libs.eventbus.bed import Bed
from tests.libs.eventbus.tallies import GROUP, SOURCE, tallied


@pytest.fixture(params=["bed", "kafka_bed"])
def bed(request: pytest.FixtureRequest) -> Bed:
    """The same on each transport."""
    made: Bed = request.getfixturevalue(request.param)
    return made


def in_order(effects: list[tuple[str, int]], count: int) -> bool:
    """Every subject has 0, 1, 2 ... once each."""
    subjects = {subject for subject, _ in effects}
    return all([n for other, n in effects if other == subject] == list(range(count)) for subject in subjects)


async def test_what_was_said_is_applied_once_and_in_order(bed: Bed) -> None:
    for n in range(20):
        await bed.say(*(tallied(number, n) for number in range(10)))

    async with bed.running(bed.relay().run, bed.consumer().run):
        await bed.applied(200)

    effects = await bed.effects()
    assert len(effects) == 200
    assert in_order(effects, 20)


async def test_two_relays_at_once_make_duplicates_that_are_dropped(bed: Bed) -> None:
    for n in range(20):
        await bed.say(*(tallied(number, n) for number in range(20)))
    dropped = metrics.DUPLICATES.labels(GROUP)._value.get()
    await bed.relayed()
    await bed.sql("UPDATE outbox_cursor SET published = published / 2")  # what a second leader would still send
    await bed.relayed()

    async with bed.running(bed.consumer().run):
        await bed.applied(400)
        await bed.until(lambda: _drained(bed))

    assert len(await bed.effects()) == 400
    assert in_order(await bed.effects(), 20)
    assert metrics.DUPLICATES.labels(GROUP)._value.get() > dropped


async def test_two_consumers_share_the_work_and_apply_everything_once(bed: Bed) -> None:
    async with bed.running(bed.relay().run, bed.consumer(instance="1").run, bed.consumer(instance="2").run):
        for n in range(20):
            await bed.say(*(tallied(number, n) for number in range(20)))
        await bed.applied(400)

    assert len(await bed.effects()) == 400
    assert in_order(await bed.effects(), 20)


async def test_a_wiped_log_is_healed_from_the_outbox(bed: Bed) -> None:
    await bed.say(*(tallied(number, 0) for number in range(30)))
    rewinds = metrics.REWINDS.labels(SOURCE, "commerce")._value.get()
    await bed.relayed()
    await bed.wipe()  # before anybody read it

    async with bed.running(bed.relay().run, bed.source().answer, bed.consumer().run):
        await bed.applied(30)
        await bed.say(*(tallied(number, 1) for number in range(30)))
        await bed.applied(60)

    assert in_order(await bed.effects(), 2)
    assert metrics.REWINDS.labels(SOURCE, "commerce")._value.get() > rewinds


async def _drained(bed: Bed) -> bool:
    return sum((await bed.bus.lag(GROUP, ["commerce"])).values()) == 0
