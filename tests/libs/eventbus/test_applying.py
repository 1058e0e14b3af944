"""The failure ladder: outages park nothing, poison parks itself and what waits behind it, order per subject holds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from libs.contracts.envelope import Event
from libs.eventbus.errors import TooManyFailures, TransientFailure
from libs.eventbus.port import Bus, Fetched, Subscription
from libs.eventbus.reading import BatchSize
from libs.eventbus.transaction import Transaction
from tests.libs.eventbus.bed import Bed, note
from tests.libs.eventbus.tallies import GROUP, LANE, SOURCE, TOPIC, TalliedV1, customer, erased, tallied

POISON = 666


async def refuse_poison(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
    if any(isinstance(event.fact, TalliedV1) and event.fact.n == POISON for event in events):
        raise ValueError("this can never be applied")
    await note(transaction, events)


def failing(times: int, error: Callable[[], Exception]) -> Callable[..., Awaitable[None]]:
    """A handler that raises so often before it works."""
    left = [times]

    async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        if left[0]:
            left[0] -= 1
            raise error()
        await note(transaction, events)

    return handle


async def parked(bed: Bed) -> list[tuple[int, bool, str]]:
    return [tuple(row) for row in await bed.sql("SELECT seq, failed, status FROM parked_event ORDER BY lane, seq")]


async def all_read(bed: Bed) -> bool:
    return bool(
        await bed.one("SELECT (SELECT sum(last_seq) FROM inbox_lane) = (SELECT sum(next_seq - 1) FROM outbox_lane)")
    )


async def test_poison_inside_a_batch_parks_itself_and_later_events_of_its_subject_only(bed: Bed) -> None:
    await bed.say(tallied(1, 0), tallied(2, 0), tallied(1, POISON), tallied(1, 2), tallied(2, 1))
    await bed.relayed()

    async with bed.running(bed.consumer(refuse_poison).run):
        await bed.until(lambda: all_read(bed))

    effects = await bed.effects()
    assert [n for subject, n in effects if subject == str(customer(1))] == [0]
    assert [n for subject, n in effects if subject == str(customer(2))] == [0, 1]
    assert await parked(bed) == [(2, True, "parked"), (3, False, "parked")]


async def test_later_batches_of_a_parked_subject_wait_behind_it(bed: Bed) -> None:
    await bed.say(tallied(1, POISON))
    async with bed.running(bed.relay().run, bed.consumer(refuse_poison).run):
        await bed.until(lambda: all_read(bed))
        await bed.say(tallied(1, 1))
        await bed.until(lambda: all_read(bed))

    assert await bed.effects() == []
    assert await parked(bed) == [(1, True, "parked"), (2, False, "parked")]


async def test_a_payload_that_is_not_the_fact_is_parked(bed: Bed) -> None:
    await bed.say(tallied(1, 0), tallied(2, 0))
    await bed.sql("UPDATE outbox SET payload = 'nonsense' WHERE lane = :lane", lane=LANE)

    async with bed.running(bed.relay().run, bed.consumer().run):
        await bed.until(lambda: all_read(bed))

    assert await bed.effects() == [(str(customer(2)), 0)]
    assert await parked(bed) == [(1, True, "parked")]


async def test_an_erasure_behind_poison_applies_and_removes_what_was_parked(bed: Bed) -> None:
    await bed.say(tallied(1, POISON), tallied(1, 1))
    async with bed.running(bed.relay().run, bed.consumer(refuse_poison).run):
        await bed.until(lambda: all_read(bed))
        await bed.say(tallied(1, 2), erased(1), tallied(1, 3))
        await bed.until(lambda: all_read(bed))

    assert await bed.effects() == [(str(customer(1)), 3)]
    assert {status for _, _, status in await parked(bed)} == {"discarded"}
    assert await bed.one("SELECT count(*) FROM parked_event WHERE event <> '{}'") == 0


async def test_an_erasure_that_cannot_be_applied_stops_its_lane(bed: Bed) -> None:
    async def refuse_erasure(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        if any(not isinstance(event.fact, TalliedV1) for event in events):
            raise ValueError("no")
        await note(transaction, events)

    await bed.say(erased(1), tallied(1, 1))
    await bed.relayed()
    consumer = bed.consumer(refuse_erasure)

    async with bed.running(consumer.run):
        await bed.until(lambda: _halted(consumer))

    assert await bed.effects() == []
    assert await parked(bed) == []


@pytest.mark.parametrize("error", [ConnectionError, lambda: TransientFailure("store is away")])
async def test_an_outage_is_retried_and_parks_nothing(bed: Bed, error: Callable[[], Exception]) -> None:
    await bed.say(tallied(1, 0), tallied(2, 0))
    await bed.relayed()

    async with bed.running(bed.consumer(failing(12, error)).run):
        await bed.applied(2)

    assert await parked(bed) == []


async def test_a_transient_failure_of_a_single_event_is_taken_back_and_never_parks_it(bed: Bed) -> None:
    outage = failing(20, ConnectionError)

    async def poison_then_outage(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        if len(events) > 1:
            raise ValueError("one of them is bad")
        await outage(transaction, events)

    await bed.say(tallied(1, 0), tallied(1, 1))
    await bed.relayed()

    async with bed.running(bed.consumer(poison_then_outage).run):
        await bed.applied(2)

    assert [n for _, n in await bed.effects()] == [0, 1]
    assert await parked(bed) == []
    assert await bed.sql("SELECT * FROM attempt") == []


async def test_the_timeout_on_which_an_outage_ended_does_not_take_the_batch_apart(bed: Bed) -> None:
    sizes, refusals = list[int](), [0]

    @asynccontextmanager
    async def begin() -> AsyncIterator[Transaction]:
        if refusals[0]:
            refusals[0] -= 1
            raise TimeoutError
        async with bed.begin() as transaction:
            yield transaction

    async def silent_twice(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        sizes.append(len(events))
        if len(sizes) == 1:
            refusals[0] = 5  # three looks whether the database works, and the two tries between them
        if len(sizes) <= 2:
            raise TimeoutError
        await note(transaction, events)

    await bed.say(*(tallied(1, n) for n in range(4)))
    await bed.relayed()

    async with bed.running(bed.consumer(silent_twice, begin=begin).run):
        await bed.applied(4)

    assert sizes == [4, 4, 4]
    assert refusals == [0]


async def test_a_single_event_that_times_out_five_times_while_the_database_works_is_parked(bed: Bed) -> None:
    tries = []

    async def slow(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        if any(event.fact.n == POISON for event in events):
            tries.append(len(events))
            raise TimeoutError
        await note(transaction, events)

    await bed.say(tallied(1, POISON), tallied(2, 0))
    await bed.relayed()

    async with bed.running(bed.consumer(slow).run):
        await bed.until(lambda: all_read(bed))

    assert tries.count(1) in (5, 7)  # two more if the batch that failed before held nothing else
    assert await parked(bed) == [(1, True, "parked")]
    assert await bed.effects() == [(str(customer(2)), 0)]


async def test_a_transaction_that_the_database_refuses_as_deadlocked_is_transient(bed: Bed) -> None:
    async def deadlock(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        if not tried:
            tried.append(True)
            await transaction.connection.execute(text("DO $$ BEGIN RAISE 'x' USING ERRCODE = '40P01'; END $$"))
        await note(transaction, events)

    tried: list[bool] = []
    await bed.say(tallied(1, 0))
    await bed.relayed()

    async with bed.running(bed.consumer(deadlock).run):
        await bed.applied(1)

    assert await parked(bed) == []


async def test_a_bad_deploy_opens_the_circuit_instead_of_parking_everybody(bed: Bed) -> None:
    async def always(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        raise KeyError("a bug")

    await bed.say(*(tallied(number, 0) for number in range(200)))
    await bed.relayed()

    with pytest.raises(TooManyFailures):
        await bed.consumer(always).run(asyncio.Event())

    assert await bed.one("SELECT count(*) FROM parked_event") == 51


async def test_poison_in_a_large_batch_costs_a_few_transactions_and_not_one_for_each_event(bed: Bed) -> None:
    calls: list[int] = []

    async def count(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        calls.append(len(events))
        await refuse_poison(transaction, events)

    await bed.say(*(tallied(number % 40, POISON if number == 77 else number) for number in range(128)))
    await bed.relayed()

    async with bed.running(bed.consumer(count, batch=BatchSize(records=1000)).run):
        await bed.until(lambda: all_read(bed))

    assert sum(failed for _, failed, _ in await parked(bed)) == 1
    assert len(await bed.effects()) == 127 - sum(not failed for _, failed, _ in await parked(bed))
    assert len(calls) < 32


@pytest.mark.parametrize(("gather_seconds", "fewer"), [(0.0, False), (0.4, True)])
async def test_what_comes_soon_after_a_small_batch_waits_for_more_where_the_group_gathers(
    bed: Bed, gather_seconds: float, fewer: bool
) -> None:
    sizes: list[int] = []

    async def measure(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        sizes.append(len(events))
        await note(transaction, events)

    batch = BatchSize(gather_seconds=gather_seconds)
    async with bed.running(bed.relay().run, bed.consumer(measure, batch=batch).run):
        await bed.say(tallied(0, 0))
        await bed.applied(1)
        for number in range(1, 4):
            await bed.say(tallied(number, number))
            if not fewer:
                await bed.applied(number + 1)
            else:
                await asyncio.sleep(0.05)
        await bed.applied(4)

    assert sizes == ([1, 3] if fewer else [1, 1, 1, 1])


class _Watched:
    """A bus that notes when a fetch begins, and when it has brought something."""

    def __init__(self, bus: Bus, happened: list[str]) -> None:
        self._bus = bus
        self._happened = happened

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    @asynccontextmanager
    async def subscribe(self, group: str, topics: Sequence[str]) -> AsyncIterator[Subscription]:
        async with self._bus.subscribe(group, topics) as subscription:
            fetch = subscription.fetch

            async def noted(limit: int) -> Fetched:
                self._happened.append("fetch")
                fetched = await fetch(limit)
                if fetched.records:
                    self._happened.append("fetched")
                return fetched

            subscription.fetch = noted  # type: ignore[method-assign]
            yield subscription


@pytest.mark.parametrize(("most", "fetched_ahead"), [(100, False), (4, True)])
async def test_only_after_a_large_batch_is_the_next_one_fetched_while_it_is_applied(
    bed: Bed, most: int, fetched_ahead: bool
) -> None:
    happened: list[str] = []

    async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        await asyncio.sleep(0.05)  # a fetch that was begun has its turn
        await note(transaction, events)
        happened.append("applied")

    await bed.say(*(tallied(0, number) for number in range(4)))
    await bed.relayed()

    watched = _Watched(bed.bus, happened)
    async with bed.running(bed.consumer(handle, bus=watched, batch=BatchSize(records=most)).run):
        await bed.applied(4)

    meanwhile = happened[happened.index("fetched") : happened.index("applied")]
    assert ("fetch" in meanwhile) is fetched_ahead


async def test_after_a_death_a_batch_is_counted_before_it_is_applied_together(bed: Bed) -> None:
    sizes: list[int] = []
    counted: list[int] = []

    async def measure(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        sizes.append(len(events))
        counted.append(int(await bed.one("SELECT count(*) FROM attempt WHERE n = 1")))
        await note(transaction, events)

    await _died_before(bed)

    async with bed.running(bed.consumer(measure).run):
        await bed.applied(5)

    assert (sizes, counted) == ([5], [5])
    assert await bed.one("SELECT count(*) FROM attempt") == 0


async def test_events_of_a_batch_that_died_are_tried_singly(bed: Bed) -> None:
    sizes: list[int] = []

    async def measure(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        sizes.append(len(events))
        await note(transaction, events)

    await _died_before(bed)
    await bed.sql(
        "INSERT INTO attempt SELECT :group, :source, :topic, :lane, n, 1 FROM generate_series(1, 5) n",
        group=GROUP,
        source=SOURCE,
        topic=TOPIC,
        lane=LANE,
    )

    async with bed.running(bed.consumer(measure).run):
        await bed.applied(5)

    assert sizes == [1] * 5
    assert await bed.one("SELECT count(*) FROM attempt") == 0


async def test_an_outage_after_a_death_takes_the_counted_attempts_back(bed: Bed) -> None:
    await _died_before(bed)

    async with bed.running(bed.consumer(failing(7, lambda: TransientFailure("away"))).run):
        await bed.applied(5)

    assert await parked(bed) == []
    assert await bed.one("SELECT count(*) FROM attempt") == 0


async def _died_before(bed: Bed) -> None:
    """Five events of one customer wait for a group whose last start never ended."""
    await bed.sql("INSERT INTO worker_start VALUES (:group, '0', now())", group=GROUP)
    await bed.say(*(tallied(1, n) for n in range(5)))
    await bed.relayed()


async def _halted(consumer: Any) -> bool:
    return bool(consumer.applier and consumer.applier.halted)
