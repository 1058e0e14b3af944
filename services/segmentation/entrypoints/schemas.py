"""What customers' and segments' routes answer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from libs.kernel.intervals import Interval
from services.segmentation.application.ports import Member, Profile, SegmentRow
from services.segmentation.domain.months import months_of
from services.segmentation.domain.timeline import Entry
from services.segmentation.entrypoints.examples import CUSTOMER_ID, SEGMENT_ID


class MoneyOut(BaseModel):
    """An amount in minor units."""

    amount_minor: int = Field(examples=[20980])
    currency: str = Field(examples=["USD"])


class RateOut(BaseModel):
    """A share with its 95 % interval, measured on n."""

    value: float = Field(ge=0, le=1, examples=[0.141])
    low: float = Field(ge=0, le=1, examples=[0.127])
    high: float = Field(ge=0, le=1, examples=[0.156])
    n: int = Field(ge=0, examples=[2447])


class ProfileOut(BaseModel):
    """A customer's counters. Cancelled and deleted orders count for nothing.

    `spend` is what was paid for goods less what was refunded for goods; `refunded` is all that was given back.
    `average_order` is spend per order whose money is known. Orders in another currency without a pinned rate are
    counted, their money is left out, and `foreign_orders` says how many they are.
    """

    customer_id: UUID = Field(examples=[CUSTOMER_ID])
    anonymous: bool
    store_id: UUID | None
    registered_at: datetime | None
    orders: int = Field(examples=[4])
    items: int = Field(examples=[11])
    spend: MoneyOut
    average_order: MoneyOut | None
    discounted_orders: int = Field(examples=[2])
    refunds: int = Field(examples=[1])
    refunded: MoneyOut
    foreign_orders: int = Field(examples=[0])
    first_order_at: datetime | None
    last_order_at: datetime | None
    active_months: list[str] = Field(examples=[["2025-11", "2026-01"]], description="months with an order, local time")
    segments: list[str] = Field(examples=[["discount_regulars"]])


class EntryOut(BaseModel):
    """One thing that happened; `details` depend on `kind`."""

    entry_id: UUID
    at: datetime
    kind: str = Field(examples=["order.placed"])
    order_id: UUID | None
    details: dict[str, Any] = Field(examples=[{"items": 3, "total_minor": 4990, "currency": "USD"}])


class SegmentOut(BaseModel):
    """A segment by the version in force."""

    segment_id: UUID = Field(examples=[SEGMENT_ID])
    name: str = Field(examples=["discount_regulars"])
    version: int = Field(examples=[1])
    effective_at: datetime
    rule: dict[str, Any] = Field(examples=[{"attribute": "orders", "op": ">=", "value": 2}])
    members: int = Field(ge=0, examples=[118], description="customers in it now, or at `as_of`")


class SegmentsOut(BaseModel):
    """All segments by name: there are never enough of them for pages."""

    items: list[SegmentOut]
    next_cursor: None = None


class MemberOut(BaseModel):
    """A customer's stay in a segment, with the fact that let it in."""

    customer_id: UUID
    entered_at: datetime
    cause_fact_id: UUID
    segment_version: int
    left_at: datetime | None


def money(amount_minor: int, currency: str) -> MoneyOut:
    return MoneyOut(amount_minor=amount_minor, currency=currency)


def rate(interval: Interval) -> RateOut:
    """The interval to six decimals: beyond that is noise of binary fractions."""
    return RateOut(
        value=round(interval.value, 6), low=round(interval.low, 6), high=round(interval.high, 6), n=interval.n
    )


def profile_out(profile: Profile) -> ProfileOut:
    customer, counters = profile.customer, profile.customer.counters
    average = counters.average_order_minor
    return ProfileOut(
        customer_id=customer.customer_id,
        anonymous=customer.anonymous,
        store_id=customer.store_id,
        registered_at=customer.registered_at,
        orders=counters.orders,
        items=counters.items,
        spend=money(counters.spend_minor, profile.currency),
        average_order=None if average is None else money(average, profile.currency),
        discounted_orders=counters.discounted_orders,
        refunds=counters.refunds,
        refunded=money(counters.refunded_minor, profile.currency),
        foreign_orders=counters.foreign_orders,
        first_order_at=customer.edges.first_order_at,
        last_order_at=customer.edges.last_order_at,
        active_months=months_of(customer.month_mask),
        segments=list(profile.segments),
    )


def entry_out(entry: Entry) -> EntryOut:
    return EntryOut(
        entry_id=entry.entry_id, at=entry.at, kind=entry.kind, order_id=entry.order_id, details=dict(entry.details)
    )


def segment_out(row: SegmentRow) -> SegmentOut:
    return SegmentOut(
        segment_id=row.segment_id,
        name=row.name,
        version=row.version,
        effective_at=row.effective_at,
        rule=dict(row.rule),
        members=row.members,
    )


def member_out(member: Member) -> MemberOut:
    return MemberOut(
        customer_id=member.customer_id,
        entered_at=member.entered_at,
        cause_fact_id=member.entered_by,
        segment_version=member.version,
        left_at=member.left_at,
    )
