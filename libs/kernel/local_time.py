"""Instants seen on a wall calendar. Instants are aware datetimes; days are half-open [start, end)."""

from calendar import isleap
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


def local_date(instant: datetime, time_zone: str) -> date:
    """The calendar day on which the instant falls in that time zone.

    Raises: ValueError when the instant has no time zone of its own.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(ZoneInfo(time_zone)).date()


def day_bounds(on: date, time_zone: str) -> tuple[datetime, datetime]:
    """The UTC instants at which that local day starts and the next one starts: 23, 24 or 25 hours apart."""
    return _start_of(on, time_zone), _start_of(on + timedelta(days=1), time_zone)


def anniversary(on: date, year: int) -> date:
    """The day on which `on` is celebrated in `year`; 29 February is celebrated on the 28th in common years."""
    if (on.month, on.day) == (2, 29) and not isleap(year):
        return date(year, 2, 28)
    return on.replace(year=year)


def month_index(on: date) -> int:
    """Months since year 0: neighbours differ by one, over the turn of a year too."""
    return on.year * 12 + on.month - 1


def _start_of(on: date, time_zone: str) -> datetime:
    # fold=0: of a midnight that happens twice the first, of one that a clock change skips the change itself.
    return datetime(on.year, on.month, on.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)
