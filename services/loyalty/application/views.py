"""What the screens show: read straight from the tables, past the domain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.loyalty.domain.accounts import Balance
from services.loyalty.domain.programmes import Rules
from services.loyalty.domain.tiers import Standing


@dataclass(frozen=True, slots=True)
class MemberView:
    """One member; `step` is the number of the tier in the ladder, 0 is none."""

    account_id: int
    customer_id: UUID
    enrolled_at: datetime | None
    points: int
    balance: Balance
    step: int
    step_since: datetime | None
    spend: int


@dataclass(frozen=True, slots=True)
class EntryView:
    """One line of a member's statement. `points` is its effect on the balance."""

    txn_id: int
    entry_id: UUID
    kind: str
    points: int
    occurred_at: datetime
    created_at: datetime
    order_id: UUID | None
    cause: UUID | None
    rule_version: int | None
    actor: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class LotView:
    """Points granted together, of which something is left."""

    lot_id: int
    grant_id: UUID
    order_id: UUID | None
    granted: int
    remaining: int
    reserved: int
    available_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class YearView:
    """A member's year with all its orders, for looking ahead."""

    customer_id: UUID
    standing: Standing


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version of a programme, draft or published; `revision` counts the edits of a draft."""

    number: int
    state: str
    effective_at: datetime
    rules: Rules
    revision: int
    created_at: datetime
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProgrammeView:
    """A programme with all its versions, lowest number first."""

    programme_no: int
    programme_id: UUID
    name: str
    revision: int
    versions: Sequence[VersionView]

    def version(self, number: int) -> VersionView | None:
        return next((version for version in self.versions if version.number == number), None)


@dataclass(frozen=True, slots=True)
class PointsSummary:
    """Points of all members.

    `issued`: what all awarded orders were worth when paid; `reversed`: what refunds, edits and cancellations took of
    that. Both follow from the orders alone, not from the order in which facts arrived. The rest is the ledger as it
    stands.
    """

    issued: int
    reversed: int
    adjusted: int
    spent: int
    expired: int
    absorbed: int
    usable: int
    pending: int
    held: int
    debt: int


@dataclass(frozen=True, slots=True)
class OrdersSummary:
    """How many orders are known, and what became of them."""

    known: int
    paid: int
    awarded: int
    without_rate: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A programme in figures at `as_of`; `members_by_step` counts members by tier number, 0 is none."""

    as_of: datetime
    members: int
    members_by_step: Sequence[int]
    points: PointsSummary
    orders: OrdersSummary


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant of the ledger: how many rows were checked, how many break it."""

    name: str
    meaning: str
    checked: int
    violations: int
