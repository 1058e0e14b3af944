"""`python -m tests.chaos [--orders N] [--seed S] [R1 R3 ...]`: faults on a running stack, judged from outside."""

import argparse
import asyncio
import os
import random
import sys
import time

from rich.console import Console
from rich.table import Table

from tests.chaos.runs import RUNS, Report, Size


def main(arguments: list[str]) -> int:
    """Runs the named runs and prints a table; 1 if one failed or absorbed nothing."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("runs", nargs="*", help=f"any of {', '.join(RUNS)}; all without")
    parser.add_argument("--orders", type=int, default=5600, help="orders of each run (about 4 bus events each)")
    parser.add_argument("--per-second", type=float, default=250.0, help="webhooks a second")
    parser.add_argument("--zombie-seconds", type=float, default=90.0, help="how long R8's zombie sleeps")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    options = parser.parse_args(arguments)
    if os.environ.get("CHAOS_SHORT"):
        options.orders, options.zombie_seconds = min(options.orders, 1500), min(options.zombie_seconds, 25.0)
    size = Size(options.orders, options.per_second, options.zombie_seconds)
    console = Console(width=150)
    console.print(f"seed {options.seed}")
    reports = [asyncio.run(_timed(console, name, options.seed, size)) for name in options.runs or RUNS]
    console.print(_table(reports))
    for report in reports:
        _complain(console, report)
    return 0 if all(report.passed for report in reports) else 1


async def _timed(console: Console, name: str, seed: int, size: Size) -> Report:
    began = time.monotonic()
    console.print(f"{name}: {(RUNS[name].__doc__ or '').splitlines()[0]}")
    report = await RUNS[name](seed, size)
    console.print(f"{name}: {'passed' if report.passed else 'FAILED'} after {time.monotonic() - began:.0f} s")
    return report


def _table(reports: list[Report]) -> Table:
    table = Table(title="chaos: what was injected, what was absorbed, what is wrong in the end")
    for heading in ("run", "injected", "absorbed", "orders", "bus events", "entries", "mails"):
        table.add_column(heading)
    for heading in ("lost", "twice", "order breaks", "violations", "drained"):
        table.add_column(heading, justify="right")
    for report in reports:
        verdict = report.verdict
        table.add_row(
            report.name,
            _words(report.injected),
            _words(report.absorbed),
            str(verdict.orders),
            str(verdict.facts),
            str(verdict.entries),
            str(verdict.messages),
            *(str(len(x)) for x in (verdict.lost, verdict.duplicated, verdict.order_breaks, verdict.violations)),
            f"{report.drained_seconds:.1f} s",
        )
    return table


def _words(figures: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in figures.items())


def _complain(console: Console, report: Report) -> None:
    verdict = report.verdict
    complaints = [*report.failures]
    for what, found in (
        ("lost", verdict.lost),
        ("twice", verdict.duplicated),
        ("order", verdict.order_breaks),
        ("violation", verdict.violations),
    ):
        complaints += [f"{what}: {one}" for one in found[:5]]
    complaints += [f"nothing was injected: {what}" for what, count in report.injected.items() if not count]
    if not any(report.absorbed.values()):
        complaints.append("nothing was absorbed: the faults missed")
    for complaint in complaints:
        console.print(f"{report.name}: {complaint}", markup=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
