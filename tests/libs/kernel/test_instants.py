"""Instants: what RFC 3339 writes is read, whatever else could be read as a time is refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel.instants import NotAnInstant, instant_of

_OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1901, 1, 1), datetime(8999, 12, 1), timezones=_OFFSETS))  # noqa: DTZ001 hypothesis' bounds
def test_every_instant_is_read_back_from_any_offset(at: datetime) -> None:
    found = instant_of(at.isoformat())

    assert found == at
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-05-02T10:00:00Z", 0),
        ("2026-05-02t10:00:00z", 0),
        ("2026-05-02T10:00:00.5Z", 500_000),
        ("2026-05-02T10:00:00.1234569Z", 123_456),
        ("2026-05-02T06:00:00.25-04:00", 250_000),
        ("2026-05-02T10:00:00-00:00", 0),
    ],
)
def test_the_forms_of_rfc_3339(text: str, microsecond: int) -> None:
    assert instant_of(text) == datetime(2026, 5, 2, 10, microsecond=microsecond, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5.0",
        "1767225600",
        "noon",
        "2026-05-02",
        "2026-05-02T10:00:00",
        "2026-05-02T10:00Z",
        "2026-05-02T10Z",
        "2026-05-02 10:00:00Z",
        "20260502T100000Z",
        "2026-W18-6T10:00:00Z",
        "2026-05-02T10:00:00+02",
        "2026-05-02T10:00:00+0200",
        "2026-05-02T10:00:00,5Z",
        "2026-05-02T10:00:00.Z",
        "2026-05-02T10:00:00Z\n",
        "٢٠٢٦-05-02T10:00:00Z",
        "2026-02-29T10:00:00Z",
        "2026-05-02T24:00:00Z",
        "2026-05-02T23:59:60Z",
        "2026-05-02T10:00:00+24:00",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_whatever_else_could_be_read_as_a_time_is_refused(text: str) -> None:
    with pytest.raises(NotAnInstant, match="must"):
        instant_of(text)
