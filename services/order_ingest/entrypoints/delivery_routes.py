"""`/v1/deliveries`: what arrived and how it ended, without the people in it; replays."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response, Security
from pydantic import BaseModel, ConfigDict, Field

from libs.servicekit import audit
from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.idempotency import Answer, Once, optional_key
from libs.servicekit.pagination import Cursor, Limit, Page, decode_cursor, instant, page_of
from libs.servicekit.problems import not_found
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.redaction import redact
from services.order_ingest.entrypoints.shared import ID, INSTANT, TheKit, ThePorts

router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"])
Reader = Annotated[Principal, Security(authenticated, scopes=["deliveries:read"])]
Writer = Annotated[Principal, Security(authenticated, scopes=["deliveries:write"])]
State = Literal["received", "applied", "no_news", "ignored", "test_order", "parked"]
_EXAMPLE: dict[str, Any] = {
    "delivery_id": ID,
    "store_id": ID,
    "platform": "shopify",
    "topic": "orders/paid",
    "state": "applied",
    "reason": None,
    "origin": "live",
    "correlation_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "received_at": INSTANT,
    "triggered_at": INSTANT,
    "settled_at": INSTANT,
}


class DeliveryOut(BaseModel):
    """A delivery. `state` is received until the normaliser has been there; parked: see `reason`, then replay."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    delivery_id: UUID
    store_id: UUID
    platform: str
    topic: str | None
    state: State
    reason: str | None
    origin: str
    correlation_id: str
    received_at: datetime
    triggered_at: datetime | None
    settled_at: datetime | None


class DeliveryDetail(DeliveryOut):
    """The delivery with its body's shape: ids, amounts and states in clear, everything else redacted."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_EXAMPLE, "body_sha256": "00" * 32, "body_bytes": 9500, "body": {"id": 450789469}}]
        }
    )

    body_sha256: str
    body_bytes: int
    body: Any = Field(description="null: the body is not a JSON object, or is kept no more")


class ReplayOut(BaseModel):
    """Where the delivery queues again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"delivery_id": ID, "lane": 12, "seq": 3401}]})

    delivery_id: UUID
    lane: int
    seq: int


@router.get("", summary="List deliveries, the newest first")
async def list_deliveries(
    principal: Reader,
    kit: TheKit,
    ports: ThePorts,
    store_id: UUID | None = None,
    state: State | None = None,
    topic: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DeliveryOut]:
    """Kept for 14 days. A replayed delivery is listed once for each time it was queued."""
    place = decode_cursor(cursor, at=instant, seq=int)
    after = (place["at"], place["seq"]) if place else None
    async with kit.database.read(principal.merchant) as uow:
        filters = {"store_id": store_id, "state": state, "topic": topic}
        rows = await ports.screens(uow).deliveries(filters, after, limit + 1)
    return page_of(
        rows,
        limit=limit,
        shown=DeliveryOut.model_validate,
        position=lambda row: {"at": row["received_at"], "seq": str(row["seq"])},
    )


@router.get("/{delivery_id}", summary="Show a delivery, redacted")
async def show_delivery(delivery_id: UUID, principal: Reader, kit: TheKit, ports: ThePorts) -> DeliveryDetail:
    """Ids, amounts and states stand in clear; whatever may tell of a person is redacted."""
    async with kit.database.read(principal.merchant) as uow:
        found = await ports.screens(uow).delivery(delivery_id)
    if found is None:
        raise not_found("delivery")
    row, body = found
    try:
        shown = redact(load(body))
    except Malformed:
        shown = None
    return DeliveryDetail.model_validate(
        {**row, "body_sha256": row["body_sha256"].hex(), "body_bytes": len(body), "body": shown}
    )


@router.post("/{delivery_id}/replays", status_code=202, summary="Replay a delivery", response_model=ReplayOut)
async def create_replay(
    delivery_id: UUID, principal: Writer, kit: TheKit, ports: ThePorts, once: Annotated[Once, Depends(optional_key)]
) -> Response:
    """It queues again behind everything in its lane. What it says already stands: replaying changes nothing twice."""
    now = kit.clock.now()
    async with kit.database.begin(principal.merchant) as uow:

        async def run() -> Answer:
            place = await ports.screens(uow).replay(delivery_id, now)
            if place is None:
                raise not_found("delivery")
            await audit.record(
                uow.connection,
                merchant_no=uow.merchant_no,
                actor=principal.subject,
                action="delivery.replay",
                target=str(delivery_id),
                now=now,
            )
            return Answer(202, ReplayOut(delivery_id=delivery_id, lane=place[0], seq=place[1]))

        return await once.run(uow, principal, run, now=now)
