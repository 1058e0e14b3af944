"""A ratio of sums with customers as the units."""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel.intervals import NORMAL_95
from services.segmentation.domain.shares import RatioSums, ratio

pairs = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda p: (p[0] + p[1], p[1])), max_size=30)


def sums_of(customers: list[tuple[int, int]]) -> RatioSums:
    return RatioSums(
        n=len(customers),
        total=sum(x for x, _ in customers),
        part=sum(y for _, y in customers),
        total_squares=sum(x * x for x, _ in customers),
        part_squares=sum(y * y for _, y in customers),
        products=sum(x * y for x, y in customers),
    )


@given(pairs)
def test_the_interval_is_that_of_the_residuals(customers: list[tuple[int, int]]) -> None:
    found = ratio(sums_of(customers))
    n, total = len(customers), sum(x for x, _ in customers)

    if total == 0 or n < 2:
        assert (found.low, found.high) == (0.0, 1.0)
        return
    share = sum(y for _, y in customers) / total
    variance = n / (n - 1) * sum((y - share * x) ** 2 for x, y in customers) / total**2
    assert found.value == pytest.approx(share)
    assert found.low == pytest.approx(max(0.0, share - NORMAL_95 * sqrt(variance)), abs=1e-9)
    assert found.high == pytest.approx(min(1.0, share + NORMAL_95 * sqrt(variance)), abs=1e-9)


def test_customers_who_are_all_alike_leave_no_doubt() -> None:
    found = ratio(sums_of([(4, 3)] * 10))

    assert (found.value, found.low, found.high) == (0.75, 0.75, 0.75)
