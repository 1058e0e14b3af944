"""`/v1/messages`: every message that was meant, with its outcome."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Security

from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.pagination import Cursor, Limit, Page, page_of
from libs.servicekit.problems import not_found
from services.messaging.application.views import MessageFilter
from services.messaging.entrypoints.asking import TheKit, ThePorts, before
from services.messaging.entrypoints.examples import answer, page
from services.messaging.entrypoints.schemas import (
    CUSTOMER_ID,
    INTENT_ID,
    MessageOut,
    MessageState,
    OutcomeCountOut,
    SummaryOut,
)

router = APIRouter(prefix="/v1/messages", tags=["messages"])

Reader = Annotated[Principal, Security(authenticated, scopes=["messages:read"])]


@router.get("", summary="List messages, newest first", responses=page(MessageOut))
async def list_messages(
    principal: Reader,
    kit: TheKit,
    ports: ThePorts,
    state: Annotated[MessageState | None, Query(examples=["suppressed"])] = None,
    reason: Annotated[str | None, Query(max_length=50, examples=["consent"])] = None,
    customer_id: Annotated[UUID | None, Query(examples=[CUSTOMER_ID])] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MessageOut]:
    """By when they were planned."""
    wanted = MessageFilter(state, reason, customer_id)
    async with kit.database.read(principal.merchant) as uow:
        rows = await ports.reading.messages(uow, wanted, before=before(cursor), limit=limit + 1)
    return page_of(
        rows,
        limit=limit,
        shown=MessageOut.model_validate,
        position=lambda row: {"at": row.planned_at, "id": row.intent_id},
    )


@router.get("/summary", summary="Count messages by origin, outcome and reason", responses=answer(SummaryOut))
async def summarise_messages(principal: Reader, kit: TheKit, ports: ThePorts) -> SummaryOut:
    """History makes no messages at all: an origin that is not listed sent nothing."""
    async with kit.database.read(principal.merchant) as uow:
        summary = await ports.reading.summary(uow)
    outcomes = [OutcomeCountOut.model_validate(each) for each in summary.outcomes]
    return SummaryOut(total=summary.open + sum(each.count for each in outcomes), open=summary.open, outcomes=outcomes)


@router.get("/{intent_id}", summary="Show one message", responses=answer(MessageOut))
async def show_message(
    intent_id: Annotated[UUID, Path(examples=[INTENT_ID])], principal: Reader, kit: TheKit, ports: ThePorts
) -> MessageOut:
    """By the id of its intent."""
    async with kit.database.read(principal.merchant) as uow:
        found = await ports.reading.message(uow, intent_id)
    if found is None:
        raise not_found("message")
    return MessageOut.model_validate(found)
