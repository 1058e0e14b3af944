"""Every statement of intake and normaliser finds its rows by their own key, on empty tables and on filled ones.

A process keeps one generic plan per statement: a plan made on an empty table lives on when the table is large.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import asyncpg
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from deploy.local.databases import ServiceUrls
from services.order_ingest.adapters import (
    books,
    books_merges,
    books_orders,
    books_people,
    books_products,
    hook_stores,
    intake,
    intake_log,
    storefronts,
)
from tests.services.order_ingest import bodies
from tests.services.order_ingest.conftest import House

_WORKERS: Final = (books, books_merges, books_orders, books_people, books_products, intake_log, storefronts)
_GROWING: Final = ("customer_order", "order_version", "customer", "identity", "product", "webhook", "delivery")
"""Tables (and days of tables) that get longer with every order; the others have a row per lane, store or merchant."""
_OWN_KEYS: Final = ("order_id", "customer_id", "value", "product_id", "seq", "dedupe")


def _statements(*modules: Any) -> dict[str, str]:
    """The modules' statements as the driver sees them."""
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": str(statement.compile(dialect=dialect()))  # type: ignore[no-untyped-call]
        for module in modules
        for name, statement in vars(module).items()
        if isinstance(statement, TextClause)
    }


WORKER: Final = _statements(*_WORKERS)
INTAKE: Final = {**_statements(hook_stores), "intake._APPEND": intake._APPEND}


async def test_statements_use_their_keys_on_empty_tables(house: House) -> None:
    assert len(WORKER) > 15
    await _assert_by_key(house.urls)


async def test_statements_use_their_keys_on_filled_tables(house: House) -> None:
    shop = await house.shop()
    for number in range(400):
        order = bodies.order(
            id=number + 1,
            order_status_url=None,
            customer={"id": 5_000 + number % 150, "email": f"c{number % 150}@example.com"},
            email=f"c{number % 150}@example.com",
            line_items=[bodies.line(id=number, product_id=number)],
        )
        assert (await house.deliver(shop, "orders/create", order)).status_code == 200
    await house.normaliser.drain()

    await _assert_by_key(house.urls)
    await _analyse(house.urls)
    await _assert_by_key(house.urls)


async def _assert_by_key(urls: ServiceUrls) -> None:
    for url, statements, settings in (
        (urls.worker, WORKER, {"enable_seqscan": "off"}),
        (urls.intake or "", INTAKE, {}),
    ):
        connection = await asyncpg.connect(
            url, server_settings={"plan_cache_mode": "force_generic_plan", "jit": "off", **settings}
        )
        try:
            for name, statement in statements.items():
                for node in _nodes(await _plan_of(connection, statement)):
                    _assert_node_by_key(name, node)
        finally:
            await connection.close()


def _assert_node_by_key(name: str, node: dict[str, Any]) -> None:
    if not str(node.get("Relation Name", node.get("Index Name", ""))).startswith(_GROWING):
        return
    if node["Node Type"] == "ModifyTable":
        return
    assert node["Node Type"] != "Seq Scan", (name, node)
    if "Index Name" in node:
        # Without a condition, with one on the merchant alone, or by time it would be a walk through a merchant's rows.
        condition = node.get("Index Cond", "")
        assert "_by_time" not in node["Index Name"], (name, node["Index Name"])
        assert any(key in condition for key in _OWN_KEYS), (name, node["Index Name"], condition)


async def _plan_of(connection: asyncpg.Connection, statement: str) -> dict[str, Any]:
    """The plan that the process would keep."""
    count = len(_types_of(await connection.prepare(statement)))
    await connection.execute(f"PREPARE kept AS {statement}")
    told = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE kept({', '.join(['NULL'] * count)})")
    await connection.execute("DEALLOCATE kept")
    found: dict[str, Any] = json.loads(told)[0]["Plan"]
    return found


def _types_of(prepared: Any) -> tuple[Any, ...]:
    parameters: tuple[Any, ...] = prepared.get_parameters()
    return parameters


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


async def _analyse(urls: ServiceUrls) -> None:
    """The planner has statistics now; only the tables' owner may make them."""
    owner = await asyncpg.connect(urls.owner)
    try:
        await owner.execute("ANALYZE")
    finally:
        await owner.close()
