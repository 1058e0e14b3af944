"""Points are granted, and taken back when what earned them is undone."""

from dataclasses import dataclass
from datetime import datetime

from services.loyalty.domain.accounts import DebtPolicy, Lot, System
from services.loyalty.domain.book import Book
from services.loyalty.domain.entries import Entry, EntryKind, Header, Transfer
from services.loyalty.domain.upkeep import repay, sweep


@dataclass(frozen=True, slots=True)
class Clawback:
    """An entry that took points back: taken + debt + absorbed is what was asked for."""

    entry: Entry
    taken: int
    debt: int
    absorbed: int


def earn(
    book: Book, header: Header, *, points: int, available_at: datetime, expires_at: datetime | None = None
) -> Entry:
    """The points stand in a lot of their own; a debt was repaid from it first."""
    sweep(book, header.at)
    entry = book.open(EntryKind.EARN, header)
    book.credit(entry, points=points, source=System.MINT)
    book.grant(entry, points=points, available_at=available_at, expires_at=expires_at, order_id=header.order_id)
    repay(book, entry)
    return entry


def claw_back(book: Book, header: Header, *, points: int) -> Clawback:
    """All of `points` are gone from the mint's account of them: taken, owed or absorbed. Never refused.

    The order's own lots give first, then the others in spending order; what a hold reserves stays.
    """
    sweep(book, header.at)
    entry = book.open(EntryKind.CLAWBACK, header)
    taken = _take(book, entry, points)
    debt = min(points - taken, _room_for_debt(book))
    absorbed = points - taken - debt
    if taken + debt:
        book.debit(entry, points=taken + debt, target=System.MINT)
    book.account.debt += debt
    if absorbed:
        _absorb(entry, absorbed)
    return Clawback(entry, taken, debt, absorbed)


def _take(book: Book, entry: Entry, points: int) -> int:
    order_id, missing = entry.header.order_id, points

    def own_first(lot: Lot) -> bool:
        return order_id is None or lot.order_id != order_id

    for lot in sorted(book.free_lots(entry.header.at), key=own_first):
        part = min(lot.free, missing)
        book.draw(entry, lot, part)
        missing -= part
        if not missing:
            break
    return points - missing


def _room_for_debt(book: Book) -> int:
    if book.policy is DebtPolicy.ABSORB:
        return 0
    return max(0, book.account.max_debt - book.account.debt)


def _absorb(entry: Entry, points: int) -> None:
    entry.transfers.append(Transfer(debit=System.ABSORBED, credit=System.MINT, amount=points))
