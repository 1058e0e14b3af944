"""Poison that kills the process: after five deaths it is parked, and everything else is applied."""

import asyncio
import sys

from libs.eventbus.protocol import ATTEMPTS
from tests.libs.eventbus.bed import Bed
from tests.libs.eventbus.tallies import customer, tallied

KILLER = 666


async def test_an_event_that_kills_the_process_is_parked_after_five_deaths(bed: Bed) -> None:
    await bed.say(tallied(1, 0), tallied(2, 0), tallied(1, KILLER), tallied(1, 2), tallied(2, 1))
    await bed.relayed()

    deaths = 0
    while await _run_until_drained_or_dead(bed) != 0:
        deaths += 1
        assert deaths <= ATTEMPTS

    assert deaths == ATTEMPTS  # the first with a batch, the others counted
    effects = await bed.effects()
    assert [n for subject, n in effects if subject == str(customer(1))] == [0]
    assert [n for subject, n in effects if subject == str(customer(2))] == [0, 1]
    rows = await bed.sql("SELECT seq, failed FROM parked_event ORDER BY seq")
    assert rows == [(2, True), (3, False)]


async def _run_until_drained_or_dead(bed: Bed) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.libs.eventbus.mortal_consumer", bed.url, str(KILLER)
    )
    async with asyncio.timeout(60):
        return await process.wait()
