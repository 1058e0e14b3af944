"""The share of a total that belongs to some part, with the interval that customers' differences leave it in."""

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

from libs.kernel.intervals import NORMAL_95, Interval


@dataclass(frozen=True, slots=True)
class RatioSums:
    """Sums over `n` customers, where a customer has a part y of a total x."""

    n: int
    total: int
    part: int
    total_squares: int
    part_squares: int
    products: int


def ratio(sums: RatioSums) -> Interval:
    """part / total with its 95 % interval, customers being the independent units.

    A share of orders or of money is no share of trials: the orders of one customer go together, so a binomial
    interval would be too narrow. This is the linearised variance of a ratio of two sums, cut off at 0 and 1.
    Without a total, or with fewer than two customers, anything from 0 to 1 is possible.

    Source: W. G. Cochran, Sampling Techniques, 3rd edition, 2.11.
    """
    if sums.total <= 0:
        return Interval(value=0.0, low=0.0, high=1.0, n=sums.n)
    share = Fraction(sums.part, sums.total)
    if sums.n < 2:
        return Interval(value=float(share), low=0.0, high=1.0, n=sums.n)
    # Exact until the root: the three terms nearly cancel where almost every customer has the same share.
    residual = sums.part_squares - 2 * share * sums.products + share * share * sums.total_squares
    variance = residual * sums.n / ((sums.n - 1) * sums.total * sums.total)
    half = NORMAL_95 * sqrt(variance)
    return Interval(float(share), max(0.0, float(share) - half), min(1.0, float(share) + half), sums.n)
