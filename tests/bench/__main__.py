"""`python -m tests.bench [--repeats N] [P1 P5 ...]`: Huitou's parts against their peers, in one table."""

import argparse
import asyncio
import sys
import time
from datetime import UTC, datetime

import uvloop
from rich.console import Console

from tests.bench.catalogue import BENCHES, IDS
from tests.bench.figures import Result
from tests.bench.machine import this_machine
from tests.bench.table import save, show
from tests.bench.terms import FOLDER, Terms, terms_from


def main(arguments: list[str]) -> int:
    """Runs the benchmarks and prints the table; 1 only if one could not run or a peer is broken.

    A missed target is a figure, not a failure: timings decide no build.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="P", choices=[[], *IDS], help=f"of {', '.join(IDS)}; all without")
    parser.add_argument("--repeats", type=int, help="interleaved repeats of everything (default 5)")
    parser.add_argument("--scale", type=float, help="multiplies the work of each (default 1)")
    options = parser.parse_args(arguments)
    console = Console(width=160)
    machine = this_machine()
    terms = terms_from(options.repeats, options.scale, lambda text: console.print(text, markup=False))
    console.print(machine.words())
    results = [_run(name, terms, console) for name in _chosen(options.ids)]
    show(console, results, machine)
    console.print(f"saved as {save(FOLDER, results, machine, at=datetime.now(UTC))}", soft_wrap=True)
    return 1 if any(result.broken for result in results) else 0


def _chosen(ids: list[str]) -> list[str]:
    """The benchmarks that measure these ids, all without, in the order in which one builds on the other."""
    return [name for name, (_, measures) in BENCHES.items() if not ids or set(ids) & set(measures)]


def _run(name: str, terms: Terms, console: Console) -> Result:
    bench, measures = BENCHES[name]
    began = time.monotonic()
    console.print(f"{name} ({', '.join(measures)}): {(bench.__doc__ or '').splitlines()[0]}")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(bench(terms))
    except Exception as failure:
        console.print_exception(max_frames=8)
        result = Result(broken=[f"{name} could not run: {type(failure).__name__}: {failure}"])
    console.print(f"{name}: {time.monotonic() - began:.0f} s")
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
