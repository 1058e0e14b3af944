"""`/v1/measures/rfm`: groups of customers by recency, frequency and money, and who is in each."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from libs.servicekit.pagination import Cursor, Limit, Page, decode_cursor, page_of
from libs.servicekit.table import csv_response, prefers_csv
from services.segmentation.application.measure_rfm import groups_of
from services.segmentation.domain.rfm import GROUPS
from services.segmentation.entrypoints.asking import AsOf, TheReads, page_as_csv
from services.segmentation.entrypoints.examples import RFM, RFM_CUSTOMERS, table_answer
from services.segmentation.entrypoints.measure_routes import Reader
from services.segmentation.entrypoints.measure_schemas import (
    GroupName,
    GroupOut,
    RfmOut,
    ScoredOut,
    group_out,
    rfm_out,
    scored_out,
)

router = APIRouter(prefix="/v1/measures/rfm", tags=["measures"])

_BY_NAME: Final = {group.name: group for group in GROUPS}
_GROUP_COLUMNS: Final = (
    "group",
    "recency_scores",
    "value_scores",
    "customers",
    "orders",
    "spend_minor",
    "currency",
    "meaning",
)
_CUSTOMER_COLUMNS: Final = (
    "customer_id",
    "recency",
    "frequency",
    "monetary",
    "value",
    "orders",
    "items",
    "spend_minor",
    "currency",
    "first_order_at",
    "last_order_at",
)


@router.get("", summary="RFM groups", response_model=RfmOut, responses=table_answer(RFM))
async def show_rfm(request: Request, principal: Reader, reads: TheReads, as_of: AsOf) -> RfmOut | Response:
    """Scores 1 to 5 by quintile boundaries of the values: equal values always score alike."""
    rfm = await reads.measures.rfm(principal.merchant, as_of.given)
    groups = [group_out(total, rfm.currency) for total in groups_of(rfm)]
    if prefers_csv(request):
        return csv_response(_GROUP_COLUMNS, [_group_row(group) for group in groups], name="rfm_groups")
    return rfm_out(rfm, groups, as_of.at)


@router.get(
    "/{group}/customers",
    summary="Customers of one RFM group",
    response_model=Page[ScoredOut],
    responses=table_answer(RFM_CUSTOMERS),
)
async def list_rfm_customers(
    request: Request,
    group: Annotated[GroupName, Path(examples=["champions"])],
    principal: Reader,
    reads: TheReads,
    as_of: AsOf,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ScoredOut] | Response:
    """By customer id, each with its scores."""
    position = decode_cursor(cursor, id=UUID)
    after = None if position is None else position["id"]
    currency, rows = await reads.measures.rfm_customers(
        principal.merchant, as_of.given, _BY_NAME[group], after=after, limit=limit + 1
    )
    page = page_of(
        rows,
        limit=limit,
        shown=lambda row: scored_out(*row, currency),
        position=lambda row: {"id": row[0].customer_id},
    )
    if not prefers_csv(request):
        return page
    table = [_customer_row(customer) for customer in page.items]
    return page_as_csv(request, _CUSTOMER_COLUMNS, table, name=f"rfm_{group}", next_cursor=page.next_cursor)


def _group_row(group: GroupOut) -> tuple[object, ...]:
    ranges = ("-".join(map(str, scores)) for scores in (group.recency_scores, group.value_scores))
    figures = (group.customers, group.orders, group.spend.amount_minor, group.spend.currency)
    return (group.group, *ranges, *figures, group.meaning)


def _customer_row(customer: ScoredOut) -> tuple[object, ...]:
    scores = (customer.recency, customer.frequency, customer.monetary, customer.value)
    figures = (customer.orders, customer.items, customer.spend.amount_minor, customer.spend.currency)
    return (customer.customer_id, *scores, *figures, customer.first_order_at, customer.last_order_at)
