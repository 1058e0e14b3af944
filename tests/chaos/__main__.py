"""`python -m tests.chaos [--form F] [--bus B] [--seed S] [R1 ...]`: faults on a running stack, judged from outside."""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from rich.console import Console

from tests.chaos.arena import BUSES, Arena, opened
from tests.chaos.report import FORMS, Report, Size
from tests.chaos.runs import ALONE, PLANS, SHARED
from tests.chaos.tables import Row, table


def main(arguments: list[str]) -> int:
    """Runs the named runs and prints a table; 1 if one failed, or injected or absorbed nothing."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("runs", nargs="*", help=f"any of {', '.join((*SHARED, *ALONE))}; without: those of the form")
    parser.add_argument("--form", choices=[*FORMS], default="short" if os.environ.get("CHAOS_SHORT") else "usual")
    parser.add_argument("--bus", choices=[*BUSES, "both"], default=os.environ.get("CHAOS_BUS", "both"))
    parser.add_argument("--orders", type=int, help="orders of each run, about 4 bus events each; else as the form says")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    options = parser.parse_args(arguments)
    size = replace(FORMS[options.form], orders=options.orders) if options.orders else FORMS[options.form]
    plan = {bus: options.runs or runs for bus, runs in PLANS[options.form].items() if options.bus in (bus, "both")}
    console = Console(width=200)
    console.print(f"seed {options.seed}, {options.form} form")
    reports = [each for bus, runs in plan.items() for each in asyncio.run(_run(console, bus, runs, options.seed, size))]
    console.print(table(reports))
    complaints = [f"{bus}, {report.name}: {each}" for bus, report, _ in reports for each in report.complaints]
    for complaint in complaints:
        console.print(complaint, markup=False)
    return 1 if complaints or not reports else 0


async def _run(console: Console, bus: str, names: Sequence[str], seed: int, size: Size) -> list[Row]:
    """Runs that can share a stack do, until one fails: what it left behind would be held against the next."""
    done = []
    async with AsyncExitStack() as last:
        arena, stacks = None, await last.enter_async_context(AsyncExitStack())
        for name in names:
            began = time.monotonic()
            console.print(f"{bus}, {name}: {(({**SHARED, **ALONE}[name]).__doc__ or '').splitlines()[0]}")
            if name in SHARED and arena is None:
                arena = await stacks.enter_async_context(opened(bus))
            report = await _judged(console, bus, name, arena, seed, size)
            done.append((bus, report, time.monotonic() - began))
            console.print(f"{bus}, {name}: {'FAILED' if report.complaints else 'passed'} after {done[-1][2]:.0f} s")
            if report.complaints:
                arena = None
                await stacks.aclose()
    return done


async def _judged(console: Console, bus: str, name: str, arena: Arena | None, seed: int, size: Size) -> Report:
    try:
        if name in ALONE:
            return await ALONE[name](bus, seed, size)
        assert arena is not None
        return await SHARED[name](arena, seed, size)
    except Exception as broken:  # the run failed, the others need not
        console.print_exception(max_frames=6)
        return Report(name, {}, {}, None, failures=[f"{type(broken).__name__}: {broken}"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
