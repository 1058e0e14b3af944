"""Due rows are handled once their instant has come, and a moved instant wins over a handled one."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from libs.servicekit.tenancy import merchant_numbers
from libs.servicekit.timers import Due, TimerLoop, cancel, schedule
from libs.servicekit.unit_of_work import UnitOfWork
from tests.libs.servicekit.storage.conftest import NOW, Kit

HOUR = timedelta(hours=1)


class Seen:
    """A handler that remembers the keys it was given."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def __call__(self, uow: UnitOfWork, rows: Sequence[Due], now: datetime) -> None:
        self.keys += [row.key for row in rows]


async def _plan(kit: Kit, **due: datetime) -> int:
    async with kit.worker.begin() as uow:
        number = (await merchant_numbers(uow.connection, [kit.merchant]))[kit.merchant]
        await schedule(uow.connection, [Due(number, "expiry", key, at) for key, at in due.items()])
    return number


async def test_a_row_is_handled_when_its_instant_comes_and_only_once(kit: Kit) -> None:
    seen = Seen()
    loop = TimerLoop(kit.worker, {"expiry": seen}, kit.clock)
    await _plan(kit, soon=NOW + HOUR, later=NOW + 3 * HOUR)

    assert await loop.run_due() == 0
    kit.clock.advance(2 * HOUR)
    assert await loop.run_due() == 1
    assert await loop.run_due() == 0

    assert seen.keys == ["soon"]


async def test_planning_again_moves_the_instant(kit: Kit) -> None:
    seen = Seen()
    await _plan(kit, lot=NOW - HOUR)
    await _plan(kit, lot=NOW + HOUR)

    await TimerLoop(kit.worker, {"expiry": seen}, kit.clock).run_due()

    assert seen.keys == []


async def test_a_row_that_was_moved_while_it_was_handled_stays(kit: Kit) -> None:
    async def moves(uow: UnitOfWork, rows: Sequence[Due], now: datetime) -> None:
        await schedule(uow.connection, [Due(rows[0].merchant_no, "expiry", "lot", now + HOUR)])

    await _plan(kit, lot=NOW - HOUR)
    await TimerLoop(kit.worker, {"expiry": moves}, kit.clock).run_due()

    async with kit.worker.begin() as uow:
        assert await uow.connection.scalar(text("SELECT due_at FROM due_row")) == NOW + HOUR


async def test_a_cancelled_row_is_never_handled(kit: Kit) -> None:
    seen = Seen()
    number = await _plan(kit, lot=NOW - HOUR)
    async with kit.worker.begin() as uow:
        await cancel(uow.connection, [(number, "expiry", "lot")])

    await TimerLoop(kit.worker, {"expiry": seen}, kit.clock).run_due()

    assert seen.keys == []


async def test_a_failing_handler_leaves_its_rows_for_the_next_round(kit: Kit) -> None:
    async def fails(uow: UnitOfWork, rows: Sequence[Due], now: datetime) -> None:
        raise ValueError("not today")

    await _plan(kit, lot=NOW - HOUR)
    with pytest.raises(ValueError, match="not today"):
        await TimerLoop(kit.worker, {"expiry": fails}, kit.clock).run_due()

    async with kit.worker.begin() as uow:
        assert await uow.connection.scalar(text("SELECT count(*) FROM due_row")) == 1
