"""The table that people read, and the JSON that later runs are compared with."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Result, Row
from tests.bench.machine import Machine

FOOTER = (
    "* absolute: depends on the machine. Load generator, services and database share its cores. CPU is microseconds"
    " per unit, of our process (or all of them) / of the database."
)


def show(console: Console, results: Sequence[Result], machine: Machine) -> None:
    """The table of a run was printed, then what is wrong with it."""
    table = Table(title="bench: targets against figures", caption=FOOTER, caption_justify="left")
    for heading in ("id", "what", "median [min-max]", "target", "met", "CPU us", "p50 / p99 ms"):
        table.add_column(heading, justify="right" if heading.startswith(("median", "CPU", "p50")) else "left")
    for row in (row for result in results for row in result.rows):
        table.add_row(row.id, row.what, _figure(row), _target(row), _verdict(row), _cpu(row), _latency(row))
    console.print(table)
    console.print(machine.words())
    for row in (row for result in results for row in result.rows if row.note):
        console.print(f"{row.id}: {row.note}", markup=False)
    for name, frames in {name: top for result in results for name, top in result.profiles.items()}.items():
        console.print(f"{name}: {'; '.join(frames)}", markup=False)
    for complaint in (complaint for result in results for complaint in result.broken):
        console.print(f"[bold red]broken:[/] {complaint}")


def save(folder: Path, results: Sequence[Result], machine: Machine, *, at: datetime) -> Path:
    """The run as a file of its own in the folder; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{at:%Y%m%dT%H%M%SZ}.json"
    document = {
        "at": at.isoformat(),
        "machine": machine.as_json(),
        "rows": [row.as_json() for result in results for row in result.rows],
        "profiles": {name: top for result in results for name, top in result.profiles.items()},
        "broken": [complaint for result in results for complaint in result.broken],
    }
    path.write_text(json.dumps(document, indent=1))
    return path


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> Table:
    """The rows that both runs have, side by side. A change counts only where the ranges do not overlap."""
    table = Table(title=f"bench: {before['at']} against {after['at']}")
    for heading in ("id", "what", "before", "after", "change", "beyond the noise"):
        table.add_column(heading, justify="right" if heading in ("before", "after", "change") else "left")
    known = {(row["id"], row["what"]): row for row in before["rows"]}
    for row in after["rows"]:
        old = known.get((row["id"], row["what"]))
        if old is None:
            continue
        apart = row["min"] > old["max"] or row["max"] < old["min"]
        change = row["median"] / old["median"] - 1 if old["median"] else 0.0
        table.add_row(row["id"], row["what"], _span(old), _span(row), f"{change:+.0%}", "yes" if apart else "")
    return table


def _figure(row: Row) -> str:
    return _words(median(row.values), min(row.values), max(row.values), row.unit)


def _span(row: Mapping[str, Any]) -> str:
    return _words(row["median"], row["min"], row["max"], row["unit"])


def _words(middle: float, low: float, high: float, unit: str) -> str:
    return f"{_number(middle)} [{_number(low)}-{_number(high)}] {unit}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _target(row: Row) -> str:
    return (row.target.words() if row.target else "") + (" *" if row.absolute else "")


def _verdict(row: Row) -> str:
    return {None: "", True: "[green]met[/]", False: "[red]missed[/]"}[row.is_met]


def _cpu(row: Row) -> str:
    process, database = row.middle("process_us"), row.middle("database_us")
    return " / ".join("-" if value is None else f"{value:,.0f}" for value in (process, database)) if row.samples else ""


def _latency(row: Row) -> str:
    p50, p99 = row.middle("p50_ms"), row.middle("p99_ms")
    return "" if p50 is None or p99 is None else f"{p50:.1f} / {p99:.1f}"
