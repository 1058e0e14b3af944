"""Which seeds run, and running them on all cores."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from typing import TypeAlias

from tests.sim.mixes import MIXES, Mix
from tests.sim.run import Outcome, run_seed

PINNED = Path(__file__).with_name("pinned_seeds.txt")
Job: TypeAlias = tuple[str, int]  # mix name, seed


def jobs_of(seeds: int, *, first: int = 0, only: str = "") -> list[Job]:
    """Seeds in turn over the mixes (those whose name contains `only`)."""
    mixes = [mix for mix in MIXES if only in mix.name]
    return [(mixes[number % len(mixes)].name, number // len(mixes)) for number in range(first, first + seeds)]


def pinned() -> list[Job]:
    """The seeds that failed once."""
    lines = (line.split("#")[0].strip() for line in PINNED.read_text().splitlines())
    return [(mix, int(seed)) for seed, mix in (line.split(" ", 1) for line in lines if line)]


def mix_named(name: str) -> Mix:
    """The mix of this name."""
    return next(mix for mix in MIXES if mix.name == name)


def run_job(job: Job) -> Outcome:
    """One seed of one mix."""
    return run_seed(mix_named(job[0]), job[1])


def run_jobs(jobs: Sequence[Job]) -> Iterable[Outcome]:
    """The outcomes in order, from as many processes as there are cores."""
    with ProcessPoolExecutor(min(cpu_count() or 1, 8), mp_context=get_context("spawn")) as pool:
        yield from pool.map(run_job, jobs, chunksize=8)
