"""Exchange rates as text: what is one, and when one begins to hold."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.order_ingest.domain.fx import begin_of, rate_of


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("1.0837", "1.0837"),
        ("0.1270", "0.127"),
        ("100", "100"),
        ("007.50", "7.5"),
        ("0.000000000000001", "0.000000000000001"),
        ("999999999", "999999999"),
        ("123456.789012", "123456.789012"),
        ("123456.7890120", "123456.789012"),
        ("120000000.000", "120000000"),
    ],
)
def test_a_rate_is_its_digits_without_zeros_at_the_end(text: str, rate: str) -> None:
    assert format(rate_of(text), "f") == rate


@pytest.mark.parametrize(
    "text",
    [
        "", "0", "0.000", "-1.2", "+1.2", " 1.2", "1.2 ", "1,2", "1.", ".5", "1e3", "NaN", "Infinity", "1_000",
        "\u0661.5", "1234567890", "1.1234567890123456", "1.234567890123", "123456.7890123", "1.2\n",
    ],
)  # fmt: skip
def test_anything_else_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        rate_of(text)


@given(st.integers(1, 10**12 - 1), st.integers(3, 15))
def test_twelve_digits_are_kept_to_the_last(digits: int, places: int) -> None:
    text = f"{digits // 10**places}.{digits % 10**places:0{places}}"

    assert rate_of(text) * 10**places == digits


@pytest.mark.parametrize(
    ("text", "time_zone", "begin"),
    [
        ("2026-05-01", "UTC", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01", "Asia/Shanghai", datetime(2026, 4, 30, 16, tzinfo=UTC)),
        ("2026-05-01", "America/New_York", datetime(2026, 5, 1, 4, tzinfo=UTC)),
        # Cairo skipped this midnight, and Havana had this one twice: the offset before the change, the first of two.
        ("2026-04-24", "Africa/Cairo", datetime(2026, 4, 23, 22, tzinfo=UTC)),
        ("2026-11-01", "America/Havana", datetime(2026, 11, 1, 4, tzinfo=UTC)),
        ("2026-05-01T00:00:00+02:00", "Asia/Shanghai", datetime(2026, 4, 30, 22, tzinfo=UTC)),
        ("1980-01-01", "Asia/Shanghai", datetime(1979, 12, 31, 16, tzinfo=UTC)),
    ],
)
def test_a_day_begins_by_the_merchants_clock_and_an_instant_where_it_says(
    text: str, time_zone: str, begin: datetime
) -> None:
    assert begin_of(text, time_zone) == begin
    assert begin_of(text, time_zone).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    ["2026-02-30", "20260501", "2026-05-01 00:00", "2026-05-01T00:00:00", "1979-12-31", "2200-01-01", "0001-01-01",
     "9999-12-31", "2026-W18-5", "tomorrow", "1979-12-31T23:59:59Z"],
)  # fmt: skip
def test_no_other_text_begins_anything(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 the calendar's own complaint is one of them
        begin_of(text, "Asia/Shanghai")
