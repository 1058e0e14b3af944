"""Every statement of the fold finds its rows by their own key, on empty tables and on filled ones.

The worker keeps one generic plan per statement: a plan made on an empty table lives on when the table is large.
"""

from collections.abc import Iterator
from typing import Any

import asyncpg
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from services.segmentation.adapters import load_sql, store_sql
from tests.services.segmentation.conftest import Folded
from tests.services.segmentation.facts import Teller, at

STATEMENTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": statement
    for module in (load_sql, store_sql)
    for name, statement in vars(module).items()
    if isinstance(statement, TextClause)
}
OWN_KEYS = ("customer_id", "order_id", "merchant_id", "segment_id")
# Tables with a handful of rows per merchant, and the one probe that wants all customers of a merchant.
BY_MERCHANT = ("merchant_", "segment_pkey")
ALL_CUSTOMERS = "(merchant_no = r.merchant_no)"


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def plan_of(folded: Folded, name: str) -> dict[str, Any]:
    """The plan that the worker's role would keep."""
    compiled = STATEMENTS[name].compile(dialect=dialect())  # type: ignore[no-untyped-call]
    names = compiled.positiontup
    assert names is not None
    async with folded.database.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.execute(f"PREPARE kept AS {compiled}")
        row = await raw.fetchrow(f"EXPLAIN (FORMAT JSON) EXECUTE kept({', '.join(['NULL'] * len(names))})")
        await raw.execute("DEALLOCATE kept")
    found: dict[str, Any] = row[0][0]["Plan"]
    return found


async def assert_by_key(folded: Folded, name: str) -> None:
    for node in nodes(await plan_of(folded, name)):
        if "Relation Name" in node:
            assert node["Node Type"] != "Seq Scan", (name, node)
        condition = node.get("Index Cond")
        if condition and not node["Index Name"].startswith(BY_MERCHANT) and condition != ALL_CUSTOMERS:
            assert any(key in condition for key in OWN_KEYS), (name, condition)


async def test_statements_use_their_keys_on_empty_tables(alone: Folded) -> None:
    for name in STATEMENTS:
        await assert_by_key(alone, name)


async def test_statements_use_their_keys_on_filled_tables(alone: Folded) -> None:
    tell = Teller()
    orders = [tell.placed(n, n % 300, at(n / 10), discount_minor=n % 2) for n in range(2000)]
    refunds = [tell.refunded(n, n % 300, at(n), [10]) for n in range(0, 2000, 7)]
    await alone.apply([tell.merchant(), *orders, *refunds])

    for name in STATEMENTS:
        await assert_by_key(alone, name)
    await analyse(alone)
    for name in STATEMENTS:
        await assert_by_key(alone, name)


async def analyse(folded: Folded) -> None:
    """The planner has statistics now; only the tables' owner may make them."""
    owner = await asyncpg.connect(folded.urls.owner)
    try:
        await owner.execute("ANALYZE")
    finally:
        await owner.close()
