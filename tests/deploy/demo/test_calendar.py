"""The shift of the data's calendar into the present."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from deploy.demo.calendar import Calendar, newest_calendar

NEW_YORK = ZoneInfo("America/New_York")
LAST = datetime(2018, 1, 1, 4, 1, 20)  # noqa: DTZ001 - as the data has it: 23:01:20 on 31 December in New York


@pytest.mark.parametrize("weeks", [0, 1, 30, 463, 489])
def test_the_wall_clock_and_the_day_of_the_week_stay(weeks: int) -> None:
    recorded = datetime(2017, 7, 4, 1, 30)  # noqa: DTZ001 - 21:30 on 3 July in New York

    shifted = Calendar(weeks, LAST).shift(recorded).astimezone(NEW_YORK)

    assert shifted.strftime("%H:%M %A") == "21:30 Monday"
    assert (shifted.date() - date(2017, 7, 3)).days == weeks * 7


def test_the_last_order_was_placed_on_new_years_eve_not_on_new_years_day() -> None:
    assert Calendar(0, LAST).last_on == date(2017, 12, 31)


@pytest.mark.parametrize("days", range(0, 400, 3))
def test_as_many_weeks_as_leave_no_order_in_the_future(days: int) -> None:
    now = datetime(2025, 2, 1, 12, tzinfo=UTC) + timedelta(days=days, seconds=days * 977)

    calendar = newest_calendar(LAST, now)

    assert calendar.shift(LAST) <= now
    assert Calendar(calendar.weeks + 1, LAST).shift(LAST) > now


def test_the_live_days_are_the_last_seven_local_days() -> None:
    calendar = Calendar(463, LAST)

    local = calendar.live_from.astimezone(NEW_YORK)

    assert (local.hour, local.minute) == (0, 0)
    assert (calendar.last_on - local.date()).days == 6
