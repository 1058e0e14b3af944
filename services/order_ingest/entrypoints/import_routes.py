"""`/v1/imports`: history as a file, taken in while it streams, worked on by a job."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response, Security
from starlette.responses import JSONResponse

from libs.kernel.identifiers import derived_id
from libs.servicekit import audit
from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.identity import new_id
from libs.servicekit.jobs import enqueue
from libs.servicekit.kit import Kit
from libs.servicekit.pagination import Cursor, Limit, Page, decode_cursor, page_of
from libs.servicekit.problems import Problem, not_found
from services.order_ingest.entrypoints.import_options import Described
from services.order_ingest.entrypoints.import_schemas import IMPORT_BODY, ImportOut, RejectedRow
from services.order_ingest.entrypoints.ports import Ports
from services.order_ingest.entrypoints.shared import TheKit, ThePorts, after_time
from services.order_ingest.entrypoints.upload import UPLOAD_LIMIT, Chunks
from services.order_ingest.entrypoints.uploaded import refused, the_store, uploaded

PATH: Final = "/v1/imports"
JOB: Final = "import"
router = APIRouter(prefix=PATH, tags=["imports"])
Reader = Annotated[Principal, Security(authenticated, scopes=["imports:read"])]
Writer = Annotated[Principal, Security(authenticated, scopes=["imports:write"])]


@router.post("", status_code=202, summary="Import history", response_model=ImportOut, openapi_extra=IMPORT_BODY)
async def create_import(
    request: Request,
    principal: Writer,
    kit: TheKit,
    ports: ThePorts,
    store_id: UUID,
    max_backlog: Annotated[
        int | None, Query(ge=100, le=1_000_000, description="Facts that may be on their way to other services at once.")
    ] = None,
    content_encoding: Annotated[Literal["gzip", "identity"], Header()] = "identity",
    *,
    described: Described,
    key: Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)] = None,
) -> Response:
    """JSON Lines of the canonical order, or with `preset` a platform's export (delimited text), plain or gzip.

    The file is the body, or the part `file` of a form and its only one (`multipart/form-data`).
    The answer comes when the whole file is kept; a job reads it. Its facts carry origin=backfill. Rows that cannot be
    read are left out and listed under `rejected_rows` by their line in the file. An upload that broke off is sent
    again with the same Idempotency-Key; one that is still under way is overtaken by it and ends in 409. What a file
    would do is told by `POST /v1/imports/previews`.
    """
    import_id = derived_id(principal.merchant, "import", principal.subject, key) if key else new_id()
    backlog = min(max_backlog or ports.import_backlog, ports.import_backlog)
    async with kit.database.begin(principal.merchant) as uow:
        file = described.exported(await the_store(ports, uow, store_id))
        options = {"max_backlog": backlog, **described.stored()}
        attempt = await ports.uploads(uow).create(import_id, store_id=store_id, options=options, now=kit.clock.now())
    if attempt is None:
        return await _answer(kit, ports, principal.merchant, import_id, replayed=True)
    with refused():
        async with aclosing(uploaded(request, file, gzip=content_encoding == "gzip")) as parts:
            rows = await _receive(parts, kit, ports, principal.merchant, import_id, attempt)
        await _queue(kit, ports, principal, import_id, attempt, rows)
    return await _answer(kit, ports, principal.merchant, import_id, replayed=False)


async def _receive(
    parts: AsyncIterator[bytes], kit: Kit, ports: Ports, merchant_id: UUID, import_id: UUID, attempt: UUID
) -> int:
    """The file is kept; how many rows it has. Each chunk is committed by itself: an upload may take minutes."""

    async def keep(chunk_no: int, first_row: int, lines: Sequence[bytes]) -> None:
        async with kit.database.begin(merchant_id) as uow:
            await ports.uploads(uow).add_chunk(import_id, attempt, chunk_no=chunk_no, first_row=first_row, lines=lines)

    chunks = Chunks(keep, UPLOAD_LIMIT)
    async for part in parts:
        await chunks.take(part)
    await chunks.end()
    if chunks.rows == 0:
        raise Problem("upload-refused", 422, "The upload is refused", "The file has no rows.")
    return chunks.rows


async def _queue(kit: Kit, ports: Ports, principal: Principal, import_id: UUID, attempt: UUID, rows: int) -> None:
    now = kit.clock.now()
    async with kit.database.begin(principal.merchant) as uow:
        job_id = await enqueue(uow, kind=JOB, request={"import_id": str(import_id)}, unit="rows", now=now)
        await ports.uploads(uow).queue(import_id, attempt, rows=rows, job_id=job_id)
        await audit.record(
            uow.connection,
            merchant_no=uow.merchant_no,
            actor=principal.subject,
            action="import.create",
            target=str(import_id),
            now=now,
        )


async def _answer(kit: Kit, ports: Ports, merchant_id: UUID, import_id: UUID, *, replayed: bool) -> Response:
    shown = await _shown(kit, ports, merchant_id, import_id)
    headers = {"Location": f"/v1/jobs/{shown.job_id}"} | ({"Idempotent-Replayed": "true"} if replayed else {})
    return JSONResponse(shown.model_dump(mode="json"), status_code=202, headers=headers)


async def _shown(kit: Kit, ports: Ports, merchant_id: UUID, import_id: UUID) -> ImportOut:
    async with kit.database.read(merchant_id) as uow:
        row = await ports.screens(uow).history_import(import_id)
    if row is None:
        raise not_found("import")
    return ImportOut.model_validate(row)


@router.get("", summary="List imports, the newest first")
async def list_imports(
    principal: Reader, kit: TheKit, ports: ThePorts, limit: Limit = 50, cursor: Cursor = None
) -> Page[ImportOut]:
    """Each with its counts so far; how far its job has come is told under `/v1/jobs`."""
    after = after_time(cursor)
    async with kit.database.read(principal.merchant) as uow:
        rows = await ports.screens(uow).imports(after, limit + 1)
    return page_of(
        rows,
        limit=limit,
        shown=ImportOut.model_validate,
        position=lambda row: {"at": row["created_at"], "id": row["import_id"]},
    )


@router.get("/{import_id}", summary="Show an import")
async def show_import(import_id: UUID, principal: Reader, kit: TheKit, ports: ThePorts) -> ImportOut:
    """Its counts so far; how far its job has come is told under `/v1/jobs`."""
    return await _shown(kit, ports, principal.merchant, import_id)


@router.get("/{import_id}/rejected_rows", summary="List the rows that were left out, by number")
async def list_rejected_rows(
    import_id: UUID, principal: Reader, kit: TheKit, ports: ThePorts, limit: Limit = 50, cursor: Cursor = None
) -> Page[RejectedRow]:
    """The number of each row and what is wrong with it; the row itself is not kept."""
    place = decode_cursor(cursor, row_no=int)
    async with kit.database.read(principal.merchant) as uow:
        screens = ports.screens(uow)
        if await screens.history_import(import_id) is None:
            raise not_found("import")
        rows = await screens.rejected_rows(import_id, place["row_no"] if place else 0, limit + 1)
    return page_of(
        rows, limit=limit, shown=RejectedRow.model_validate, position=lambda row: {"row_no": str(row["row_no"])}
    )
