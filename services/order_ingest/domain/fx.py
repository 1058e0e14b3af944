"""Exchange rates that a merchant's operator feeds, and the one that is pinned in an order.

Rates are only ever added. Of one pair of currencies and one `valid_from` the rate fed last holds; an order takes, when
it is first told, the one that held when it was placed, and keeps it whatever is fed later.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from libs.kernel.instants import instant_of

MOST_DIGITS: Final = 12
_RATE: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,15})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OLDEST: Final = datetime(1980, 1, 1, tzinfo=UTC)
_NEWEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class FedRate:
    """One unit of `from_currency` is `rate` units of `to_currency`, from `valid_from` until a later rate's."""

    from_currency: str
    to_currency: str
    valid_from: datetime
    rate: Decimal
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """The rate of an order: one unit of the order's currency is `rate` units of `to`; it held from `at`."""

    to: str
    rate: Decimal
    source: str
    at: datetime


def rate_of(text: str) -> Decimal:
    """The rate that `text` writes, without zeros at its end.

    Raises:
        ValueError: not plain digits with at most one point, nothing, or more than 12 significant digits.
    """
    if not _RATE.fullmatch(text):
        raise ValueError("must be plain digits like 0.1274, at most 9 before the point and 15 behind it")
    found = Decimal(text).normalize()
    if found == 0:
        raise ValueError("must be greater than 0")
    if len(found.as_tuple().digits) > MOST_DIGITS:
        raise ValueError(f"must have at most {MOST_DIGITS} significant digits")
    return Decimal(format(found, "f"))  # 100, never 1E+2


def begin_of(text: str, time_zone: str) -> datetime:
    """The instant that `text` names: itself, or for a date the day's begin by the clock of `time_zone`.

    Raises:
        ValueError: neither an RFC 3339 instant nor a date, or outside 1980 to 2199.
    """
    found = _local_begin(text, time_zone) if _DAY.fullmatch(text) else instant_of(text)
    if not _OLDEST <= found.replace(tzinfo=UTC) < _NEWEST:
        raise ValueError("must lie in the years 1980 to 2199")
    return found.astimezone(UTC)


def _local_begin(text: str, time_zone: str) -> datetime:
    # Of a midnight that comes twice the first; one that is skipped is reckoned with the offset before the change.
    return datetime.combine(date.fromisoformat(text), time(), ZoneInfo(time_zone))
