"""Token buckets: how many requests one caller may make, kept in this process's memory."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Final

from libs.servicekit.problems import Problem

_MOST_CALLERS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """The answer to one request; the seconds are until one request (if refused) or the whole burst is there again."""

    allowed: bool
    left: int
    seconds: int

    @property
    def header(self) -> str:
        """Source: draft-ietf-httpapi-ratelimit-headers."""
        return f'"default";r={self.left};t={self.seconds}'


class Buckets:
    """A bucket per caller: holds `burst`, gains `per_second`. The callers seen least recently are forgotten."""

    def __init__(self, *, per_second: float, burst: int) -> None:
        self._per_second = per_second
        self._burst = burst
        self._levels: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def take(self, caller: str, now: datetime) -> Allowance:
        """One request of `caller` is counted if its bucket is not empty."""
        level, seen = self._levels.pop(caller, (float(self._burst), now))
        level = min(float(self._burst), level + max(0.0, (now - seen).total_seconds()) * self._per_second)
        allowed = level >= 1.0
        level -= 1.0 if allowed else 0.0
        self._levels[caller] = (level, now)
        if len(self._levels) > _MOST_CALLERS:
            self._levels.popitem(last=False)
        missing = self._burst - level if allowed else 1.0 - level
        return Allowance(allowed, int(level), ceil(missing / self._per_second))


def too_many(allowance: Allowance) -> Problem:
    """429 that says when to come back."""
    return Problem(
        "too-many-requests",
        429,
        "Too many requests",
        f"Come back in {allowance.seconds} s.",
        headers={"Retry-After": str(max(1, allowance.seconds))},
    )
