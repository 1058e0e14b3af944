"""`python -m tests.sim --seeds 2000`: run seeds on all cores, print what was injected, absorbed and broken."""

import argparse
import sys
import time
from collections.abc import Sequence

from tests.sim.report import Totals, table
from tests.sim.run import Outcome
from tests.sim.seeds import PINNED, jobs_of, pinned, run_jobs


def _print_failure(outcome: Outcome, *, with_trace: bool) -> None:
    print(f"\nFAILED  {outcome.seed} {outcome.mix}   (pin it: add this line to {PINNED.name})")
    for failure in outcome.failures[:5]:
        print(f"    {failure}")
    for line in outcome.trace if with_trace else ():
        print(f"    | {line}")


def main(arguments: Sequence[str]) -> int:
    """Exit status 0 if no seed failed and no mix was idle."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim")
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="where to begin: other seeds than `make sim` runs")
    parser.add_argument("--mix", default="", help="only mixes whose name contains this")
    parser.add_argument("--failing-only", action="store_true", help="print the number of failing seeds, nothing else")
    chosen = parser.parse_args(arguments)
    jobs = ([] if chosen.mix else pinned()) + jobs_of(chosen.seeds, first=chosen.first, only=chosen.mix)
    started, totals = time.monotonic(), Totals()
    failed = [outcome for outcome in map(totals.add, run_jobs(jobs)) if outcome.failures]
    if chosen.failing_only:
        print(len(failed))
        return 0
    for number, outcome in enumerate(failed[:20]):
        _print_failure(outcome, with_trace=number < 3)
    print(table(totals))
    idle = totals.never_absorbed()
    for line in idle:
        print(f"BLIND   {line}")
    seconds = time.monotonic() - started
    print(f"{len(jobs)} runs, {totals.events} events, {len(failed)} failed, {seconds:.1f} s")
    return 1 if failed or idle else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
