"""A person corrects a balance."""

from datetime import datetime

from services.loyalty.domain.accounts import System
from services.loyalty.domain.book import Book
from services.loyalty.domain.entries import Entry, EntryKind, Header
from services.loyalty.domain.errors import InsufficientPoints
from services.loyalty.domain.upkeep import repay, sweep


def adjust_up(book: Book, header: Header, *, points: int, expires_at: datetime | None = None) -> Entry:
    """The points are there and usable at once; a debt was repaid from them first."""
    sweep(book, header.at)
    entry = book.open(EntryKind.ADJUST, header)
    book.credit(entry, points=points, source=System.ADJUST)
    book.grant(entry, points=points, available_at=header.at, expires_at=expires_at)
    repay(book, entry)
    return entry


def adjust_down(book: Book, header: Header, *, points: int) -> Entry:
    """The points are gone: usable ones first, then pending ones; never into debt.

    Raises: InsufficientPoints when fewer unreserved points are there.
    """
    sweep(book, header.at)
    lots = sorted(book.free_lots(header.at), key=lambda lot: lot.pending(header.at))
    if sum(lot.free for lot in lots) < points:
        raise InsufficientPoints(asked=points, usable=sum(lot.free for lot in lots))
    entry = book.open(EntryKind.ADJUST, header)
    missing = points
    for lot in lots:
        part = min(lot.free, missing)
        if part:
            book.draw(entry, lot, part)
        missing -= part
    book.debit(entry, points=points, target=System.ADJUST)
    return entry
