"""`/v1/contacts`: what is known of a customer, which consent holds, and what was decided about writing to them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Security
from starlette.responses import Response

from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.idempotency import Answer
from libs.servicekit.pagination import Cursor, Limit, Page, page_of
from libs.servicekit.problems import not_found
from libs.servicekit.unit_of_work import UnitOfWork
from services.messaging.application.ports import Ports
from services.messaging.application.record_consent import record_consent
from services.messaging.application.views import ContactView, MessageFilter
from services.messaging.domain.consent import Statement
from services.messaging.entrypoints.asking import CustomerId, OnceOnly, TheKit, ThePorts, audited, before
from services.messaging.entrypoints.examples import answer, body, page
from services.messaging.entrypoints.schemas import (
    ConsentIn,
    ConsentOut,
    ConsentsOut,
    ContactOut,
    MessageOut,
    StatementOut,
)

router = APIRouter(prefix="/v1/contacts", tags=["contacts"])

Reader = Annotated[Principal, Security(authenticated, scopes=["contacts:read"])]
Writer = Annotated[Principal, Security(authenticated, scopes=["contacts:write"])]


@router.get("/{customer_id}", summary="Show a contact with the consents that hold", responses=answer(ContactOut))
async def show_contact(customer_id: CustomerId, principal: Reader, kit: TheKit, ports: ThePorts) -> ContactOut:
    """An id that was merged away answers with the survivor."""
    async with kit.database.read(principal.merchant) as uow:
        return ContactOut.model_validate(await _contact(ports, uow, customer_id))


@router.get("/{customer_id}/consents", summary="List every statement about consent", responses=page(StatementOut))
async def list_consents(
    customer_id: CustomerId,
    principal: Reader,
    kit: TheKit,
    ports: ThePorts,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[StatementOut]:
    """The proof, newest first, with the statements of everyone merged into the customer."""
    async with kit.database.read(principal.merchant) as uow:
        contact = await _contact(ports, uow, customer_id)
        rows = await ports.reading.statements(uow, contact.customer_id, before=before(cursor), limit=limit + 1)
    return page_of(
        rows, limit=limit, shown=StatementOut.model_validate, position=lambda row: {"at": row.at, "id": row.entry_id}
    )


@router.post(
    "/{customer_id}/consents",
    status_code=201,
    response_model=ConsentsOut,
    summary="Record what a customer said about consent",
    responses=answer(ConsentsOut, status=201),
)
async def add_consent(
    customer_id: CustomerId,
    said: Annotated[ConsentIn, body(ConsentIn)],
    principal: Writer,
    kit: TheKit,
    ports: ThePorts,
    once: OnceOnly,
) -> Response:
    """A withdrawal holds at once; only the customer's own later subscription lifts it."""
    now = kit.clock.now()
    statement = Statement(said.state, now, "here", said.source, said.text_version)

    async def run() -> Answer:
        workspace = await ports.customers.load_customer(uow, principal.merchant, customer_id)
        if workspace is None:
            raise not_found("contact")
        record_consent(
            workspace,
            merchant_id=principal.merchant,
            customer_id=customer_id,
            channel=said.channel,
            topic=said.topic,
            statement=statement,
            cause=None,
        )
        await ports.customers.store_customer(uow, workspace)
        await audited(uow, principal, action="consent.record", target=customer_id, now=now)
        return Answer(201, await _consents(ports, uow, customer_id))

    async with kit.database.begin(principal.merchant) as uow:
        return await once.run(uow, principal, run, now=now, about=customer_id)


@router.get(
    "/{customer_id}/decisions",
    summary="List why a customer did or did not get each message",
    responses=page(MessageOut),
)
async def list_decisions(
    customer_id: CustomerId,
    principal: Reader,
    kit: TheKit,
    ports: ThePorts,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MessageOut]:
    """Newest first; each message has one outcome with its reason."""
    async with kit.database.read(principal.merchant) as uow:
        contact = await _contact(ports, uow, customer_id)
        wanted = MessageFilter(customer_id=contact.customer_id)
        rows = await ports.reading.messages(uow, wanted, before=before(cursor), limit=limit + 1)
    return page_of(
        rows,
        limit=limit,
        shown=MessageOut.model_validate,
        position=lambda row: {"at": row.planned_at, "id": row.intent_id},
    )


async def _consents(ports: Ports, uow: UnitOfWork, customer_id: UUID) -> ConsentsOut:
    contact = await _contact(ports, uow, customer_id)
    return ConsentsOut(items=[ConsentOut.model_validate(each) for each in contact.consents])


async def _contact(ports: Ports, uow: UnitOfWork, customer_id: UUID) -> ContactView:
    found = await ports.reading.contact(uow, customer_id)
    if found is None:
        raise not_found("contact")
    return found
