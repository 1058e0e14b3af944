"""The cells of one row, each read as what it should be; a complaint names the column, never the content."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Final

from services.order_ingest.domain.files.amounts import Tender
from services.order_ingest.domain.files.errors import Unconvertible
from services.order_ingest.domain.files.options import Options
from services.order_ingest.domain.files.rows import Row
from services.order_ingest.domain.files.times import moment

_FORMULA_GUARD: Final = re.compile(r'="(.*)"')
_ROUNDED: Final = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+[0-9]+")
_MADE_A_NUMBER: Final = re.compile(r"([0-9]+)\.0+")
_WHOLE: Final = re.compile(r"([0-9]{1,9})(?:[.,]0+)?")
_EXACT_DIGITS: Final = 15
"""So many digits survive in a spreadsheet's number."""


def text(row: Row, column: str) -> str:
    """The cell without the spaces around it; empty if there is no such column."""
    return row.get(column, "").strip()


def required_text(row: Row, column: str) -> str:
    if found := text(row, column):
        return found
    raise Unconvertible("is empty", column)


def first_text(row: Row, *columns: str) -> str:
    """The first of the cells that is not empty."""
    return next((found for column in columns if (found := text(row, column))), "")


def unguarded(row: Row, column: str) -> str:
    """The cell without what keeps a spreadsheet from making it a number: ="123" or a leading apostrophe."""
    found = text(row, column)
    if guard := _FORMULA_GUARD.fullmatch(found):
        found = guard[1].strip()
    return found.removeprefix("'").strip()


def identifier(row: Row, column: str) -> str | None:
    """The id as text; None if the cell is empty.

    Raises:
        Unconvertible: a spreadsheet has saved it as a rounded number ("1.02E+17"), and the id is lost.
    """
    found = unguarded(row, column)
    if made := _MADE_A_NUMBER.fullmatch(found):
        found = made[1]
        lost = len(found) > _EXACT_DIGITS
    else:
        lost = _ROUNDED.fullmatch(found) is not None
    if lost:
        raise Unconvertible("a spreadsheet has saved the id as a rounded number: the id is lost, export again", column)
    return found or None


def required_identifier(row: Row, column: str) -> str:
    found = identifier(row, column)
    if found is None:
        raise Unconvertible("is empty: the order has no id", column)
    return found


def figure(row: Row, column: str, tender: Tender) -> Decimal | None:
    """The amount in whole units; None if the cell is empty."""
    written = _known(row, column)
    try:
        return tender.figure(written) if written else None
    except Unconvertible as complaint:
        raise Unconvertible(str(complaint), column) from None


def minor(row: Row, column: str, tender: Tender) -> int:
    """The amount in minor units; an empty cell is nothing."""
    found = figure(row, column, tender)
    try:
        return tender.minor(found) if found is not None else 0
    except Unconvertible as complaint:
        raise Unconvertible(str(complaint), column) from None


def required_minor(row: Row, column: str, tender: Tender) -> int:
    if not _known(row, column):
        raise Unconvertible("is empty", column)
    return minor(row, column, tender)


def not_negative_minor(row: Row, column: str, tender: Tender) -> int:
    """The amount in minor units. A discount or refund below zero is refused: which way did its writer mean it?"""
    found = minor(row, column, tender)
    if found < 0:
        raise Unconvertible("is negative", column)
    return found


def quantity(row: Row, column: str) -> int:
    found = _WHOLE.fullmatch(text(row, column))
    if found is None:
        raise Unconvertible("is no whole quantity", column)
    return int(found[1])


def instant(row: Row, column: str, options: Options, *, time_zone: str | None = None) -> datetime | None:
    """The time in the cell, None if it is empty; `time_zone` is the platform's own, else the option's."""
    written = _known(row, column)
    try:
        return moment(written, time_zone=time_zone or options.time_zone, order=options.date_order) if written else None
    except Unconvertible as complaint:
        raise Unconvertible(str(complaint), column) from None


def required_instant(row: Row, column: str, options: Options, *, time_zone: str | None = None) -> datetime:
    found = instant(row, column, options, time_zone=time_zone)
    if found is None:
        raise Unconvertible("is empty", column)
    return found


def _known(row: Row, column: str) -> str:
    found = text(row, column)
    return "" if found.lower() == "null" else found
