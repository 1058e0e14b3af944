"""The lines of an uploaded file in our own format, whatever it was written in."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

from fastapi import Request

from libs.servicekit.problems import Flaw, Problem, invalid
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.application.connect_store import Store
from services.order_ingest.application.convert_file import ExportedFile, FileRefused, convert
from services.order_ingest.domain.files.errors import UnfitOptions
from services.order_ingest.entrypoints.conversion import through_thread
from services.order_ingest.entrypoints.ports import Ports
from services.order_ingest.entrypoints.upload import UploadRefused, gunzipped, plain


def uploaded(request: Request, file: ExportedFile | None, *, gzip: bool) -> AsyncGenerator[bytes, None]:
    """Parts of the body as they come: unpacked, and converted where it is an export. To be closed, whatever happens."""
    unpacked = (gunzipped if gzip else plain)(request.stream())
    return unpacked if file is None else through_thread(unpacked, partial(convert, file=file))


@contextmanager
def refused() -> Iterator[None]:
    """What is wrong with a file as a whole leaves as a problem: 422 upload-refused."""
    try:
        yield
    except (UploadRefused, FileRefused, UnfitOptions) as refusal:
        raise Problem("upload-refused", 422, "The upload is refused", f"{refusal}.") from refusal


async def the_store(ports: Ports, uow: UnitOfWork, store_id: UUID) -> Store:
    """The caller's store. Raises: Problem: 422, there is none."""
    store = await ports.stores(uow).find(store_id)
    if store is None:
        raise invalid("See errors.", [Flaw(pointer="/query/store_id", detail="you have no such store")])
    return store
