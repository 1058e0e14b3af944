"""`/v1/suppressions` and `/v1/policies`: whom nobody writes to, and how often one may."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response, Security

from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.idempotency import Answer
from libs.servicekit.pagination import Cursor, Limit, Page, page_of
from libs.servicekit.problems import not_found
from services.messaging.domain.admission import CapRule
from services.messaging.entrypoints.asking import OnceOnly, TheKit, ThePorts, audited, before
from services.messaging.entrypoints.examples import answer, body, page
from services.messaging.entrypoints.schemas import ENTRY_ID, CapIn, CapOut, SuppressionIn, SuppressionOut

router = APIRouter(prefix="/v1", tags=["policies"])

SuppressionReader = Annotated[Principal, Security(authenticated, scopes=["suppressions:read"])]
SuppressionWriter = Annotated[Principal, Security(authenticated, scopes=["suppressions:write"])]
PolicyReader = Annotated[Principal, Security(authenticated, scopes=["policies:read"])]
PolicyWriter = Annotated[Principal, Security(authenticated, scopes=["policies:write"])]


@router.get("/suppressions", summary="List suppressed addresses, newest first", responses=page(SuppressionOut))
async def list_suppressions(
    principal: SuppressionReader, kit: TheKit, ports: ThePorts, limit: Limit = 50, cursor: Cursor = None
) -> Page[SuppressionOut]:
    """By keyed hash, with the reason."""
    async with kit.database.read(principal.merchant) as uow:
        rows = await ports.suppressions.page(uow, before=before(cursor), limit=limit + 1)
    return page_of(
        rows,
        limit=limit,
        shown=SuppressionOut.model_validate,
        position=lambda row: {"at": row.at, "id": row.suppression_id},
    )


@router.post(
    "/suppressions",
    status_code=201,
    response_model=SuppressionOut,
    summary="Suppress an address",
    responses=answer(SuppressionOut, status=201),
)
async def add_suppression(
    wanted: Annotated[SuppressionIn, body(SuppressionIn)],
    principal: SuppressionWriter,
    kit: TheKit,
    ports: ThePorts,
    once: OnceOnly,
) -> Response:
    """From now on nothing is sent to it, of whatever class; an address already there stays there."""
    now = kit.clock.now()
    address_hash = ports.hashing.hash_of(principal.merchant, wanted.email)

    async def run() -> Answer:
        added = await ports.suppressions.add(uow, channel=wanted.channel, address_hash=address_hash, at=now)
        await audited(uow, principal, action="suppression.add", target=added.suppression_id, now=now)
        return Answer(201, SuppressionOut.model_validate(added))

    async with kit.database.begin(principal.merchant) as uow:
        return await once.run(uow, principal, run, now=now)


@router.delete("/suppressions/{suppression_id}", summary="Lift a suppression", responses=answer(SuppressionOut))
async def remove_suppression(
    suppression_id: Annotated[UUID, Path(examples=[ENTRY_ID])],
    principal: SuppressionWriter,
    kit: TheKit,
    ports: ThePorts,
) -> SuppressionOut:
    """Consent is another matter: a customer who unsubscribed stays unsubscribed."""
    async with kit.database.begin(principal.merchant) as uow:
        removed = await ports.suppressions.remove(uow, suppression_id)
        if removed is None:
            raise not_found("suppression")
        await audited(uow, principal, action="suppression.lift", target=suppression_id, now=kit.clock.now())
    return SuppressionOut.model_validate(removed)


@router.get("/policies/cap", summary="Show the cap on marketing messages", responses=answer(CapOut))
async def show_cap(principal: PolicyReader, kit: TheKit, ports: ThePorts) -> CapOut:
    """Messages beyond the cap are suppressed with reason `cap`."""
    async with kit.database.read(principal.merchant) as uow:
        return CapOut.model_validate(await ports.policies.cap(uow))


@router.put("/policies/cap", summary="Change the cap on marketing messages", responses=answer(CapOut))
async def put_cap(
    wanted: Annotated[CapIn, body(CapIn)], principal: PolicyWriter, kit: TheKit, ports: ThePorts
) -> CapOut:
    """Counts from the next message on, over what was sent before too."""
    rule = CapRule(wanted.messages, wanted.days)
    async with kit.database.begin(principal.merchant) as uow:
        await ports.policies.set_cap(uow, rule)
        await audited(uow, principal, action="policy.cap", target="cap", now=kit.clock.now())
    return CapOut.model_validate(rule)
