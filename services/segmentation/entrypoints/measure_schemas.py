"""What the measures' routes answer."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.segmentation.application.measure_repurchase import RepurchaseRate
from services.segmentation.application.measure_rfm import GroupTotal
from services.segmentation.application.ports import Buyer, Buyers, Cell, Rfm
from services.segmentation.domain.repurchase import ADVICE, Bands, Mode
from services.segmentation.domain.rfm import value_score
from services.segmentation.entrypoints.examples import CUSTOMER_ID
from services.segmentation.entrypoints.schemas import MoneyOut, RateOut, money, rate

GroupName = Literal[
    "champions",
    "loyal",
    "potential_loyalists",
    "new_customers",
    "need_attention",
    "about_to_sleep",
    "cannot_lose",
    "at_risk",
    "hibernating",
    "lost",
]


class BandOut(BaseModel):
    """A mode and where its half-open band of rates begins; it ends where the next begins."""

    mode: Mode
    starts_at_rate: float = Field(examples=[0.15])


class RepurchaseOut(BaseModel):
    """Share of a matured cohort that bought again within 90 days of the first order.

    The cohort are customers whose first qualifying order lies in [cohort_from, cohort_until) = [as_of - 180 days,
    as_of - 90 days); a repurchase is another qualifying order in (first, first + 90 days]. Qualifying: not
    cancelled, not deleted, not refunded in full. Anonymous customers are left out and counted beside.
    """

    as_of: datetime
    cohort_from: datetime
    cohort_until: datetime
    window_days: int = Field(90, examples=[90])
    rate: RateOut
    repurchased: int = Field(ge=0, examples=[345])
    mode: Mode | None = Field(description="null while the cohort is empty")
    advice: str | None
    bands: list[BandOut]
    anonymous_customers: int = Field(ge=0, examples=[12])


class GroupOut(BaseModel):
    """An RFM group: score ranges are closed; value = mean of frequency and monetary score, halves rounded up."""

    group: GroupName
    meaning: str = Field(examples=["bought lately, often and for much"])
    recency_scores: list[int] = Field(examples=[[4, 5]])
    value_scores: list[int] = Field(examples=[[4, 5]])
    customers: int = Field(ge=0, examples=[301])
    orders: int = Field(ge=0, examples=[4120])
    spend: MoneyOut


class BoundariesOut(BaseModel):
    """Quintile boundaries by value: a score is 1 + the number of boundaries below the value."""

    recency: list[datetime]
    frequency: list[int] = Field(examples=[[1, 1, 2, 4]])
    monetary: list[int] = Field(examples=[[1000, 2500, 6100, 14000]], description="minor units")


class RfmOut(BaseModel):
    """All groups in a fixed order, empty ones too."""

    as_of: datetime
    groups: list[GroupOut]
    boundaries: BoundariesOut
    customers: int = Field(ge=0, examples=[2469])
    anonymous_customers: int = Field(ge=0, examples=[12])


class BuyerOut(BaseModel):
    """A buying customer."""

    customer_id: UUID = Field(examples=[CUSTOMER_ID])
    orders: int
    items: int
    spend: MoneyOut
    first_order_at: datetime
    last_order_at: datetime


class ScoredOut(BuyerOut):
    """A buying customer with the three scores."""

    recency: int = Field(ge=1, le=5)
    frequency: int = Field(ge=1, le=5)
    monetary: int = Field(ge=1, le=5)
    value: int = Field(ge=1, le=5)


class TopOut(BaseModel):
    """Customers by spend downwards, ties by customer id; nobody anonymous."""

    as_of: datetime
    items: list[BuyerOut]
    next_cursor: None = None


class BuyersOut(BaseModel):
    """Buying customers added up."""

    customers: int = Field(ge=0, examples=[2469])
    repeat_customers: int = Field(ge=0, examples=[2310])
    orders: int = Field(ge=0)
    items: int
    spend: MoneyOut
    average_order: MoneyOut | None
    discounted_orders: int = Field(ge=0)
    refunds: int = Field(ge=0)
    refunded: MoneyOut
    foreign_orders: int = Field(ge=0, description="orders in another currency without a pinned rate: no money")


class SummaryOut(BaseModel):
    """The shop's buyers; anonymous ones beside the others, never among them."""

    as_of: datetime
    identified: BuyersOut
    anonymous: BuyersOut


class RepeatShareOut(BaseModel):
    """How much of a period repeat orders made up; a repeat order was placed after its customer's first one.

    The period is (starts_at, as_of]. Intervals treat customers as the independent units, n is their number.
    """

    as_of: datetime
    starts_at: datetime
    share_of_orders: RateOut
    share_of_revenue: RateOut
    orders: int = Field(ge=0)
    repeat_orders: int = Field(ge=0)
    revenue: MoneyOut
    repeat_revenue: MoneyOut
    anonymous_orders: int = Field(ge=0, description="orders of anonymous customers: in no other figure")


def repurchase_out(found: RepurchaseRate, bands: Bands) -> RepurchaseOut:
    return RepurchaseOut(
        as_of=found.as_of,
        cohort_from=found.cohort.starts_at,
        cohort_until=found.cohort.ends_at,
        rate=rate(found.rate),
        repurchased=found.repurchased,
        mode=found.mode,
        advice=ADVICE[found.mode] if found.mode else None,
        bands=[BandOut(mode=each, starts_at_rate=float(low)) for each, low in bands.lower_ends().items()],
        anonymous_customers=found.anonymous,
    )


def rfm_out(rfm: Rfm, totals: list[GroupOut], as_of: datetime) -> RfmOut:
    bounds = rfm.boundaries
    return RfmOut(
        as_of=as_of,
        groups=totals,
        boundaries=BoundariesOut(
            recency=list(bounds.recency), frequency=list(bounds.frequency), monetary=list(bounds.monetary)
        ),
        customers=sum(total.customers for total in totals),
        anonymous_customers=rfm.anonymous,
    )


def group_out(total: GroupTotal, currency: str) -> GroupOut:
    return GroupOut.model_validate(
        {
            "group": total.group.name,
            "meaning": total.group.meaning,
            "recency_scores": list(total.group.recency),
            "value_scores": list(total.group.value),
            "customers": total.customers,
            "orders": total.orders,
            "spend": money(total.spend_minor, currency),
        }
    )


def buyer_out(buyer: Buyer, currency: str) -> BuyerOut:
    return BuyerOut(
        customer_id=buyer.customer_id,
        orders=buyer.counters.orders,
        items=buyer.counters.items,
        spend=money(buyer.counters.spend_minor, currency),
        first_order_at=buyer.first_order_at,
        last_order_at=buyer.last_order_at,
    )


def scored_out(buyer: Buyer, cell: Cell, currency: str) -> ScoredOut:
    return ScoredOut(
        **buyer_out(buyer, currency).model_dump(),
        recency=cell.recency,
        frequency=cell.frequency,
        monetary=cell.monetary,
        value=value_score(cell.frequency, cell.monetary),
    )


def buyers_out(buyers: Buyers, currency: str) -> BuyersOut:
    counters = buyers.counters
    average = counters.average_order_minor
    return BuyersOut(
        customers=buyers.customers,
        repeat_customers=buyers.repeat_customers,
        orders=counters.orders,
        items=counters.items,
        spend=money(counters.spend_minor, currency),
        average_order=None if average is None else money(average, currency),
        discounted_orders=counters.discounted_orders,
        refunds=counters.refunds,
        refunded=money(counters.refunded_minor, currency),
        foreign_orders=counters.foreign_orders,
    )
