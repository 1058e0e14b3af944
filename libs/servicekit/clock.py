"""The only source of time: everything else takes an instant as an argument or a clock at its seam."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the present instant, always aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock, or one that goes so much before it (behind, if negative): machines' clocks differ."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead


class ManualClock:
    """A clock that stands still until it is advanced: time as a test wants it."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        """`now()` is later by `by`."""
        self._now += by

    def set(self, to: datetime) -> None:
        """`now()` is `to`."""
        self._now = to.astimezone(UTC)
