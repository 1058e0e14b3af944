"""The lines of an uploaded file in our own format, whatever it was written in."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

from fastapi import Request
from starlette.requests import ClientDisconnect

from libs.servicekit.problems import Flaw, Problem, invalid
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.application.connect_store import Store
from services.order_ingest.application.convert_file import ExportedFile, FileRefused, convert
from services.order_ingest.application.import_rows import UploadOvertaken
from services.order_ingest.domain.files.errors import UnfitOptions
from services.order_ingest.entrypoints.conversion import through_thread
from services.order_ingest.entrypoints.multipart import file_of, is_form
from services.order_ingest.entrypoints.ports import Ports
from services.order_ingest.entrypoints.upload import UploadRefused, gunzipped, plain


def uploaded(request: Request, file: ExportedFile | None, *, gzip: bool) -> AsyncGenerator[bytes, None]:
    """Parts of the file as they come: out of its form if it is in one, unpacked, and converted where it is an export.

    To be closed, whatever happens.
    """
    body, kind = (gunzipped if gzip else plain)(request.stream()), request.headers.get("content-type", "")
    unpacked = file_of(body, kind) if is_form(kind) else body
    return unpacked if file is None else through_thread(unpacked, partial(convert, file=file))


@contextmanager
def refused() -> Iterator[None]:
    """What is wrong with a file as a whole leaves as a problem: 422 upload-refused, or 409 upload-overtaken."""
    try:
        yield
    except (UploadRefused, FileRefused, UnfitOptions) as refusal:
        raise Problem("upload-refused", 422, "The upload is refused", f"{refusal}.") from refusal
    except ClientDisconnect as gone:  # nobody hears it; but it is no failure of ours
        raise Problem("upload-refused", 422, "The upload is refused", "It broke off.") from gone
    except UploadOvertaken as overtaken:
        detail = "The same file is being uploaded once more under the same Idempotency-Key: only that upload counts."
        raise Problem("upload-overtaken", 409, "The upload was overtaken", detail) from overtaken


async def the_store(ports: Ports, uow: UnitOfWork, store_id: UUID) -> Store:
    """The caller's store. Raises: Problem: 422, there is none."""
    store = await ports.stores(uow).find(store_id)
    if store is None:
        raise invalid("See errors.", [Flaw(pointer="/query/store_id", detail="you have no such store")])
    return store
