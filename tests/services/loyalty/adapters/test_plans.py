"""Every statement of the fold finds its rows by their own key, on empty tables and on filled ones.

The worker keeps one generic plan per statement: a plan made on an empty table lives on when the table is large.
"""

from typing import Any

from services.loyalty.adapters import (
    account_rows,
    award_rows,
    exports,
    journal_rows,
    lot_rows,
    order_rows,
    programme_rows,
)
from tests.plans import analyse, statements_of, walks
from tests.services.loyalty.facts import DAY, START, Facts
from tests.services.loyalty.stage import Stage

STATEMENTS = statements_of(account_rows, award_rows, exports, journal_rows, lot_rows, order_rows, programme_rows)
FEW_ROWS = ("merchant", "programme", "programme_version")


async def test_statements_use_their_keys_on_empty_tables(stage: Stage) -> None:
    assert len(STATEMENTS) > 25
    assert await walks(stage.urls.worker, STATEMENTS, few_rows=FEW_ROWS) == []


async def test_statements_use_their_keys_on_filled_tables(stage: Stage) -> None:
    tell = Facts(at=START)
    events = [tell.merchant()]
    for number in range(2_000):
        tell.at = START + number * DAY / 24
        name, order = f"c{number % 300}", f"o{number}"
        events += [tell.placed(name, order, 5_000), tell.paid(name, order)]
        if number % 7 == 0:
            events.append(tell.refunded(name, order, 1_000))
    await stage.hear(*events)

    assert await walks(stage.urls.worker, STATEMENTS, few_rows=FEW_ROWS) == []
    await analyse(stage.urls.owner)
    # No hold was made: a table known to be empty may be walked through, and is planned anew once it is analysed again.
    assert await walks(stage.urls.worker, STATEMENTS, few_rows=(*FEW_ROWS, "hold", "hold_lot")) == []


async def test_a_batch_takes_a_constant_number_of_statements(stage: Stage) -> None:
    tell = Facts(at=START)
    await stage.hear(tell.merchant(), tell.placed("warm", "up", 500), tell.paid("warm", "up"))

    counts = []
    for size in (10, 200):
        events = []
        for number in range(size):
            name, order = f"{size}c{number}", f"{size}o{number}"
            events += [tell.placed(name, order, 5_000), tell.paid(name, order), tell.refunded(name, order, 100)]
        counts.append(await statements_made(stage, events))

    assert counts[0] == counts[1] < 25


async def statements_made(stage: Stage, events: list[Any]) -> int:
    """How many statements the events take in one transaction, commit apart."""
    told: list[str] = []
    async with stage.database.begin() as uow:
        raw = (await uow.connection.get_raw_connection()).driver_connection
        assert raw is not None
        with raw.query_logger(lambda record: told.append(record.query)):
            await stage.handler(uow, events)
    return len(told)
