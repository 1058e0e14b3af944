"""A person corrects a balance."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends

from libs.servicekit import audit
from libs.servicekit.auth import Principal
from libs.servicekit.idempotency import Answer, Once, required_key
from libs.servicekit.problems import Flaw, Problem, conflict, invalid, not_found
from libs.servicekit.unit_of_work import UnitOfWork
from services.loyalty.application.adjust_points import Adjustment, adjust_points, key_of
from services.loyalty.application.needs import Keys, whole_scope
from services.loyalty.application.parts import Parts
from services.loyalty.application.telling import Heard
from services.loyalty.application.workspace import Member
from services.loyalty.domain.entries import entry_id
from services.loyalty.domain.errors import InsufficientPoints, KeyReused
from services.loyalty.entrypoints.access import Adjuster, TheKit, TheParts
from services.loyalty.entrypoints.examples import ADJUSTMENT, ADJUSTMENT_REQUEST, answer, request
from services.loyalty.entrypoints.schemas import AdjustmentDocument, AdjustmentRequest, BalanceDocument

router = APIRouter(prefix="/v1/adjustments", tags=["adjustments"])


@router.post(
    "",
    status_code=201,
    summary="Correct a member's balance",
    response_model=AdjustmentDocument,
    description="Positive points are usable at once; negative ones leave usable points first, then pending ones, and "
    "never make a debt. The same Idempotency-Key never takes effect twice.",
    responses=answer(ADJUSTMENT, status=201),
    openapi_extra=request(ADJUSTMENT_REQUEST),
)
async def post_adjustment(
    wanted: AdjustmentRequest,
    principal: Adjuster,
    kit: TheKit,
    parts: TheParts,
    once: Annotated[Once, Depends(required_key)],
) -> Any:  # the stored answer, as the key's first request got it
    now = kit.clock.now()
    adjustment = Adjustment(wanted.customer_id, wanted.points, wanted.reason, wanted.expires_at)
    if not wanted.points:
        raise invalid("See errors.", [Flaw(pointer="/points", detail="not 0")])
    if wanted.expires_at is not None and wanted.expires_at <= now:
        raise invalid("See errors.", [Flaw(pointer="/expires_at", detail="must lie in the future")])
    async with kit.database.begin(principal.merchant) as uow:

        async def run() -> Answer:
            await _known(parts, uow, adjustment, now)
            return await _adjust(parts, uow, principal, adjustment, once.key or "")

        return await once.run(uow, principal, run, now=now)


async def _adjust(parts: Parts, uow: UnitOfWork, principal: Principal, wanted: Adjustment, key: str) -> Answer:
    merchant_id = principal.merchant
    entry = entry_id(merchant_id, key_of(client=principal.subject, key=key))
    keys = Keys({merchant_id}, customers={(merchant_id, wanted.customer_id)}, entries={(merchant_id, entry)})
    workspace = await parts.ledgers.open(uow, keys)
    heard = Heard(workspace.merchant(merchant_id), workspace.now)
    member = workspace.member(heard.merchant.merchant_no, wanted.customer_id)
    await parts.ledgers.fill(uow, workspace, {member.account.account_id: whole_scope(member, workspace.now)})
    try:
        adjust_points(workspace, heard, member, wanted, client=principal.subject, key=key)
    except InsufficientPoints as error:
        detail = f"The member has {error.usable} unreserved points, {error.asked} were to be taken."
        raise conflict("insufficient-points", detail) from error
    except KeyReused as error:
        raise Problem("idempotency-key-reused", 422, "Idempotency-Key reused", "Choose another key.") from error
    await parts.ledgers.store(uow, workspace)
    for said in workspace.said:
        uow.say(said)
    await _note(uow, principal, wanted, entry, heard)
    return Answer(201, _document(member, wanted, entry, heard))


async def _known(parts: Parts, uow: UnitOfWork, wanted: Adjustment, now: datetime) -> None:
    """The account exists: a mistyped customer must not become a member."""
    if await parts.members.find(uow, wanted.customer_id, now) is None:
        raise not_found("member")


def _document(member: Member, wanted: Adjustment, entry: UUID, heard: Heard) -> AdjustmentDocument:
    return AdjustmentDocument(
        entry_id=entry,
        customer_id=member.account.customer_id,
        points=wanted.points,
        balance=BalanceDocument.of(member.book.balance(heard.at)),
    )


async def _note(uow: UnitOfWork, principal: Principal, wanted: Adjustment, entry: UUID, heard: Heard) -> None:
    await audit.record(
        uow.connection,
        merchant_no=uow.merchant_no,
        actor=principal.subject,
        action="points.adjust",
        target=f"member:{wanted.customer_id}",
        now=heard.at,
        after={"entry_id": str(entry), "points": wanted.points, "reason": wanted.reason},
    )
