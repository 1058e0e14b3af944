"""How sure a measured share is."""

from dataclasses import dataclass
from math import sqrt

NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Interval:
    """A share with the interval that it lies in, measured on `n` trials."""

    value: float
    low: float
    high: float
    n: int


def wilson(successes: int, trials: int, z: float = NORMAL_95) -> Interval:
    """The share of successes with its Wilson score interval; without trials anything from 0 to 1 is possible.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    Raises: ValueError unless 0 <= successes <= trials.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
    if trials == 0:
        return Interval(value=0.0, low=0.0, high=1.0, n=0)
    share = successes / trials
    spread = z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    # The bounds at no and at all successes are 0 and 1 exactly; floating point misses them by a hair.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return Interval(value=share, low=low, high=high, n=trials)
