"""A call to the outside is recorded before it is made, made once where twice would hurt, and ends in one state."""

import asyncio
import contextlib
import itertools
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from libs.servicekit.effect_sender import EffectSender
from libs.servicekit.effects import Admission, Done, Drop, Effect, Failed, Outcome, Retry, Unknown, request_effects
from libs.servicekit.identity import new_id
from libs.servicekit.tenancy import merchant_numbers
from libs.servicekit.unit_of_work import UnitOfWork
from tests.asking import eventually
from tests.libs.servicekit.storage import mortal_sender
from tests.libs.servicekit.storage.conftest import NOW, Kit


class PowerCut(BaseException):
    """What kill -9 looks like from inside."""


class Postman:
    """The other side, answering as the test says; keeps what it was asked and what was recorded."""

    max_attempts = 3

    def __init__(self, *answers: Outcome | BaseException, repeats_unknown: bool = False) -> None:
        self.repeats_unknown = repeats_unknown
        self._answers = list(answers)
        self.calls: list[str] = []
        self.recorded: list[tuple[str, Outcome]] = []
        self.unwanted: set[str] = set()

    async def admit(self, uow: UnitOfWork, effects: Sequence[Effect], now: datetime, at_most: int) -> Admission:
        wanted = [effect.effect_id for effect in effects if effect.key not in self.unwanted]
        dropped = {effect.effect_id: Drop("unwanted") for effect in effects if effect.key in self.unwanted}
        return Admission(dropped, later=wanted[at_most:])

    async def call(self, effect: Effect) -> Outcome:
        self.calls.append(effect.key)
        answer = self._answers.pop(0) if self._answers else Done()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def record(self, uow: UnitOfWork, outcomes: Sequence[tuple[Effect, Outcome]], now: datetime) -> None:
        self.recorded += [(effect.key, outcome) for effect, outcome in outcomes]


async def _ask(kit: Kit, *keys: str) -> None:
    async with kit.worker.begin() as uow:
        number = (await merchant_numbers(uow.connection, [kit.merchant]))[kit.merchant]
        await request_effects(uow.connection, [Effect(number, new_id(), "mail", key) for key in keys], NOW)


async def _states(kit: Kit) -> dict[str, str]:
    async with kit.worker.begin() as uow:
        rows = await uow.connection.execute(text("SELECT key, state FROM effect"))
        return {row.key: row.state for row in rows}


async def test_a_call_is_made_once_however_often_it_was_asked_for(kit: Kit) -> None:
    postman = Postman()
    sender = EffectSender(kit.worker, {"mail": postman}, kit.clock)
    await _ask(kit, "a")
    await sender.run_once()
    await _ask(kit, "a", "b")
    await sender.run_once()

    assert postman.calls == ["a", "b"]
    assert postman.recorded == [("a", Done()), ("b", Done())]


async def test_what_must_not_be_made_is_dropped_with_its_reason(kit: Kit) -> None:
    postman = Postman()
    postman.unwanted = {"a"}
    await _ask(kit, "a", "b")

    await EffectSender(kit.worker, {"mail": postman}, kit.clock).run_once()

    assert postman.calls == ["b"]
    assert await _states(kit) == {"a": "dropped", "b": "done"}
    assert ("a", Drop("unwanted")) in postman.recorded


async def test_of_the_many_that_are_looked_at_few_are_called_at_once(kit: Kit) -> None:
    await _ask(kit, *(str(number) for number in range(600)))
    postman = Postman()
    postman.unwanted = {str(number) for number in range(600) if number % 6}
    sender = EffectSender(kit.worker, {"mail": postman}, kit.clock, at_once=4)

    calls, rounds = [0], []
    while touched := await sender.run_once():
        calls.append(len(postman.calls))
        rounds.append(touched)

    assert len(set(postman.calls)) == 100
    assert max(after - before for before, after in itertools.pairwise(calls)) == 4
    assert sum(rounds) == 600
    assert len(rounds) < 40  # 25 are the least for a hundred calls, 150 were it four looked at each time


class Overlapping(Postman):
    """Notes how many batches of calls were under way together; each takes a while."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way = 0
        self.most = 0

    async def call(self, effect: Effect) -> Outcome:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.3)
        self.under_way -= 1
        return await super().call(effect)


@pytest.mark.parametrize(("rounds", "asked", "most"), [(2, 40, 8), (1, 12, 4), (2, 4, 4)])
async def test_rounds_overlap_while_there_is_plenty_and_nothing_is_called_twice(
    kit: Kit, rounds: int, asked: int, most: int
) -> None:
    keys = [f"mail {number}" for number in range(asked)]
    await _ask(kit, *keys)
    postman, stop = Overlapping(), asyncio.Event()
    running = asyncio.create_task(
        EffectSender(kit.worker, {"mail": postman}, kit.clock, at_once=4, rounds=rounds, poll_seconds=0.05).run(stop)
    )

    await eventually(lambda: _all_done(kit), "every call recorded")
    stop.set()
    await running

    assert sorted(postman.calls) == sorted(keys)
    assert postman.most == most


async def _all_done(kit: Kit) -> bool | None:
    return set((await _states(kit)).values()) == {"done"} or None


async def test_a_call_that_did_not_happen_is_tried_again_later_and_given_up_in_the_end(kit: Kit) -> None:
    postman = Postman(Retry("busy"), Retry("busy"), Retry("busy"))
    sender = EffectSender(kit.worker, {"mail": postman}, kit.clock)
    await _ask(kit, "a")

    for _ in range(5):
        await sender.run_once()
        kit.clock.advance(timedelta(minutes=10))

    assert postman.calls == ["a", "a", "a"]
    assert await _states(kit) == {"a": "failed"}
    assert isinstance(postman.recorded[0][1], Failed)


async def test_a_call_with_unknown_outcome_is_not_repeated_where_twice_would_hurt(kit: Kit) -> None:
    postman = Postman(ConnectionResetError("gone after DATA"))
    sender = EffectSender(kit.worker, {"mail": postman}, kit.clock)
    await _ask(kit, "a")

    for _ in range(3):
        await sender.run_once()
        kit.clock.advance(timedelta(minutes=10))

    assert postman.calls == ["a"]
    assert await _states(kit) == {"a": "unknown"}


async def test_a_call_with_unknown_outcome_is_repeated_where_twice_is_harmless(kit: Kit) -> None:
    postman = Postman(ConnectionResetError("gone"), repeats_unknown=True)
    sender = EffectSender(kit.worker, {"mail": postman}, kit.clock)
    await _ask(kit, "a")

    await sender.run_once()
    kit.clock.advance(timedelta(minutes=10))
    await sender.run_once()

    assert postman.calls == ["a", "a"]
    assert await _states(kit) == {"a": "done"}


class SlowPostman(Postman):
    """Its call lasts until the test lets go."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way = asyncio.Event()
        self.let_go = asyncio.Event()

    async def call(self, effect: Effect) -> Outcome:
        self.under_way.set()
        await self.let_go.wait()
        return await super().call(effect)


@asynccontextmanager
async def _calling(kit: Kit, postman: SlowPostman) -> AsyncIterator[None]:
    """Another sender is in its call; at the end it is let go and records."""
    round_of_its_own = asyncio.create_task(EffectSender(kit.worker, {"mail": postman}, kit.clock).run_once())
    await postman.under_way.wait()
    yield
    postman.let_go.set()
    await round_of_its_own


async def _cut_the_callers_connection(kit: Kit) -> None:
    async with kit.worker.begin() as uow:
        cut = await uow.connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )
        assert cut.scalars().all() == [True]


async def test_the_attempt_stands_before_the_call_and_a_live_caller_is_left_alone(kit: Kit) -> None:
    slow, other = SlowPostman(), Postman()
    await _ask(kit, "a")

    async with _calling(kit, slow):
        assert await _states(kit) == {"a": "calling"}
        await EffectSender(kit.worker, {"mail": other}, kit.clock).run_once()
        assert await _states(kit) == {"a": "calling"}

    assert await _states(kit) == {"a": "done"}
    assert (other.calls, other.recorded, slow.recorded) == ([], [], [("a", Done())])


async def test_a_callers_death_is_known_at_once(kit: Kit) -> None:
    postman = Postman()
    sender = EffectSender(kit.worker, {"mail": postman}, kit.clock)
    await _ask(kit, "a")
    url = kit.worker.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    caller = await asyncio.create_subprocess_exec(
        sys.executable, "-m", mortal_sender.__name__, url, stdout=asyncio.subprocess.PIPE
    )
    assert caller.stdout is not None
    assert await caller.stdout.readline() == b"calling\n"

    await sender.run_once()
    assert await _states(kit) == {"a": "calling"}
    caller.kill()
    await caller.wait()

    async def settled() -> bool | None:  # the server needs a moment to see that the connection is gone
        return True if await sender.run_once() else None

    await eventually(settled, "the end of the dead caller's claim")
    assert await _states(kit) == {"a": "unknown"}
    assert (postman.calls, postman.recorded) == ([], [("a", Unknown("caller died"))])


async def test_a_dead_callers_call_is_made_again_at_once_where_twice_is_harmless(kit: Kit) -> None:
    postman = Postman(PowerCut(), repeats_unknown=True)
    sender = EffectSender(kit.worker, {"mail": postman}, kit.clock)
    await _ask(kit, "a")
    with contextlib.suppress(PowerCut):
        await sender.run_once()
    assert await _states(kit) == {"a": "calling"}

    await sender.run_once()
    kit.clock.advance(timedelta(seconds=2))  # the delay of a first retry
    await sender.run_once()

    assert postman.calls == ["a", "a"]
    assert await _states(kit) == {"a": "done"}


async def test_who_sleeps_in_a_call_beyond_its_claim_records_nothing_afterwards(kit: Kit) -> None:
    slow, other = SlowPostman(), Postman()
    await _ask(kit, "a")

    async with _calling(kit, slow):
        kit.clock.advance(timedelta(minutes=2))
        await EffectSender(kit.worker, {"mail": other}, kit.clock).run_once()

    assert await _states(kit) == {"a": "unknown"}
    assert (other.recorded, slow.recorded) == ([("a", Unknown("caller died"))], [])


async def test_who_is_cut_off_in_a_call_records_it_if_nobody_took_it_for_dead(kit: Kit) -> None:
    slow = SlowPostman()
    await _ask(kit, "a")

    async with _calling(kit, slow):
        await _cut_the_callers_connection(kit)

    assert await _states(kit) == {"a": "done"}
    assert slow.recorded == [("a", Done())]


@pytest.mark.parametrize("repeats", [False, True])
async def test_who_is_cut_off_and_taken_for_dead_has_one_outcome_all_the_same(kit: Kit, repeats: bool) -> None:
    slow, other = SlowPostman(), Postman(repeats_unknown=repeats)
    slow.repeats_unknown = repeats
    second = EffectSender(kit.worker, {"mail": other}, kit.clock)
    await _ask(kit, "a")

    async with _calling(kit, slow):
        await _cut_the_callers_connection(kit)
        await second.run_once()
    kit.clock.advance(timedelta(seconds=2))
    await second.run_once()

    assert await _states(kit) == {"a": "done" if repeats else "unknown"}
    assert other.calls == (["a"] if repeats else [])
    assert slow.recorded == []
    assert len(other.recorded) == 1
