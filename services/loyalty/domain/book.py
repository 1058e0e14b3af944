"""A member's book: the account with its lots and holds, and the few ways in which points may move in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from libs.kernel.identifiers import derived_id
from services.loyalty.domain.accounts import Account, Balance, DebtPolicy, Hold, HoldState, Lot, spending_order
from services.loyalty.domain.entries import Entry, EntryKind, Header, Journal, Transfer, entry_id
from services.loyalty.domain.errors import BookIncomplete


@dataclass(slots=True)
class Book:
    """What was loaded under the account's lock, changed by commands, then stored.

    `whole` is False where only the pending lots were loaded: enough to grant points and to tell the balance,
    at a fraction of the cost for a member with many lots.
    """

    merchant_id: UUID
    account: Account
    journal: Journal
    policy: DebtPolicy = DebtPolicy.ALLOW
    lots: dict[int, Lot] = field(default_factory=dict)
    holds: dict[UUID, Hold] = field(default_factory=dict)
    whole: bool = True
    touched: bool = False

    def open(self, kind: EntryKind, header: Header) -> Entry:
        """A new entry on this account, part of the journal."""
        entry = Entry(
            entry_id(self.merchant_id, header.key), self.account.merchant_no, self.account.account_id, kind, header
        )
        self.journal.entries.append(entry)
        self.touched = True
        return entry

    def credit(self, entry: Entry, *, points: int, source: int) -> None:
        """Points came in from `source`."""
        entry.transfers.append(Transfer(debit=source, credit=self.account.account_id, amount=points))
        self.account.posted += points
        entry.points += points

    def debit(self, entry: Entry, *, points: int, target: int) -> None:
        """Points went out to `target`."""
        entry.transfers.append(Transfer(debit=self.account.account_id, credit=target, amount=points))
        self.account.posted -= points
        entry.points -= points

    def grant(
        self,
        entry: Entry,
        *,
        points: int,
        available_at: datetime,
        expires_at: datetime | None,
        order_id: UUID | None = None,
        origin_lot: int | None = None,
        reserved: int = 0,
    ) -> Lot:
        """A new lot stands in the book."""
        lot = Lot(
            lot_id=self.journal.number_lot(),
            grant_id=derived_id(entry.entry_id, "lot", str(len(entry.granted))),
            account_id=self.account.account_id,
            order_id=order_id,
            origin_lot=origin_lot,
            granted=points,
            remaining=points,
            reserved=reserved,
            available_at=available_at,
            expires_at=expires_at,
            activated=available_at <= entry.header.at,
        )
        self.journal.lots.append(lot)
        entry.granted.append(lot)
        self.lots[lot.lot_id] = lot
        self._note_expiry(expires_at)
        return lot

    def draw(self, entry: Entry, lot: Lot, points: int) -> None:
        """`points` left the lot."""
        lot.remaining -= points
        entry.moves[lot.lot_id] = entry.moves.get(lot.lot_id, 0) - points

    def free_lots(self, at: datetime) -> list[Lot]:
        """Lots with unreserved points that are not dead, pending ones too, in spending order."""
        if not self.account.debt:  # a debt proves that no stored lot is free: those in memory are all there are
            self.require_whole()
        # Spelled out instead of `free` and `dead`: a member may have hundreds of lots.
        alive = (lot for lot in self.lots.values() if lot.expires_at is None or lot.expires_at > at)
        return sorted((lot for lot in alive if lot.remaining > lot.reserved), key=spending_order)

    def usable_lots(self, at: datetime) -> list[Lot]:
        """Lots from which a member may spend, in spending order."""
        return [lot for lot in self.free_lots(at) if not lot.pending(at)]

    def open_holds(self) -> Iterator[Hold]:
        return (hold for hold in self.holds.values() if hold.state is HoldState.OPEN)

    def balance(self, at: datetime) -> Balance:
        """The wallet at `at`, which is not earlier than the last sweep."""
        account = self.account
        pending = sum(lot.remaining for lot in self.lots.values() if lot.pending(at) and not lot.dead(at))
        # All lots together hold posted + debt, so those in between need not be in memory.
        usable = account.posted + account.debt - account.held - pending
        return Balance(usable=usable, pending=pending, held=account.held, debt=account.debt)

    def require_whole(self) -> None:
        """Raises: BookIncomplete when lots may be missing."""
        if not self.whole:
            raise BookIncomplete(f"account {self.account.account_id} was loaded for grants only")

    def _note_expiry(self, expires_at: datetime | None) -> None:
        known = self.account.next_expiry
        if expires_at is not None and (known is None or expires_at < known):
            self.account.next_expiry = expires_at
