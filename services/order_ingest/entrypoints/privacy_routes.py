"""`/v1/privacy_requests`: people to be forgotten, data to be shown, and who has answered so far."""

import base64
import io
import zipfile
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response, Security
from pydantic import BaseModel, ConfigDict, Field

from libs.servicekit import audit
from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.idempotency import Answer, Once, optional_key
from libs.servicekit.identity import new_id
from libs.servicekit.pagination import Cursor, Limit, Page, page_of
from libs.servicekit.problems import conflict, not_found
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.entrypoints.ports import PrivacyDesk
from services.order_ingest.entrypoints.shared import ID, INSTANT, TheKit, ThePorts, after_time

router = APIRouter(prefix="/v1", tags=["privacy"])
Reader = Annotated[Principal, Security(authenticated, scopes=["privacy_requests:read"])]
Writer = Annotated[Principal, Security(authenticated, scopes=["privacy_requests:write"])]
Kind = Literal["erasure", "data_export", "store_erasure"]
_Asking = Callable[[PrivacyDesk, UUID], Awaitable[None]]


class ServiceAnswer(BaseModel):
    """One service has done its part."""

    service: str = Field(examples=["loyalty"])
    answered_at: datetime = Field(examples=[INSTANT])


class PrivacyRequestOut(BaseModel):
    """A request. It is closed when all four services have answered, or at once if nobody was found."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "request_id": ID,
                    "kind": "erasure",
                    "store_id": ID,
                    "customer_id": ID,
                    "source": "shopify customers/redact",
                    "asked_at": INSTANT,
                    "due_at": "2026-06-08T12:00:00Z",
                    "closed_at": None,
                    "answers": [{"service": "order-ingest", "answered_at": INSTANT}],
                }
            ]
        }
    )

    request_id: UUID
    kind: Kind
    store_id: UUID = Field(description="The store that asked, or the customer's first.")
    customer_id: UUID | None = Field(description="null: of a whole store, or nobody was found")
    source: str = Field(description="The platform's topic, or `operator`.")
    asked_at: datetime
    due_at: datetime = Field(description="Thirty days later: by then it must be closed.")
    closed_at: datetime | None
    answers: list[ServiceAnswer]


@router.post(
    "/customers/{customer_id}/erasures",
    status_code=202,
    summary="Forget a customer",
    response_model=PrivacyRequestOut,
)
async def create_erasure(
    customer_id: UUID, principal: Writer, kit: TheKit, ports: ThePorts, once: Annotated[Once, Depends(optional_key)]
) -> Response:
    """What names them goes in all services, for good; sums stay under an id that names nobody.

    What comes late of what they did before does not bring them back. If they buy again, they are somebody new.
    """
    return await _of_customer("erasure", customer_id, principal, kit, ports, once)


@router.post(
    "/customers/{customer_id}/data_exports",
    status_code=202,
    summary="Gather what is kept about a customer",
    response_model=PrivacyRequestOut,
)
async def create_data_export(
    customer_id: UUID, principal: Writer, kit: TheKit, ports: ThePorts, once: Annotated[Once, Depends(optional_key)]
) -> Response:
    """All services are asked; when the request is closed, its file has everything."""
    return await _of_customer("data_export", customer_id, principal, kit, ports, once)


@router.post("/stores/{store_id}/erasures", status_code=202, summary="Forget a store", response_model=PrivacyRequestOut)
async def create_store_erasure(
    store_id: UUID, principal: Writer, kit: TheKit, ports: ThePorts, once: Annotated[Once, Depends(optional_key)]
) -> Response:
    """Its hook is closed, and everybody whom no other store of yours knows is forgotten, a few hundred at a time."""

    async def ask(uow: UnitOfWork, request_id: UUID) -> None:
        if await ports.stores(uow).find(store_id) is None:
            raise not_found("store")
        await ports.privacy(uow).ask_of_store(request_id, store_id, kit.clock.now())

    return await _asked(ask, "store.erase", str(store_id), principal, kit, ports, once)


async def _of_customer(
    kind: Kind, customer_id: UUID, principal: Principal, kit: TheKit, ports: ThePorts, once: Once
) -> Response:
    async def ask(uow: UnitOfWork, request_id: UUID) -> None:
        found = await ports.screens(uow).customer(customer_id)
        if found is None:
            raise not_found("customer")
        await ports.privacy(uow).ask_of_customer(kind, request_id, found["customer_id"], kit.clock.now())

    return await _asked(ask, f"customer.{kind}", str(customer_id), principal, kit, ports, once)


async def _asked(
    ask: Callable[[UnitOfWork, UUID], Awaitable[None]],
    action: str,
    target: str,
    principal: Principal,
    kit: TheKit,
    ports: ThePorts,
    once: Once,
) -> Response:
    """The request is on record with who made it."""
    now, request_id = kit.clock.now(), new_id()
    async with kit.database.begin(principal.merchant) as uow:

        async def run() -> Answer:
            await ask(uow, request_id)
            await audit.record(
                uow.connection,
                merchant_no=uow.merchant_no,
                actor=principal.subject,
                action=action,
                target=target,
                now=now,
            )
            shown = PrivacyRequestOut.model_validate(await ports.privacy(uow).shown(request_id))
            return Answer(202, shown)

        return await once.run(uow, principal, run, now=now)


@router.get("/privacy_requests", summary="List requests about privacy, the newest first")
async def list_privacy_requests(
    principal: Reader,
    kit: TheKit,
    ports: ThePorts,
    kind: Kind | None = None,
    open: bool | None = None,
    customer_id: UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PrivacyRequestOut]:
    """With `open=true`: what some service has not answered yet."""
    after = after_time(cursor)
    filters = {"kind": kind, "is_open": open, "customer_id": customer_id}
    async with kit.database.read(principal.merchant) as uow:
        rows = await ports.privacy(uow).page(filters, after, limit + 1)
    return page_of(
        rows,
        limit=limit,
        shown=PrivacyRequestOut.model_validate,
        position=lambda row: {"at": row["asked_at"], "id": row["request_id"]},
    )


@router.get("/privacy_requests/{request_id}", summary="Show a request about privacy")
async def show_privacy_request(request_id: UUID, principal: Reader, kit: TheKit, ports: ThePorts) -> PrivacyRequestOut:
    """Who has answered, and until when the others must."""
    async with kit.database.read(principal.merchant) as uow:
        return PrivacyRequestOut.model_validate(_found(await ports.privacy(uow).shown(request_id)))


@router.get(
    "/privacy_requests/{request_id}/file",
    summary="Fetch what was gathered",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}, "description": "A zip with a JSON file of each service"}},
)
async def show_privacy_file(request_id: UUID, principal: Reader, kit: TheKit, ports: ThePorts) -> Response:
    """For thirty days after the request was closed; personal data in clear: hand it to nobody but the person."""
    async with kit.database.begin(principal.merchant) as uow:
        request = _found(await ports.privacy(uow).shown(request_id))
        if request["kind"] != "data_export" or request["closed_at"] is None:
            raise conflict("not-gathered", "there is a file when a data_export is closed")
        data = await ports.privacy(uow).data(request_id)
        await audit.record(
            uow.connection,
            merchant_no=uow.merchant_no,
            actor=principal.subject,
            action="customer.data_export_fetched",
            target=str(request_id),
            now=kit.clock.now(),
        )
    named = {"Content-Disposition": f'attachment; filename="{request_id}.zip"', "Cache-Control": "no-store"}
    return Response(_zipped(data), media_type="application/zip", headers=named)


def _zipped(data: Mapping[str, Sequence[str]]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for service, parts in sorted(data.items()):
            archive.writestr(f"{service}.json", zlib.decompress(base64.b64decode("".join(parts))))
    return made.getvalue()


def _found(row: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if row is None:
        raise not_found("privacy request")
    return row
