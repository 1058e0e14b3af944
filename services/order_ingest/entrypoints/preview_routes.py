"""`/v1/imports/previews`: what a file would bring, before anything is kept."""

from contextlib import aclosing
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Request

from services.order_ingest.application.preview_file import Preview
from services.order_ingest.entrypoints.import_options import Described
from services.order_ingest.entrypoints.import_routes import PATH as IMPORTS
from services.order_ingest.entrypoints.import_routes import Writer
from services.order_ingest.entrypoints.import_schemas import IMPORT_BODY, PreviewOut
from services.order_ingest.entrypoints.shared import TheKit, ThePorts
from services.order_ingest.entrypoints.uploaded import refused, the_store, uploaded

PATH: Final = f"{IMPORTS}/previews"
router = APIRouter(prefix=PATH, tags=["imports"])


@router.post("", summary="Preview an import", openapi_extra=IMPORT_BODY)
async def preview_import(
    request: Request,
    principal: Writer,
    kit: TheKit,
    ports: ThePorts,
    described: Described,
    store_id: UUID,
    content_encoding: Annotated[Literal["gzip", "identity"], Header()] = "identity",
) -> PreviewOut:
    """Reads the whole file as an import would and keeps nothing: what it holds, what is wrong with it and where."""
    now = kit.clock.now()
    async with kit.database.read(principal.merchant) as uow:
        file = described.exported(await the_store(ports, uow, store_id))
    preview = Preview(received_at=now, is_converted=file is not None)
    async with aclosing(uploaded(request, file, gzip=content_encoding == "gzip")) as parts:
        with refused():
            async for part in parts:
                preview.take(part)
            preview.end()
    return PreviewOut.of(preview)
