"""Points are spent at once, or set aside for a checkout and then captured or released; and they may come back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.loyalty.domain.accounts import DebtPolicy, Hold, HoldState, Lot, System, spending_order
from services.loyalty.domain.book import Book
from services.loyalty.domain.entries import Entry, EntryKind, Header
from services.loyalty.domain.errors import DebtBlocks, HoldNotOpen, HoldTooLong, InsufficientPoints, ReturnTooLarge
from services.loyalty.domain.upkeep import bury, end_hold, repay, sweep

LONGEST_HOLD = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class SpentPart:
    """What an entry took from one lot, with the life that those points had."""

    lot_id: int
    order_id: UUID | None
    points: int
    available_at: datetime
    expires_at: datetime | None


def spend(book: Book, header: Header, *, points: int) -> Entry:
    """The points are redeemed.

    Raises: InsufficientPoints, DebtBlocks.
    """
    sweep(book, header.at)
    shares = _allot(book, header.at, points)
    entry = book.open(EntryKind.SPEND, header)
    for lot, part in shares:
        book.draw(entry, lot, part)
    book.debit(entry, points=points, target=System.REDEEMED)
    return entry


def hold(book: Book, header: Header, *, hold_id: UUID, points: int, expires_at: datetime) -> Hold:
    """The points are reserved, lot by lot, until captured, released or `expires_at`.

    Raises: InsufficientPoints, DebtBlocks, HoldTooLong.
    """
    if not header.at < expires_at <= header.at + LONGEST_HOLD:
        raise HoldTooLong(f"a hold ends within {LONGEST_HOLD} of its start")
    sweep(book, header.at)
    shares = _allot(book, header.at, points)
    book.open(EntryKind.HOLD, header)
    held = Hold(hold_id, book.account.account_id, points, expires_at)
    for lot, part in shares:
        lot.reserved += part
        held.parts[lot.lot_id] = part
    book.account.held += points
    book.holds[hold_id] = held
    return held


def capture(book: Book, header: Header, *, hold_id: UUID, points: int | None = None) -> Entry:
    """The hold's points are redeemed, out of exactly the lots that it reserved, dead meanwhile or not.

    With fewer `points` than were held, the rest is released.

    Raises: HoldNotOpen, DebtBlocks, InsufficientPoints.
    """
    sweep(book, header.at)
    held = _open_hold(book, hold_id)
    wanted = held.amount if points is None else points
    if wanted > held.amount:
        raise InsufficientPoints(asked=wanted, usable=held.amount)
    _refuse_debtor(book)
    entry = book.open(EntryKind.CAPTURE, header)
    _draw_reserved(book, entry, held, wanted)
    book.debit(entry, points=wanted, target=System.REDEEMED)
    held.captured = wanted
    end_hold(book, entry, held, HoldState.CAPTURED)
    bury(book, header.at)
    return entry


def release(book: Book, header: Header, *, hold_id: UUID) -> Entry:
    """The hold reserves nothing any more; points whose lot died meanwhile are gone.

    Raises: HoldNotOpen.
    """
    sweep(book, header.at)
    held = _open_hold(book, hold_id)
    entry = book.open(EntryKind.RELEASE, header)
    end_hold(book, entry, held, HoldState.RELEASED)
    bury(book, header.at)
    return entry


def give_back(
    book: Book, header: Header, *, spent: Sequence[SpentPart], points: int, extend_to: datetime | None = None
) -> Entry:
    """Spent points came back as new lots with the life they had; never into an old lot, whose siblings would change.

    `extend_to` lets them live at least until then. `spent` is in the order in which the points were taken; the
    last taken come back first.

    Raises: ReturnTooLarge.
    """
    if points > sum(part.points for part in spent):
        raise ReturnTooLarge(f"{points} points asked back, {sum(part.points for part in spent)} were spent")
    sweep(book, header.at)
    entry = book.open(EntryKind.RETURN, header)
    book.credit(entry, points=points, source=System.REDEEMED)
    missing = points
    for part in reversed(spent):
        back = min(missing, part.points)
        if back:
            _regrant(book, entry, part, back, extend_to)
        missing -= back
    repay(book, entry)
    bury(book, header.at)
    return entry


def _allot(book: Book, at: datetime, points: int) -> list[tuple[Lot, int]]:
    _refuse_debtor(book)
    shares: list[tuple[Lot, int]] = []
    missing = points
    for lot in book.usable_lots(at):
        part = min(lot.free, missing)
        shares.append((lot, part))
        missing -= part
        if not missing:
            return shares
    raise InsufficientPoints(asked=points, usable=points - missing)


def _refuse_debtor(book: Book) -> None:
    if book.policy is DebtPolicy.BLOCK and book.account.debt:
        raise DebtBlocks(f"account {book.account.account_id} owes {book.account.debt} points")


def _open_hold(book: Book, hold_id: UUID) -> Hold:
    held = book.holds.get(hold_id)
    if held is None or held.state is not HoldState.OPEN:
        raise HoldNotOpen(f"hold {hold_id} is not open")
    return held


def _draw_reserved(book: Book, entry: Entry, held: Hold, points: int) -> None:
    missing = points
    for lot_id in sorted(held.parts, key=lambda lot_id: spending_order(book.lots[lot_id])):
        part = min(held.parts[lot_id], missing)
        if part:
            lot = book.lots[lot_id]
            lot.reserved -= part
            book.draw(entry, lot, part)
            held.parts[lot_id] -= part
            book.account.held -= part
        missing -= part


def _regrant(book: Book, entry: Entry, part: SpentPart, points: int, extend_to: datetime | None) -> None:
    expires_at = part.expires_at
    if expires_at is not None and extend_to is not None:
        expires_at = max(expires_at, extend_to)
    book.grant(
        entry,
        points=points,
        available_at=part.available_at,
        expires_at=expires_at,
        order_id=part.order_id,
        origin_lot=part.lot_id,
    )
