"""Every statement of fold and sender finds its rows by a key, on empty tables and on filled ones.

The worker keeps one generic plan per statement: a plan made on an empty table lives on when the table is large.
"""

from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from deploy.local.databases import ServiceUrls
from services.messaging.adapters import (
    admissions,
    consent_rows,
    contact_rows,
    email_effects,
    intent_rows,
    merchant_rows,
    suppression_rows,
)
from tests.services.messaging.facts import consented, earned, merchant, paid, registered
from tests.services.messaging.messaging import Messaging
from tests.throwaway import Databases

MODULES = (admissions, consent_rows, contact_rows, email_effects, intent_rows, merchant_rows, suppression_rows)
STATEMENTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": statement
    for module in MODULES
    for name, statement in vars(module).items()
    if isinstance(statement, TextClause)
}
# Without a condition an index is only read in its order: these hold a few rows per merchant.
SMALL = {"merchant", "template", "template_version", "policy"}


@pytest.fixture(scope="module")
async def messaging_urls(databases: Databases) -> ServiceUrls:
    """A database that no statistics were ever made in."""
    return await databases.fresh("messaging")


async def test_statements_use_their_keys_on_empty_tables(messaging: Messaging) -> None:
    for name in STATEMENTS:
        await _assert_by_key(messaging, name)


async def test_statements_use_their_keys_on_filled_tables(messaging: Messaging) -> None:
    facts: list[Any] = [merchant()]
    for number in range(1500):
        name = f"c{number % 500}"
        facts += [registered(name), consented(name), paid(name, number), earned(name, number)]
    await messaging.apply(*facts)

    for name in STATEMENTS:
        await _assert_by_key(messaging, name)
    owner = await asyncpg.connect(messaging.urls.owner)
    await owner.execute("ANALYZE")
    await owner.close()
    for name in STATEMENTS:
        await _assert_by_key(messaging, name)


async def _assert_by_key(messaging: Messaging, name: str) -> None:
    for node in _nodes(await _plan_of(messaging, name)):
        if "Relation Name" in node:
            assert node["Node Type"] != "Seq Scan", (name, node)
        if "Index Name" in node and node.get("Relation Name") not in SMALL:
            assert "Index Cond" in node, (name, node)
            condition = node["Index Cond"]
            assert "customer_id" in condition or "_id" in condition or "hash" in condition, (name, condition)


async def _plan_of(messaging: Messaging, name: str) -> dict[str, Any]:
    """The plan that the worker's role would keep."""
    compiled = STATEMENTS[name].compile(dialect=dialect())  # type: ignore[no-untyped-call]
    names = compiled.positiontup
    assert names is not None
    async with messaging.database.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.execute(f"PREPARE kept AS {compiled}")
        row = await raw.fetchrow(f"EXPLAIN (FORMAT JSON) EXECUTE kept({', '.join(['NULL'] * len(names))})")
        await raw.execute("DEALLOCATE kept")
    found: dict[str, Any] = row[0][0]["Plan"]
    return found


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)
