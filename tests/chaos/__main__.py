"""`python -m tests.chaos [--form F] [--bus B] [--seed S] [R1 ...]`: faults on a running stack, judged from outside."""

import argparse
import asyncio
import os
import random
import shutil
import sys
import time
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console

from deploy.local.folders import REPOSITORY
from deploy.local.kafka_programs import programs_folder, what_is_missing
from tests.chaos.arena import BUSES, Arena, opened
from tests.chaos.report import FORMS, Report, Size
from tests.chaos.runs import ALONE, JUDGED_IN_EVERY_FORM, PLANS, SHARED
from tests.chaos.tables import Row, table


def main(arguments: list[str]) -> int:
    """Runs the named runs and prints a table; 1 if one failed, or injected or absorbed nothing."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("runs", nargs="*", help=f"any of {', '.join((*SHARED, *ALONE))}; without: those of the form")
    parser.add_argument("--form", choices=[*FORMS], default="short" if os.environ.get("CHAOS_SHORT") else "usual")
    parser.add_argument("--bus", choices=[*BUSES, "both"], default=os.environ.get("CHAOS_BUS", "both"))
    parser.add_argument("--orders", type=int, help="orders of each run, about 4 bus events each; else as the form says")
    parser.add_argument("--per-second", type=float, help="webhooks a second, but of R9, R17 and R18; for slow machines")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    options = parser.parse_args(arguments)
    chosen = {"orders": options.orders, "per_second": options.per_second}
    size = replace(FORMS[options.form], **{name: value for name, value in chosen.items() if value})
    console = Console(width=200)
    plan = {bus: options.runs or runs for bus, runs in PLANS[options.form].items() if options.bus in (bus, "both")}
    if (
        options.bus == "both"
        and not os.environ.get("KAFKA_REQUIRED")
        and (missing := what_is_missing(programs_folder()))
    ):
        console.print(f"kafka: not run, {missing}", markup=False)
        del plan["kafka"]
    console.print(f"seed {options.seed}, {options.form} form")
    reports = [each for bus, runs in plan.items() for each in _in_a_loop(_run(console, bus, runs, options.seed, size))]
    console.print(table(reports))
    console.print(f"seed {options.seed}, {options.form} form")
    return 1 if any(report.complaints for _, report, _ in reports) or not reports else 0


def _in_a_loop(run: Coroutine[Any, Any, list[Row]]) -> list[Row]:
    """The load shares the cores with what it loads: the loop that costs least."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run)


async def _run(console: Console, bus: str, names: Sequence[str], seed: int, size: Size) -> list[Row]:
    """Runs that can share a stack do, until one fails: what it left behind would be held against the next."""
    done = []
    async with AsyncExitStack() as last:
        arena, stacks = None, await last.enter_async_context(AsyncExitStack())
        for name in names:
            began = time.monotonic()
            console.print(f"{bus}, {name}: {(({**SHARED, **ALONE}[name]).__doc__ or '').splitlines()[0]}")
            try:
                if name in SHARED and arena is None:
                    arena = await stacks.enter_async_context(opened(bus))
                report = await _once(bus, name, arena, seed, size)
            except Exception as broken:  # the run failed, the others need not
                console.print_exception(max_frames=6)
                report = Report(name, {}, {}, None, failures=[f"{type(broken).__name__}: {broken}"])
            report.judges_times = size.judges_times or name in JUDGED_IN_EVERY_FORM
            done.append((bus, report, time.monotonic() - began))
            console.print(f"{bus}, {name}: {report.outcome} after {done[-1][2]:.0f} s")
            for complaint in [*report.complaints, *filter(None, [report.not_run])]:
                console.print(f"  {complaint}", markup=False)
            for missed in report.missed:
                console.print(f"  missed, not judged in this form: {missed}", markup=False)
            if report.complaints:
                if arena is not None:
                    console.print(f"  the services' logs: {_kept_logs(arena, bus, name)}", markup=False)
                arena = None
                await stacks.aclose()
    return done


def _kept_logs(arena: Arena, bus: str, name: str) -> Path:
    """A copy of the logs, which would else go with the stack."""
    kept = REPOSITORY / ".local" / "chaos" / f"{bus}-{name}"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(arena.stack.folders.logs, kept)
    return kept


async def _once(bus: str, name: str, arena: Arena | None, seed: int, size: Size) -> Report:
    if name in ALONE:
        return await ALONE[name](bus, seed, size)
    assert arena is not None
    return await SHARED[name](arena, seed, size)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
