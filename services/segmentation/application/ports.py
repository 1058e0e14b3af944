"""What the reads need of the tables. Every read is one snapshot and sees one merchant's rows only.

`as_of` None means all that is known. An instant means what held then: orders placed by then, not cancelled by then,
less what was refunded by then; deleted orders never were, and an edited order counts as it is known today. Who is
whom (merges, anonymity) is always as known today.

Raises, in every method: UnknownMerchant where this service has not heard of the merchant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from services.segmentation.domain.contribution import Counters
from services.segmentation.domain.profile import Customer
from services.segmentation.domain.repurchase import Cohort
from services.segmentation.domain.rfm import Group
from services.segmentation.domain.shares import RatioSums
from services.segmentation.domain.timeline import Entry


@dataclass(frozen=True, slots=True)
class Profile:
    """A customer with the merchant's currency and the segments that it is in."""

    customer: Customer
    currency: str
    segments: Sequence[str]


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment by its version in force; `members` at the instant that was asked for."""

    segment_id: UUID
    name: str
    version: int
    rule: Mapping[str, Any]
    effective_at: datetime
    members: int


@dataclass(frozen=True, slots=True)
class Member:
    """A customer's stay in a segment, with the fact that let it in."""

    customer_id: UUID
    entered_at: datetime
    entered_by: UUID
    version: int
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class Repurchases:
    """The cohort of a repurchase rate; `anonymous` customers of it are in neither other figure."""

    cohort: int
    repurchased: int
    anonymous: int


@dataclass(frozen=True, slots=True)
class Buyer:
    """One buying customer's figures."""

    customer_id: UUID
    counters: Counters
    first_order_at: datetime
    last_order_at: datetime


@dataclass(frozen=True, slots=True)
class Buyers:
    """Buying customers added up."""

    customers: int
    repeat_customers: int
    counters: Counters


@dataclass(frozen=True, slots=True)
class Cell:
    """Customers with the same three RFM scores, added up."""

    recency: int
    frequency: int
    monetary: int
    customers: int
    orders: int
    spend_minor: int


@dataclass(frozen=True, slots=True)
class Boundaries:
    """The quintile boundaries of the three values; empty where nobody bought."""

    recency: Sequence[datetime]
    frequency: Sequence[int]
    monetary: Sequence[int]


@dataclass(frozen=True, slots=True)
class Rfm:
    """Every cell that has a customer, and what the scores were cut by."""

    boundaries: Boundaries
    cells: Sequence[Cell]
    anonymous: int
    currency: str


@dataclass(frozen=True, slots=True)
class RepeatSums:
    """Sums for the repeat shares: orders and money of a period, by customer."""

    orders: RatioSums
    revenue: RatioSums
    anonymous_orders: int
    currency: str


class Profiles(Protocol):
    """One customer's profile and timeline; an absorbed customer's id shows its survivor."""

    async def profile(self, merchant_id: UUID, customer_id: UUID) -> Profile | None: ...

    async def timeline(
        self, merchant_id: UUID, customer_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[Entry] | None:
        """Up to `limit` entries, newest first, ties by entry id downwards; None where there is no such customer."""


class Segments(Protocol):
    """Segments and who is in them."""

    async def every(self, merchant_id: UUID, as_of: datetime | None) -> Sequence[SegmentRow]: ...

    async def one(self, merchant_id: UUID, segment_id: UUID, as_of: datetime | None) -> SegmentRow | None: ...

    async def members(
        self, merchant_id: UUID, segment_id: UUID, as_of: datetime | None, *, after: UUID | None, limit: int
    ) -> Sequence[Member] | None:
        """Up to `limit` members by customer id; None where there is no such segment."""


class Measures(Protocol):
    """Figures over all customers."""

    async def repurchases(
        self, merchant_id: UUID, as_of: datetime | None, cohort: Cohort, window: timedelta
    ) -> Repurchases: ...

    async def rfm(self, merchant_id: UUID, as_of: datetime | None) -> Rfm: ...

    async def rfm_customers(
        self, merchant_id: UUID, as_of: datetime | None, group: Group, *, after: UUID | None, limit: int
    ) -> tuple[str, Sequence[tuple[Buyer, Cell]]]:
        """The merchant's currency, and up to `limit` customers of the group by customer id."""

    async def top_customers(
        self, merchant_id: UUID, as_of: datetime | None, *, limit: int
    ) -> tuple[str, Sequence[Buyer]]:
        """The merchant's currency, and its customers by spend downwards, ties by customer id; nobody anonymous."""

    async def buyers(self, merchant_id: UUID, as_of: datetime | None) -> tuple[str, Buyers, Buyers]:
        """The merchant's currency, its identified buyers and its anonymous ones."""

    async def repeat_sums(self, merchant_id: UUID, starts_at: datetime, as_of: datetime) -> RepeatSums:
        """Over orders placed in (starts_at, as_of]; repeat = placed after the customer's first counted order."""


@dataclass(frozen=True, slots=True)
class Reads:
    """The three read ports, as the routes are given them."""

    profiles: Profiles
    segments: Segments
    measures: Measures
