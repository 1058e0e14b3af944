"""A caller's allowance runs out, fills again with time, and is nobody else's."""

from datetime import timedelta

from libs.servicekit.rate_limit import Buckets, too_many
from tests.libs.servicekit.stage import NOW


def test_the_burst_is_spent_and_refilled() -> None:
    buckets = Buckets(per_second=2, burst=3)
    spent = [buckets.take("ada", NOW).allowed for _ in range(4)]
    refilled = [buckets.take("ada", NOW + timedelta(seconds=1)).allowed for _ in range(3)]

    assert spent == [True, True, True, False]
    assert refilled == [True, True, False]


def test_refusals_cost_nothing() -> None:
    buckets = Buckets(per_second=1, burst=1)
    for _ in range(5):
        buckets.take("ada", NOW)

    assert buckets.take("ada", NOW + timedelta(seconds=1)).allowed


def test_a_clock_that_steps_back_takes_nothing_away() -> None:
    buckets = Buckets(per_second=1, burst=2)
    buckets.take("ada", NOW)

    assert buckets.take("ada", NOW - timedelta(hours=1)).allowed


def test_a_full_bucket_never_exceeds_its_burst() -> None:
    buckets = Buckets(per_second=100, burst=2)
    buckets.take("ada", NOW)

    assert buckets.take("ada", NOW + timedelta(days=1)).left == 1


def test_the_refusal_says_when_to_come_back() -> None:
    buckets = Buckets(per_second=0.1, burst=1)
    buckets.take("ada", NOW)
    problem = too_many(buckets.take("ada", NOW))

    assert (problem.status, problem.headers["Retry-After"]) == (429, "10")
