"""Parts of a canonical order that every export's rows are turned into in the same way."""

from datetime import datetime
from typing import Any, Final, TypeAlias

from services.order_ingest.domain.files.amounts import Tender
from services.order_ingest.domain.files.errors import Unconvertible
from services.order_ingest.domain.files.options import Options
from services.order_ingest.domain.refunds import SUMMARY

Draft: TypeAlias = dict[str, Any]
"""A canonical order (`domain/canonical.py`) as JSON writes it; Any, since JSON is."""

REFUND_ID: Final = SUMMARY
"""Exports tell what went back in all, so an order has at most one refund from a file, however often it is read."""

_FIRST_WRITTEN_FAMILY_FIRST: Final = "\u3000"


def tender(currency: str, options: Options) -> Tender:
    """How the order's amounts are read: the file's currency, else the one that its owner gave."""
    code = currency or options.currency
    if not code:
        raise Unconvertible("is told neither by the file nor by the options", "currency")
    return Tender(code.upper(), options.decimal_comma)


def stamp(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def latest(*instants: datetime | None) -> datetime:
    """The last thing that the rows say has happened: the version of an order whose export states none."""
    return max(at for at in instants if at is not None)


def refunds(amount_minor: int, at: str | None) -> list[Draft]:
    """The money that went back, on a day that no column tells; none if it is nothing.

    `at` is the order's last known change: the day of the export would make the same order another one in every file.
    """
    if amount_minor == 0:
        return []
    return [{"id": REFUND_ID, "at": at, "amount_minor": amount_minor}]


def names(full_name: str) -> Draft:
    """The full name in two: at the first space; Chinese and Japanese names have the family first."""
    first, _, rest = full_name.partition(" ")
    if rest and full_name >= _FIRST_WRITTEN_FAMILY_FIRST:
        first, rest = rest, first
    return {"given_name": first or None, "family_name": rest or None}


def region(country: str, options: Options) -> str | None:
    """The country's code, else the store's country."""
    return country.upper() if len(country) == 2 and country.isascii() and country.isalpha() else options.region


def truth(written: str) -> bool | None:
    """Yes or no in the words that exports use; None for anything else."""
    return {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}.get(written.lower())
