"""The tasks of a worker process, together."""

import asyncio
from collections.abc import Awaitable, Callable

from libs.eventbus import metrics
from libs.eventbus.consumer import Consumer
from libs.eventbus.runtime import consumer_task, maintenance_task, relay_task
from tests.libs.eventbus.bed import Bed
from tests.libs.eventbus.tallies import GROUP, LANE, SOURCE, tallied

Run = Callable[[asyncio.Event], Awaitable[None]]


def relaying(bed: Bed) -> Run:
    return lambda stop: relay_task(
        source=SOURCE,
        bus=bed.bus,
        url=bed.url,
        begin=bed.begin,
        clock=bed.clock,
        new_id=bed.new_id,
        told=bed.told,
        stop=stop,
    )


def consuming(consumer: Consumer) -> Run:
    return lambda stop: consumer_task(consumer, stop)


async def test_the_tasks_carry_facts_and_end_when_they_are_asked_to(bed: Bed) -> None:
    consumer = bed.consumer()

    async with bed.running(
        relaying(bed),
        consuming(consumer),
        lambda stop: maintenance_task(begin=bed.begin, bus=bed.bus, clock=bed.clock, stop=stop),
    ):
        await bed.say(tallied(1, 0))
        await bed.applied(1)

    assert await bed.one("SELECT count(*) FROM worker_start WHERE ended_at IS NULL") == 0


async def test_a_stopped_group_stays_stopped_and_says_why_while_its_process_lives(bed: Bed) -> None:
    await bed.say(tallied(1, 0))
    await bed.sql("UPDATE outbox SET headers = replace(headers, 'tallied.v1', 'tallied.v2')")
    consumer = bed.consumer()

    async with bed.running(relaying(bed), consuming(consumer)):
        await bed.until(lambda: _stopped(consumer))
        assert metrics.STOPPED.labels(GROUP)._value.get() == 1

    assert "test.tallied.v2" in str(consumer.stopped_because)


async def test_a_rewind_by_control_reaches_the_relay_and_marks_drop_what_comes_twice(bed: Bed) -> None:
    await bed.say(*(tallied(1, n) for n in range(3)))
    consumer = bed.consumer()

    async with bed.running(relaying(bed), consuming(consumer)):
        await bed.applied(3)
        await bed.sql("UPDATE outbox_cursor SET published = 0 WHERE lane = :lane", lane=LANE)
        await bed.published()
        await bed.say(tallied(1, 3))
        await bed.applied(4)

    assert [n for _, n in await bed.effects()] == [0, 1, 2, 3]


async def _stopped(consumer: Consumer) -> bool:
    return consumer.stopped_because is not None
