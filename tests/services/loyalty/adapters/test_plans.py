"""Every statement of the fold finds its rows by their own key, on empty tables and on filled ones.

The worker keeps one generic plan per statement: a plan made on an empty table lives on when the table is large.
"""

from collections.abc import Iterator
from typing import Any

import asyncpg
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from services.loyalty.adapters import (
    account_rows,
    award_rows,
    journal_rows,
    lot_rows,
    order_rows,
    programme_rows,
)
from tests.services.loyalty.facts import DAY, START, Facts
from tests.services.loyalty.stage import Stage

STATEMENTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": statement
    for module in (account_rows, award_rows, journal_rows, lot_rows, order_rows, programme_rows)
    for name, statement in vars(module).items()
    if isinstance(statement, TextClause)
}
OWN_KEYS = ("account_id", "order_id", "entry_id", "txn_id", "lot_id", "hold_id", "terms_id", "owner", "merchant_id")
BY_MERCHANT = ("merchant_pkey", "programme_pkey", "programme_version_pkey")  # a handful of rows per merchant


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def plan_of(stage: Stage, name: str) -> dict[str, Any]:
    """The plan that the worker's role would keep."""
    compiled = STATEMENTS[name].compile(dialect=dialect())  # type: ignore[no-untyped-call]
    names = compiled.positiontup
    assert names is not None
    async with stage.database.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.execute(f"PREPARE kept AS {compiled}")
        row = await raw.fetchrow(f"EXPLAIN (FORMAT JSON) EXECUTE kept({', '.join(['NULL'] * len(names))})")
        await raw.execute("DEALLOCATE kept")
    found: dict[str, Any] = row[0][0]["Plan"]
    return found


async def assert_by_key(stage: Stage, name: str) -> None:
    for node in nodes(await plan_of(stage, name)):
        assert node["Node Type"] != "Seq Scan", (name, node)
        if "Index Name" in node and node["Index Name"] not in BY_MERCHANT:
            # Without a condition, or with one on the merchant alone, it would be a walk through the whole index.
            condition = node.get("Index Cond", "")
            assert any(key in condition for key in OWN_KEYS), (name, node["Index Name"], condition)


async def test_statements_use_their_keys_on_empty_tables(stage: Stage) -> None:
    assert len(STATEMENTS) > 25
    for name in STATEMENTS:
        await assert_by_key(stage, name)


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

    for name in STATEMENTS:
        await assert_by_key(stage, name)
    await analyse(stage)
    # No hold was made: a table known to be empty may be walked through, and is planned anew once it is analysed again.
    for name in sorted(name for name in STATEMENTS if "HOLD" not in name and "PARTS" not in name):
        await assert_by_key(stage, name)


async def test_a_batch_takes_a_constant_number_of_statements(stage: Stage) -> None:
    tell = Facts(at=START)
    await stage.hear(tell.merchant(), tell.placed("warm", "up", 500), tell.paid("warm", "up"))

    counts = []
    for size in (10, 200):
        events = []
        for number in range(size):
            name, order = f"{size}c{number}", f"{size}o{number}"
            events += [tell.placed(name, order, 5_000), tell.paid(name, order), tell.refunded(name, order, 100)]
        counts.append(await statements_of(stage, events))

    assert counts[0] == counts[1] < 25


async def statements_of(stage: Stage, events: list[Any]) -> int:
    """How many statements the events take in one transaction, commit apart."""
    told: list[str] = []
    async with stage.database.begin() as uow:
        raw = (await uow.connection.get_raw_connection()).driver_connection
        assert raw is not None
        with raw.query_logger(lambda record: told.append(record.query)):
            await stage.handler(uow, events)
    return len(told)


async def analyse(stage: Stage) -> None:
    """The planner has statistics now; only the tables' owner may make them."""
    owner = await asyncpg.connect(stage.urls.owner)
    try:
        await owner.execute("ANALYZE")
    finally:
        await owner.close()
