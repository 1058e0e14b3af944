"""Wilson's interval against published values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel.intervals import wilson


def test_wilson_agrees_with_the_published_value() -> None:
    """Source: R. G. Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, 81 of 263."""
    interval = wilson(81, 263)

    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)
    assert interval.n == 263


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718), (29, 29, 0.8830, 1.0)],
)
def test_wilson_at_the_edges(successes: int, trials: int, low: float, high: float) -> None:
    interval = wilson(successes, trials)

    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


@given(st.integers(0, 10**6).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_share_lies_within_its_interval(counted: tuple[int, int]) -> None:
    interval = wilson(*counted)

    assert 0.0 <= interval.low <= interval.value <= interval.high <= 1.0


def test_without_trials_anything_is_possible() -> None:
    interval = wilson(0, 0)

    assert (interval.low, interval.high, interval.n) == (0.0, 1.0, 0)


@pytest.mark.parametrize(("successes", "trials"), [(2, 1), (-1, 1)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="successes"):
        wilson(successes, trials)
