"""Bands are half-open, and the share is judged exactly."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from services.segmentation.domain.errors import InvalidBands
from services.segmentation.domain.repurchase import Bands, matured_cohort, mode

BANDS = Bands(hybrid_from=Fraction(15, 100), loyalty_from=Fraction(30, 100))


@pytest.mark.parametrize(
    ("repurchased", "cohort", "expected"),
    [
        (0, 0, None),
        (0, 7, "acquisition"),
        (1499, 10000, "acquisition"),
        (3, 20, "hybrid"),
        (2999, 10000, "hybrid"),
        (3, 10, "loyalty"),
        (7, 7, "loyalty"),
    ],
)
def test_the_mode_is_the_half_open_band_of_the_share(repurchased: int, cohort: int, expected: str | None) -> None:
    assert mode(repurchased, cohort, BANDS) == expected


@pytest.mark.parametrize(("hybrid", "loyalty"), [(30, 15), (20, 20), (0, 30), (15, 100)])
def test_bands_out_of_order_are_refused(hybrid: int, loyalty: int) -> None:
    with pytest.raises(InvalidBands):
        Bands(Fraction(hybrid, 100), Fraction(loyalty, 100))


def test_the_cohort_ends_ninety_days_ago_and_is_ninety_days_long() -> None:
    cohort = matured_cohort(datetime(2026, 1, 31, 12, tzinfo=UTC))

    assert cohort.starts_at == datetime(2025, 8, 4, 12, tzinfo=UTC)
    assert cohort.ends_at == datetime(2025, 11, 2, 12, tzinfo=UTC)
