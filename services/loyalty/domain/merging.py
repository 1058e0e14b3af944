"""Two accounts become one, and orders move between accounts: the points go along, with the life they had."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from services.loyalty.domain.accounts import Lot, System, spending_order
from services.loyalty.domain.book import Book
from services.loyalty.domain.entries import Entry, EntryKind, Header, Transfer
from services.loyalty.domain.upkeep import repay, sweep


def merge(survivor: Book, absorbed: Book, header: Header, *, identity_version: int) -> Entry:
    """The absorbed account is an alias at zero; its lots, holds and debt stand on the survivor's."""
    _sweep_both(survivor, absorbed, header.at)
    entry = survivor.open(EntryKind.MERGE, header)
    absorbed.touched = True
    moved = _move_lots(entry, [lot for lot in absorbed.lots.values() if lot.remaining], absorbed, survivor)
    _move_holds(absorbed, survivor, moved)
    _move_debt(entry, absorbed, survivor)
    absorbed.account.alias_of = survivor.account.account_id
    absorbed.account.identity_version = identity_version
    absorbed.account.next_expiry = None
    repay(survivor, entry)
    return entry


def move_orders(source: Book, target: Book, header: Header, *, order_ids: Iterable[UUID]) -> Entry:
    """What is left of the orders' unreserved points stands on the target's account; what was spent stays spent."""
    _sweep_both(source, target, header.at)
    entry = target.open(EntryKind.MOVE, header)
    source.touched = True
    wanted = set(order_ids)
    _move_lots(entry, [lot for lot in source.free_lots(header.at) if lot.order_id in wanted], source, target)
    repay(target, entry)
    return entry


def restore(restored: Book, *, identity_version: int) -> None:
    """The account is nobody's alias, whatever older word says."""
    restored.account.alias_of = None
    restored.account.identity_version = identity_version
    restored.touched = True


def unmerge(
    survivor: Book, restored: Book, header: Header, *, order_ids: Iterable[UUID], identity_version: int
) -> Entry:
    """The restored account lives again, with what is left of the orders named."""
    restore(restored, identity_version=identity_version)
    return move_orders(survivor, restored, header, order_ids=order_ids)


def _sweep_both(one: Book, other: Book, at: datetime) -> None:
    sweep(one, at)
    sweep(other, at)
    one.require_whole()
    other.require_whole()


def _move_lots(entry: Entry, lots: list[Lot], source: Book, target: Book) -> dict[int, Lot]:
    """Lot by lot re-created on the target's account; the old number -> the new lot."""
    moved: dict[int, Lot] = {}
    for lot in sorted(lots, key=spending_order):
        points, reserved = _leaving(entry, lot)
        source.account.held -= reserved
        target.account.held += reserved
        lot.reserved -= reserved
        source.draw(entry, lot, points)
        moved[lot.lot_id] = target.grant(
            entry,
            points=points,
            available_at=lot.available_at,
            expires_at=lot.expires_at,
            order_id=lot.order_id,
            origin_lot=lot.lot_id,
            reserved=reserved,
        )
    _shift(entry, sum(lot.granted for lot in moved.values()), source, target)
    return moved


def _leaving(entry: Entry, lot: Lot) -> tuple[int, int]:
    """Points and reserved points that leave the lot: a merge takes holds along, moving an order leaves them."""
    return (lot.remaining, lot.reserved) if entry.kind is EntryKind.MERGE else (lot.free, 0)


def _shift(entry: Entry, points: int, source: Book, target: Book) -> None:
    if not points:
        return
    entry.transfers.append(Transfer(source.account.account_id, target.account.account_id, points))
    source.account.posted -= points
    target.account.posted += points
    entry.points += points if entry.account_id == target.account.account_id else -points


def _move_holds(absorbed: Book, survivor: Book, moved: dict[int, Lot]) -> None:
    for held in list(absorbed.open_holds()):
        held.account_id = survivor.account.account_id
        held.parts = {moved[lot_id].lot_id: points for lot_id, points in held.parts.items()}
        survivor.holds[held.hold_id] = absorbed.holds.pop(held.hold_id)


def _move_debt(entry: Entry, absorbed: Book, survivor: Book) -> None:
    """The survivor owes what the absorbed owed; beyond the survivor's limit the merchant bears it."""
    debt = absorbed.account.debt
    room = max(0, survivor.account.max_debt - survivor.account.debt)
    _shift(entry, min(debt, room), survivor, absorbed)
    survivor.account.debt += min(debt, room)
    absorbed.account.debt = 0
    if debt > room:
        absorbed_points = debt - room
        entry.transfers.append(Transfer(System.ABSORBED, absorbed.account.account_id, absorbed_points))
        absorbed.account.posted += absorbed_points
