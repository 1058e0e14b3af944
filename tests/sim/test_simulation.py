"""The bus keeps its promises under every fault mix; `make sim` runs ten times as many seeds."""

from tests.sim.report import Totals
from tests.sim.seeds import jobs_of, mix_named, pinned, run_job, run_jobs

SEEDS = 200


def test_no_seed_breaks_a_promise_and_every_mix_absorbs_something() -> None:
    totals = Totals()

    outcomes = [totals.add(outcome) for outcome in run_jobs(jobs_of(SEEDS))]

    assert [(one.seed, one.mix, one.failures[:3]) for one in outcomes if one.failures] == []
    assert totals.idle_mixes() == []


def test_no_pinned_seed_fails_again() -> None:
    outcomes = [run_job(job) for job in pinned()]

    assert [(one.seed, one.mix, one.failures[:3]) for one in outcomes if one.failures] == []


def test_a_seed_is_the_same_run_every_time() -> None:
    job = ("everything but restores", 7)

    first, second = run_job(job), run_job(job)

    assert (first.counts, first.events) == (second.counts, second.events)
    assert first.mix == mix_named(job[0]).name
