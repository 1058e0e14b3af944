"""What the ledger writes and never changes: entries, transfers, moves on lots."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from libs.kernel.identifiers import derived_id
from services.loyalty.domain.accounts import Lot


class EntryKind(StrEnum):
    EARN = "earn"
    CLAWBACK = "clawback"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    SPEND = "spend"
    RETURN = "return"
    EXPIRE = "expire"
    ADJUST = "adjust"
    MERGE = "merge"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class Header:
    """Why an entry is written. `key` makes it happen once; `at` is the instant that it tells of."""

    key: str
    at: datetime
    actor: str = "loyalty"
    cause: UUID | None = None
    order_id: UUID | None = None
    reverses: UUID | None = None
    reason: str | None = None
    fingerprint: bytes | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """A positive number of points out of one account into another."""

    debit: int
    credit: int
    amount: int


@dataclass(slots=True)
class Entry:
    """One transaction of the ledger. `points` is its net effect on `account_id`.

    `moves` holds what it did to lots that existed before it; a lot that it grants speaks for itself.
    """

    entry_id: UUID
    merchant_no: int
    account_id: int
    kind: EntryKind
    header: Header
    points: int = 0
    transfers: list[Transfer] = field(default_factory=list)
    moves: dict[int, int] = field(default_factory=dict)
    granted: list[Lot] = field(default_factory=list)


def entry_id(merchant_id: UUID, key: str) -> UUID:
    """The id under which the entry with this idempotency key is known, in every life of the database."""
    return derived_id(merchant_id, "entry", key)


UNSTORED_LOT = 1 << 62
"""Lots granted in memory are numbered from here until they are stored: after all stored ones, in order of grant."""


@dataclass(slots=True)
class Journal:
    """All that a unit of work writes, in order."""

    entries: list[Entry] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)

    def number_lot(self) -> int:
        """A number for the next lot, valid until it is stored."""
        return UNSTORED_LOT + len(self.lots)
