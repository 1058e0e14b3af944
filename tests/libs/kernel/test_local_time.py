"""The wall calendar, with its leap days and its missing and doubled hours."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel.local_time import anniversary, day_bounds, local_date, month_index

ZONES = ["UTC", "Asia/Shanghai", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu"]


def test_one_instant_falls_on_two_dates() -> None:
    instant = datetime(2026, 3, 1, 3, 30, tzinfo=UTC)

    assert local_date(instant, "Asia/Shanghai") == date(2026, 3, 1)
    assert local_date(instant, "America/New_York") == date(2026, 2, 28)


def test_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        local_date(datetime(2026, 3, 1), "UTC")  # noqa: DTZ001


@pytest.mark.parametrize(("on", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 7, 1), 24)])
def test_day_of_a_clock_change_is_shorter_or_longer(on: date, hours: int) -> None:
    start, end = day_bounds(on, "America/New_York")

    assert end - start == timedelta(hours=hours)


def test_day_whose_midnight_is_skipped_starts_at_the_change() -> None:
    start, end = day_bounds(date(2018, 11, 4), "America/Sao_Paulo")

    assert (start, end) == (datetime(2018, 11, 4, 3, tzinfo=UTC), datetime(2018, 11, 5, 2, tzinfo=UTC))


@given(st.integers(631_152_000, 2_051_222_400), st.sampled_from(ZONES))
def test_instant_lies_within_its_own_day(seconds: int, zone: str) -> None:
    instant = datetime.fromtimestamp(seconds, UTC)

    start, end = day_bounds(local_date(instant, zone), zone)

    assert start <= instant < end


def test_leap_day_is_celebrated_on_the_28th_in_common_years() -> None:
    born = date(2000, 2, 29)

    assert anniversary(born, 2026) == date(2026, 2, 28)
    assert anniversary(born, 2028) == date(2028, 2, 29)
    assert anniversary(born, 2100) == date(2100, 2, 28)


def test_other_days_keep_their_day() -> None:
    assert anniversary(date(1990, 2, 28), 2028) == date(2028, 2, 28)


def test_months_count_on_over_the_turn_of_the_year() -> None:
    assert month_index(date(2026, 1, 1)) - month_index(date(2025, 12, 31)) == 1
