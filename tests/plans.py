"""How PostgreSQL would find the rows of a statement, and whether that is by a key or by a walk.

A process keeps one generic plan per statement: a plan made on an empty table lives on when the table is large.
"""

import itertools
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import asyncpg
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.asyncpg import dialect

WORKER: Final = {"plan_cache_mode": "force_generic_plan", "jit": "off", "enable_seqscan": "off"}
"""What a worker's sessions are set to."""
_COLUMN: Final = re.compile(r"\((\w+) (?:[=<>]|IS )")


def statements_of(*modules: ModuleType) -> dict[str, str]:
    """The modules' statements by name, as the driver sees them."""
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": str(statement.compile(dialect=dialect()))  # type: ignore[no-untyped-call]
        for module in modules
        for name, statement in vars(module).items()
        if isinstance(statement, TextClause)
    }


async def walks(
    url: str,
    statements: Mapping[str, str],
    *,
    few_rows: Collection[str] = (),
    settings: Mapping[str, str] = WORKER,
) -> list[str]:
    """A line for each place where a statement would read more rows than its keys name; none if all is well.

    `few_rows`: tables that stay small, whatever is sold.
    """
    connection = await asyncpg.connect(url, server_settings=dict(settings))
    try:
        indexes = await _indexes(connection)
        return [
            f"{name}: {said}"
            for name, statement in statements.items()
            for node in _nodes(await _plan_of(connection, statement))
            if (said := _walk(node, indexes, few_rows))
        ]
    finally:
        await connection.close()


async def analyse(url: str) -> None:
    """The planner has statistics now; only the tables' owner may make them."""
    owner = await asyncpg.connect(url)
    try:
        await owner.execute("ANALYZE")
    finally:
        await owner.close()


@dataclass(frozen=True, slots=True)
class _Index:
    table: str
    columns: Sequence[str]


def _walk(node: Mapping[str, Any], indexes: Mapping[str, _Index], few_rows: Collection[str]) -> str | None:
    name = node.get("Index Name")
    table = node.get("Relation Name") or (indexes[name].table if name else None)
    if table in few_rows or node["Node Type"] == "ModifyTable":
        return None
    if node["Node Type"] == "Seq Scan":
        return f"reads all of {table}"
    if name is None:
        return None
    condition = node.get("Index Cond", "no condition")
    # A column behind one that is not asked for does not narrow the search: all entries are read up to there.
    narrowing = set(itertools.takewhile(set(_COLUMN.findall(condition)).__contains__, indexes[name].columns))
    if narrowing - {"merchant_no"}:
        return None
    return f"walks through {name} ({', '.join(indexes[name].columns)}) with {condition}"


async def _indexes(connection: Any) -> dict[str, _Index]:  # asyncpg ships no types
    rows = await connection.fetch(
        """
        SELECT c.relname, i.indrelid::regclass::text, array_agg(coalesce(a.attname, 'an expression') ORDER BY k.place)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(number, place)
        LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
        GROUP BY c.oid, i.indexrelid, i.indrelid
        """
    )
    return {name: _Index(table, columns) for name, table, columns in rows}


async def _plan_of(connection: Any, statement: str) -> dict[str, Any]:
    """The plan that the process would keep."""
    count = len((await connection.prepare(statement)).get_parameters())
    await connection.execute(f"PREPARE kept AS {statement}")
    given = f"({', '.join(['NULL'] * count)})" if count else ""
    told = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE kept{given}")
    await connection.execute("DEALLOCATE kept")
    found: dict[str, Any] = json.loads(told)[0]["Plan"]
    return found


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)
