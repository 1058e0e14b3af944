"""`/v1/orders`: canonical orders, their history, and figures over all of them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Security

from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.instants import Instant
from libs.servicekit.pagination import Cursor, Limit, Page, page_of
from libs.servicekit.problems import not_found
from services.order_ingest.entrypoints.order_schemas import OrderDetail, OrderOut, StepOut, StepsOut, SummaryOut
from services.order_ingest.entrypoints.shared import TheKit, ThePorts, after_time

router = APIRouter(prefix="/v1/orders", tags=["orders"])
Reader = Annotated[Principal, Security(authenticated, scopes=["orders:read"])]
Status = Literal["pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided"]


@router.get("", summary="List orders, the newest first")
async def list_orders(
    principal: Reader,
    kit: TheKit,
    ports: ThePorts,
    customer_id: UUID | None = None,
    store_id: UUID | None = None,
    external_id: Annotated[str | None, Query(max_length=128)] = None,
    financial_status: Status | None = None,
    placed_from: Annotated[Instant | None, Query(description="At or after.")] = None,
    placed_until: Annotated[Instant | None, Query(description="Before.")] = None,
    fx_missing: Annotated[
        bool | None, Query(description="In another currency than the merchant's, and told without a rate.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[OrderOut]:
    """By `placed_at`. Orders of which only a refund or a deletion has arrived are not listed yet."""
    filters: dict[str, Any] = {
        "customer_id": customer_id,
        "store_id": store_id,
        "external_id": external_id,
        "status": financial_status,
        "placed_from": placed_from,
        "placed_until": placed_until,
        "fx_missing": fx_missing,
    }
    after = after_time(cursor)
    async with kit.database.read(principal.merchant) as uow:
        rows = await ports.screens(uow).orders(filters, after, limit + 1)
    return page_of(
        rows, limit=limit, shown=OrderOut.of, position=lambda row: {"at": row["placed_at"], "id": row["order_id"]}
    )


@router.get("/summary", summary="Count orders, customers and money")
async def summarise(principal: Reader, kit: TheKit, ports: ThePorts) -> SummaryOut:
    """One snapshot. `deliveries_waiting` and `facts_untold` are 0 when all that came in has been said."""
    async with kit.database.read(principal.merchant) as uow:
        return SummaryOut.model_validate(await ports.screens(uow).orders_summary())


@router.get("/{order_id}", summary="Show an order")
async def show_order(order_id: UUID, principal: Reader, kit: TheKit, ports: ThePorts) -> OrderDetail:
    """`content` is the canonical order as its highest version tells it."""
    async with kit.database.read(principal.merchant) as uow:
        row = await ports.screens(uow).order(order_id)
    if row is None:
        raise not_found("order")
    return OrderDetail.of_row(row)


@router.get("/{order_id}/history", summary="Show how an order came to be what it is")
async def show_history(order_id: UUID, principal: Reader, kit: TheKit, ports: ThePorts) -> StepsOut:
    """Every step that changed it, the first one first, with the facts that were told; stale versions leave no step."""
    async with kit.database.read(principal.merchant) as uow:
        screens = ports.screens(uow)
        if await screens.order(order_id) is None:
            raise not_found("order")
        rows = await screens.order_history(order_id)
    return StepsOut(items=[StepOut.model_validate(row) for row in rows])
