"""What time and debt do to a book: holds end, lots die, debts are repaid. Every command begins and ends here."""

from datetime import datetime

from services.loyalty.domain.accounts import Hold, HoldState, Lot, System, spending_order
from services.loyalty.domain.book import Book
from services.loyalty.domain.entries import Entry, EntryKind, Header


def sweep(book: Book, at: datetime) -> None:
    """Everything that ended at or before `at` is written down, each at its own instant."""
    for hold in sorted((h for h in book.open_holds() if h.expires_at <= at), key=lambda h: (h.expires_at, h.hold_id)):
        header = Header(key=f"hold:{hold.hold_id}:end", at=hold.expires_at)
        end_hold(book, book.open(EntryKind.RELEASE, header), hold, HoldState.EXPIRED)
    bury(book, at)


def bury(book: Book, at: datetime) -> None:
    """No lot that is dead at `at` holds unreserved points."""
    account = book.account
    if account.next_expiry is None or account.next_expiry > at:
        return
    book.require_whole()
    dead = [lot for lot in book.lots.values() if lot.dead(at) and lot.free > 0]
    for lot in sorted(dead, key=spending_order):
        _expire(book, lot)
    ends = [lot.expires_at for lot in book.lots.values() if lot.expires_at is not None and lot.remaining > 0]
    account.next_expiry = min(ends, default=None)
    book.touched = True


def end_hold(book: Book, entry: Entry, hold: Hold, state: HoldState) -> None:
    """The hold reserves nothing any more; what it set free pays debts first."""
    for lot_id, points in hold.parts.items():
        book.lots[lot_id].reserved -= points
    book.account.held -= sum(hold.parts.values())
    hold.parts = {}
    hold.state = state
    repay(book, entry)


def repay(book: Book, entry: Entry) -> None:
    """No debt stands beside unreserved points that are alive when the entry happens.

    A debt is points that were owed back and gone: repaying takes them from a lot and leaves `posted` as it is.
    """
    account = book.account
    if not account.debt:
        return
    for lot in book.free_lots(entry.header.at):
        points = min(lot.free, account.debt)
        book.draw(entry, lot, points)
        account.debt -= points
        if not account.debt:
            return


def _expire(book: Book, lot: Lot) -> None:
    assert lot.expires_at is not None
    # Points may die in parts, when a hold ends after its lot: what remained makes each part's key its own.
    header = Header(key=f"expire:{lot.grant_id}:{lot.remaining}", at=lot.expires_at, order_id=lot.order_id)
    entry = book.open(EntryKind.EXPIRE, header)
    points = lot.free
    book.debit(entry, points=points, target=System.EXPIRED)
    book.draw(entry, lot, points)
