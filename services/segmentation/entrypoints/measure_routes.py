"""`/v1/measures`: figures over all customers."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Security
from starlette.responses import Response

from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.kit import part
from libs.servicekit.pagination import Limit
from libs.servicekit.table import csv_response, prefers_csv
from services.segmentation.application.measure_repurchase import measure_repurchase
from services.segmentation.application.ports import Buyer, Buyers
from services.segmentation.domain.repurchase import Bands
from services.segmentation.domain.shares import ratio
from services.segmentation.entrypoints.asking import AsOf, TheReads
from services.segmentation.entrypoints.examples import REPEAT_SHARE, REPURCHASE, SUMMARY, TOP, answer, table_answer
from services.segmentation.entrypoints.measure_schemas import (
    RepeatShareOut,
    RepurchaseOut,
    SummaryOut,
    TopOut,
    buyer_out,
    buyers_out,
    repurchase_out,
)
from services.segmentation.entrypoints.schemas import money, rate

router = APIRouter(prefix="/v1/measures", tags=["measures"])

Reader = Annotated[Principal, Security(authenticated, scopes=["measures:read"])]
TheBands = Annotated[Bands, Depends(part(Bands))]
Days = Annotated[int, Query(ge=1, le=3660, description="Length of the period that ends at `as_of`.", examples=[365])]

_TOP_COLUMNS: Final = (
    "rank",
    "customer_id",
    "orders",
    "items",
    "spend_minor",
    "currency",
    "first_order_at",
    "last_order_at",
)
_SUMMARY_COLUMNS: Final = (
    "kind",
    "customers",
    "repeat_customers",
    "orders",
    "items",
    "spend_minor",
    "currency",
    "discounted_orders",
    "refunds",
    "refunded_minor",
    "foreign_orders",
)


@router.get("/repurchase_rate", summary="90-day repurchase rate and mode of the shop", responses=answer(REPURCHASE))
async def show_repurchase_rate(principal: Reader, reads: TheReads, bands: TheBands, as_of: AsOf) -> RepurchaseOut:
    """On matured cohorts only, with its Wilson interval; the mode is the band that the rate lies in."""
    found = await measure_repurchase(reads.measures, principal.merchant, bands, as_of=as_of.given, now=as_of.now)
    return repurchase_out(found, bands)


@router.get("/top_customers", summary="Customers who spent most", response_model=TopOut, responses=table_answer(TOP))
async def list_top_customers(
    request: Request, principal: Reader, reads: TheReads, as_of: AsOf, limit: Limit = 50
) -> TopOut | Response:
    """By spend downwards, ties by customer id; anonymous customers are left out."""
    currency, buyers = await reads.measures.top_customers(principal.merchant, as_of.given, limit=limit)
    if not prefers_csv(request):
        return TopOut(as_of=as_of.at, items=[buyer_out(buyer, currency) for buyer in buyers])
    table = [_top_row(rank, buyer, currency) for rank, buyer in enumerate(buyers, 1)]
    return csv_response(_TOP_COLUMNS, table, name="top_customers")


@router.get("/repeat_share", summary="Share of orders and revenue from repeat orders", responses=answer(REPEAT_SHARE))
async def show_repeat_share(principal: Reader, reads: TheReads, as_of: AsOf, days: Days = 365) -> RepeatShareOut:
    """Orders placed after their customer's first one, as a share of all in the period (as_of - days, as_of]."""
    starts_at = as_of.at - timedelta(days=days)
    sums = await reads.measures.repeat_sums(principal.merchant, starts_at, as_of.at)
    return RepeatShareOut(
        as_of=as_of.at,
        starts_at=starts_at,
        share_of_orders=rate(ratio(sums.orders)),
        share_of_revenue=rate(ratio(sums.revenue)),
        orders=sums.orders.total,
        repeat_orders=sums.orders.part,
        revenue=money(sums.revenue.total, sums.currency),
        repeat_revenue=money(sums.revenue.part, sums.currency),
        anonymous_orders=sums.anonymous_orders,
    )


@router.get(
    "/summary", summary="The shop's customers in figures", response_model=SummaryOut, responses=table_answer(SUMMARY)
)
async def show_summary(request: Request, principal: Reader, reads: TheReads, as_of: AsOf) -> SummaryOut | Response:
    """Identified and anonymous buyers, added up side by side."""
    currency, identified, anonymous = await reads.measures.buyers(principal.merchant, as_of.given)
    if not prefers_csv(request):
        return SummaryOut(
            as_of=as_of.at, identified=buyers_out(identified, currency), anonymous=buyers_out(anonymous, currency)
        )
    table = [_sums_row("identified", identified, currency), _sums_row("anonymous", anonymous, currency)]
    return csv_response(_SUMMARY_COLUMNS, table, name="summary")


def _top_row(rank: int, buyer: Buyer, currency: str) -> tuple[object, ...]:
    sums = buyer.counters
    ends = (buyer.first_order_at, buyer.last_order_at)
    return (rank, buyer.customer_id, sums.orders, sums.items, sums.spend_minor, currency, *ends)


def _sums_row(kind: str, buyers: Buyers, currency: str) -> tuple[object, ...]:
    sums = buyers.counters
    bought = (sums.orders, sums.items, sums.spend_minor, currency, sums.discounted_orders)
    given_back = (sums.refunds, sums.refunded_minor)
    return (kind, buyers.customers, buyers.repeat_customers, *bought, *given_back, sums.foreign_orders)
