"""Rows as one array per column: the shape in which a set-based statement takes any number of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import TextClause, text


def sql(template: str, **parts: str) -> TextClause:
    """The statement with each `{part}` put in. Parts are column lists of our own; values are always bound."""
    for name, part in parts.items():
        template = template.replace("{" + name + "}", part)
    return text(template)


def unnest(columns: Mapping[str, str], *, alias: str = "x") -> str:
    """`unnest(...) x(a, b)` over a bound array per column; `columns` maps names to PostgreSQL types."""
    arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in columns.items())
    return f"unnest({arrays}) {alias}({', '.join(columns)})"


def by_column(rows: Sequence[Mapping[str, Any]], names: Iterable[str]) -> dict[str, list[Any]]:
    """The rows' values as the arrays that `unnest` takes."""
    return {name: [row[name] for row in rows] for name in names}


def locked(expected: int, what: str) -> Callable[[int], None]:
    """A check that so many rows were written: under their merchant's lock nothing else can be."""

    def check(written: int) -> None:
        assert written == expected, f"{expected - written} of {expected}: {what} vanished under its merchant's lock"

    return check
