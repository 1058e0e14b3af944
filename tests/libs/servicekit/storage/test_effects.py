"""A call to the outside is recorded before it is made, made once where twice would hurt, and ends in one state."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from libs.servicekit.effect_sender import EffectSender
from libs.servicekit.effects import Done, Drop, Effect, Failed, Outcome, Retry, Unknown, request_effects
from libs.servicekit.identity import new_id
from libs.servicekit.tenancy import merchant_numbers
from libs.servicekit.unit_of_work import UnitOfWork
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

    async def admit(self, uow: UnitOfWork, effects: Sequence[Effect], now: datetime) -> Mapping[UUID, Drop]:
        return {effect.effect_id: Drop("unwanted") for effect in effects if effect.key in self.unwanted}

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


async def test_the_attempt_stands_before_the_call_so_that_a_death_in_it_is_known(kit: Kit) -> None:
    postman = Postman(PowerCut())
    sender = EffectSender(kit.worker, {"mail": postman}, kit.clock)
    await _ask(kit, "a")
    with contextlib.suppress(PowerCut):
        await sender.run_once()
    assert await _states(kit) == {"a": "calling"}

    await sender.run_once()
    assert await _states(kit) == {"a": "calling"}  # its caller may still live
    kit.clock.advance(timedelta(minutes=2))
    await sender.run_once()

    assert postman.calls == ["a"]
    assert await _states(kit) == {"a": "unknown"}
    assert postman.recorded == [("a", Unknown("caller died"))]
