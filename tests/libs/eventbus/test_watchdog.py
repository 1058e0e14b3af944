"""The watchdog rebuilds a consumer that has something to read and does not get on, and gives up after two."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from libs.contracts.envelope import Event
from libs.eventbus import metrics
from libs.eventbus.errors import ConsumerStuck
from libs.eventbus.transaction import Transaction
from libs.eventbus.watchdog import Watchdog
from tests.libs.eventbus.bed import Bed, note
from tests.libs.eventbus.tallies import GROUP, tallied


class Hanging:
    """A handler that never returns, the first few times."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.calls = 0

    async def __call__(self, transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        self.calls += 1
        if self.calls <= self.left:
            await asyncio.Event().wait()
        await note(transaction, events)


async def test_a_stuck_consumer_is_rebuilt_and_goes_on(bed: Bed) -> None:
    handling = Hanging(1)
    await bed.say(tallied(1, 0))
    await bed.relayed()

    async with bed.running(Watchdog(bed.consumer(handling), look_seconds=0.02).run):
        await bed.until(lambda: _done(bed), step_seconds=2.0)

    assert handling.calls == 2


async def test_a_consumer_that_was_torn_down_from_within_is_rebuilt(bed: Bed) -> None:
    torn: list[bool] = []

    async def tearing(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        if not torn:
            torn.append(True)
            raise asyncio.CancelledError  # as a client's call may end whose own parts were cancelled
        await note(transaction, events)

    await bed.say(tallied(1, 0))
    await bed.relayed()

    async with bed.running(Watchdog(bed.consumer(tearing), look_seconds=0.02).run):
        await bed.until(lambda: _done(bed), step_seconds=2.0)

    assert torn


async def test_a_consumer_that_stays_stuck_is_given_up(bed: Bed) -> None:
    await bed.say(tallied(1, 0))
    await bed.relayed()
    handling = Hanging(1000)
    given_up = []

    async def watch(stop: asyncio.Event) -> None:
        with pytest.raises(ConsumerStuck):
            await Watchdog(bed.consumer(handling), look_seconds=0.02).run(stop)
        given_up.append(True)

    async with bed.running(watch):
        await bed.until(lambda: _given(given_up), step_seconds=2.0)

    assert handling.calls >= 3  # a partition taken over late counts as progress


async def test_a_consumer_that_waits_for_an_outage_to_end_is_left_alone(bed: Bed) -> None:
    calls = []

    async def outage(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        calls.append(len(events))
        if bed.clock.now() < over:
            raise ConnectionError
        await note(transaction, events)

    await bed.say(tallied(1, 0))
    await bed.relayed()
    over = bed.clock.now() + timedelta(seconds=200)
    consumer = bed.consumer(outage)

    async with bed.running(Watchdog(consumer, look_seconds=0.02).run):
        await bed.until(lambda: _done(bed), step_seconds=2.0)

    assert len(calls) > 1


async def test_an_idle_consumer_is_not_stuck(bed: Bed) -> None:
    consumer = bed.consumer()
    start = bed.clock.now()

    async with bed.running(Watchdog(consumer, look_seconds=0.02).run):
        await bed.until(lambda: _passed(bed, start, 300), step_seconds=2.0)
        before = metrics.REBUILDS.labels(GROUP)._value.get()
        await bed.say(tallied(1, 0))
        async with bed.running(bed.relay().run):
            await bed.applied(1)

    assert metrics.REBUILDS.labels(GROUP)._value.get() == before


async def _done(bed: Bed) -> bool:
    return bool(await bed.effects())


async def _given(given_up: list[bool]) -> bool:
    return bool(given_up)


async def _passed(bed: Bed, start: Any, seconds: float) -> bool:
    return bool((bed.clock.now() - start).total_seconds() >= seconds)
