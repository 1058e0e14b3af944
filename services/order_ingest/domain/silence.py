"""When a shop that used to speak has been quiet for too long: some platforms end a hook without a word."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LEAST: Final = timedelta(hours=1)
FEWEST: Final = 10
"""Fewer deliveries tell nothing of a shop's habits."""
TIMES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """A store's deliveries of the last days: how many, the last of them, the longest pause between two."""

    deliveries: int
    last_at: datetime | None
    longest_pause: timedelta | None


def expected_until(habits: Habits) -> datetime | None:
    """Until when the next delivery would not be late: twice the longest pause of the days before, an hour at least.

    None: too few deliveries to say.
    """
    if habits.last_at is None or habits.longest_pause is None or habits.deliveries < FEWEST:
        return None
    return habits.last_at + max(LEAST, TIMES * habits.longest_pause)
