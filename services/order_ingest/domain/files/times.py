"""Times as files write them: year first, or day and month in the order that the whole file was found to have."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from services.order_ingest.domain.files.detection import DateOrder
from services.order_ingest.domain.files.errors import Unconvertible

_CLOCK: Final = (
    r"(?:(?:T| +)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]+)?)?"
    r"(?: ?(?P<half>[AaPp])[Mm])?"
    r" ?(?P<offset>[Zz]|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_YEAR_FIRST: Final = re.compile(
    r"(?P<year>[0-9]{4})(?P<mark>[-/.])(?P<one>[0-9]{1,2})(?P=mark)(?P<two>[0-9]{1,2})" + _CLOCK
)
_YEAR_LAST: Final = re.compile(
    r"(?P<one>[0-9]{1,2})(?P<mark>[-/.])(?P<two>[0-9]{1,2})(?P=mark)(?P<year>[0-9]{4})" + _CLOCK
)


def moment(written: str, *, time_zone: str | None, order: DateOrder) -> datetime:
    """The instant, with the offset that is written or that `time_zone` had then; parts of a second are cut off.

    A date alone is its midnight. Of a local time that a clock change makes happen twice it is the first.

    Raises:
        Unconvertible: another form, no such day, no time zone where one is needed, or day and month in an order
            that nobody has told: even 25/12 waits for the column, since its neighbour may be 06/07.
    """
    found = _YEAR_FIRST.fullmatch(written) or _YEAR_LAST.fullmatch(written)
    if found is None:
        raise Unconvertible("is not written as a date or time")
    month, day = found["one"], found["two"]
    if found.re is _YEAR_LAST:
        if order not in (DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST):
            raise Unconvertible("does not say which is the day and which the month: date_order must")
        month, day = (day, month) if order is DateOrder.DAY_FIRST else (month, day)
    try:
        naive = datetime(int(found["year"]), int(month), int(day), _hour(found), *_minutes(found))  # noqa: DTZ001
        return naive.replace(tzinfo=_zone(found["offset"], time_zone))
    except ValueError as error:
        raise Unconvertible("is no time of the calendar") from error


def _hour(found: re.Match[str]) -> int:
    hour, half = int(found["hour"] or 0), found["half"]
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("no such hour before or after noon")
    return hour % 12 + (12 if half in "Pp" else 0)


def _minutes(found: re.Match[str]) -> tuple[int, int]:
    return int(found["minute"] or 0), int(found["second"] or 0)


def _zone(offset: str | None, time_zone: str | None) -> tzinfo:
    if offset is None:
        if time_zone is None:
            raise Unconvertible("has no offset: time_zone must be given")
        return ZoneInfo(time_zone)
    if offset[0] not in "+-":
        return UTC
    ahead = timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:]))
    return timezone(-ahead if offset[0] == "-" else ahead)
