"""Instants as RFC 3339 writes them: one reading of them for requests and for what shops say."""

import re
from datetime import UTC, datetime
from typing import Final

# fromisoformat takes more than RFC 3339 has: week dates, basic forms, no seconds, any letter for the T.
_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
# Calendar arithmetic (a cohort's half year, a year of tiers) must stay inside what datetime can hold.
_OLDEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_NEWEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


class NotAnInstant(ValueError):
    """The text is no RFC 3339 instant, or one outside the years that we reckon in; the message says what it must be."""


def instant_of(text: str) -> datetime:
    """The instant that `text` names, in UTC; digits beyond microseconds are cut off.

    Source: RFC 3339, 5.6; leap seconds are refused, because datetime has none.

    Raises:
        NotAnInstant: another form (a time without offset could mean any of 24 hours), no such day, or far away.
    """
    if not _RFC_3339.fullmatch(text):
        raise NotAnInstant("must be an RFC 3339 instant with Z or an offset")
    try:
        found = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NotAnInstant("must be an instant of the calendar") from error
    if not _OLDEST <= found < _NEWEST:
        raise NotAnInstant(f"must lie in the years {_OLDEST.year} to {_NEWEST.year - 1}")
    return found
