"""What a member's account holds: a balance, lots of points, holds on them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from uuid import UUID

WALLET = "points"

_ALIKE = datetime.min.replace(tzinfo=UTC)
"""Stands for the end of every lot that has none."""


class System(IntEnum):
    """The accounts on the other side of every movement; each merchant has its own, under these numbers."""

    MINT = 1
    REDEEMED = 2
    EXPIRED = 3
    ABSORBED = 4
    ADJUST = 5


FIRST_MEMBER = 1000
"""Members' account numbers start here."""


class DebtPolicy(StrEnum):
    """What happens to points that a clawback cannot take back.

    BLOCK: they become debt up to the account's limit, and nothing is spent while a debt stands.
    ALLOW: they become debt up to the account's limit; points already on hold may still be captured.
    ABSORB: the merchant bears them at once.
    What lies beyond the limit is absorbed under every policy: counted, never refused.
    """

    BLOCK = "block"
    ALLOW = "allow"
    ABSORB = "absorb"


@dataclass(frozen=True, slots=True)
class Balance:
    """A wallet by state; all four are points."""

    usable: int
    pending: int
    held: int
    debt: int


@dataclass(slots=True)
class Account:
    """One member's account as loaded under its lock; `posted` = remaining points of all lots - debt."""

    merchant_no: int
    account_id: int
    customer_id: UUID
    posted: int = 0
    held: int = 0
    debt: int = 0
    max_debt: int = 0
    next_expiry: datetime | None = None  # no lot dies before it; it may name an instant too early, never too late
    alias_of: int | None = None
    identity_version: int = 0
    enrolled_at: datetime | None = None
    version: int = 0
    erased_at: datetime | None = None  # the person asked to be forgotten; what is left names nobody

    def forget(self, at: datetime) -> None:
        """The person asked to be forgotten; of two requests the earlier stands."""
        self.erased_at = at if self.erased_at is None else min(self.erased_at, at)


@dataclass(slots=True)
class Lot:
    """Points granted together: usable from `available_at`, dead from `expires_at` on."""

    lot_id: int
    grant_id: UUID
    account_id: int
    order_id: UUID | None
    origin_lot: int | None
    granted: int
    remaining: int
    reserved: int
    available_at: datetime
    expires_at: datetime | None
    activated: bool = True
    loaded: tuple[int, int, bool] | None = None  # remaining, reserved, activated as stored; None: not stored yet

    @property
    def free(self) -> int:
        """Points that no hold reserves."""
        return self.remaining - self.reserved

    @property
    def changed(self) -> bool:
        return self.loaded is not None and self.loaded != (self.remaining, self.reserved, self.activated)

    def dead(self, at: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= at

    def pending(self, at: datetime) -> bool:
        return self.available_at > at


def spending_order(lot: Lot) -> tuple[bool, datetime, int]:
    """Lots that expire first go first, those that never expire last; among equals the older lot."""
    return lot.expires_at is None, lot.expires_at or _ALIKE, lot.lot_id


class HoldState(StrEnum):
    OPEN = "open"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass(slots=True)
class Hold:
    """Points set aside for a checkout, lot by lot."""

    hold_id: UUID
    account_id: int
    amount: int
    expires_at: datetime
    state: HoldState = HoldState.OPEN
    captured: int = 0
    parts: dict[int, int] = field(default_factory=dict)  # lot_id -> points
    loaded: tuple[HoldState, int] | None = None  # state and account as stored; None: not stored yet

    @property
    def changed(self) -> bool:
        return self.loaded is not None and self.loaded != (self.state, self.account_id)
