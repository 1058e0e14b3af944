"""The 90-day repurchase rate, and the mode of the shop that it tells.

Definition, at an instant `as_of`:
* an order qualifies when it was placed by then and by then is neither cancelled, nor refunded in full, nor deleted;
* a customer's first is the earliest qualifying order; anonymous customers are left out (they cannot come back under
  the same name) and counted beside;
* the cohort are the customers whose first lies in [as_of - 180 days, as_of - 90 days): all of them have had their
  90 days, so a growing shop does not look worse than it is;
* a repurchase is another qualifying order placed in (first, first + 90 days];
* the rate is the share of the cohort with a repurchase, with its Wilson interval.
A day is 24 hours here.

Source of the modes: K. Hillstrom's acquisition, hybrid and retention modes; the 90-day bands have no traceable
origin, hence they are configuration.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal

from services.segmentation.domain.errors import InvalidBands

WINDOW_DAYS = 90
Mode = Literal["acquisition", "hybrid", "loyalty"]

ADVICE: dict[Mode, str] = {
    "acquisition": "Few customers come back yet: put most effort into winning new ones.",
    "hybrid": "New and returning customers carry the shop alike: balance both efforts.",
    "loyalty": "Many customers come back: put most effort into repurchase and loyalty.",
}


@dataclass(frozen=True, slots=True)
class Cohort:
    """First orders that are counted: [starts_at, ends_at)."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Bands:
    """Where hybrid and loyalty begin: [0, hybrid_from) [hybrid_from, loyalty_from) [loyalty_from, 1]."""

    hybrid_from: Fraction
    loyalty_from: Fraction

    def __post_init__(self) -> None:
        if not 0 < self.hybrid_from < self.loyalty_from < 1:
            raise InvalidBands(f"0 < {self.hybrid_from} < {self.loyalty_from} < 1 does not hold")

    def lower_ends(self) -> dict[Mode, Fraction]:
        """The lower end of each mode's band."""
        return {"acquisition": Fraction(0), "hybrid": self.hybrid_from, "loyalty": self.loyalty_from}


def matured_cohort(as_of: datetime) -> Cohort:
    """The window of first orders whose 90 days were over at `as_of`."""
    window = timedelta(days=WINDOW_DAYS)
    return Cohort(as_of - 2 * window, as_of - window)


def mode(repurchased: int, cohort: int, bands: Bands) -> Mode | None:
    """The band that the exact share lies in; None when there is no cohort to judge by.

    The share is compared as a fraction: 3 of 20 is 15 % and hybrid, whatever binary floating point makes of it.
    """
    if cohort == 0:
        return None
    share = Fraction(repurchased, cohort)
    if share < bands.hybrid_from:
        return "acquisition"
    return "hybrid" if share < bands.loyalty_from else "loyalty"
