"""The service's imports, as a program elsewhere asks for them over HTTP."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from services.order_ingest.application.history_service import (
    HistoryFile,
    ImportSeen,
    JobSeen,
    Query,
    Reached,
    RejectedRow,
    ServiceAway,
    ServiceRefuses,
)

IMPORTS: Final = "/v1/imports"
JOBS: Final = "/v1/jobs"
_PAGE: Final = 200
_UPLOAD_REFUSED: Final = "urn:huitou:problem:upload-refused"
_ASKING: Final = httpx.Timeout(30.0, connect=10.0)
_SENDING: Final = httpx.Timeout(600.0, connect=10.0)
"""The service takes a file as fast as its database does, and answers once it has all of it."""
_MAY_PASS: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_HERE: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@asynccontextmanager
async def open_service(
    url: str, token: str, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator["HttpHistoryService"]:
    """The service at this address, asked as the token's bearer, for as long as the block lasts."""
    async with httpx.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {token}", "User-Agent": "huitou-import/1"},
        timeout=_ASKING,
        transport=transport,
        trust_env=httpx.URL(url).host not in _HERE,  # no proxy leads to this machine
    ) as http:
        yield HttpHistoryService(http)


@dataclass(frozen=True, slots=True)
class HttpHistoryService:
    """HistoryService over HTTP; redirections are not followed, for the token goes to the given address only."""

    http: httpx.AsyncClient

    async def known(self, query: Query, key: str) -> ImportSeen | None:
        """A known key is answered before the body is looked at; a gzip stream without a byte is refused as any file."""
        headers = {"Idempotency-Key": key, "Content-Encoding": "gzip"}
        try:
            return _import(await self._ask("POST", IMPORTS, query, headers=headers, content=b""))
        except ServiceRefuses as refusal:
            if refusal.kind != _UPLOAD_REFUSED:
                raise
            return None

    async def upload(self, query: Query, key: str, file: HistoryFile, reached: Reached) -> ImportSeen:
        """The service has the whole file: the import waits for its job."""
        return _import(await self._send(IMPORTS, query, {"Idempotency-Key": key}, file, reached))

    async def preview(self, query: Query, file: HistoryFile, reached: Reached) -> Mapping[str, Any]:
        """What the service read in the file."""
        return _object(await self._send(f"{IMPORTS}/previews", query, {}, file, reached))

    async def shown(self, import_id: str) -> ImportSeen:
        """The import with its figures."""
        return _import(await self._ask("GET", f"{IMPORTS}/{import_id}"))

    async def job(self, job_id: str) -> JobSeen:
        """How far the job has come."""
        return _job(await self._ask("GET", f"{JOBS}/{job_id}"))

    async def rejected(self, import_id: str, cursor: str | None) -> tuple[Sequence[RejectedRow], str | None]:
        """A page of rejected rows, and the cursor of the next one."""
        query = {"limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
        page = _object(await self._ask("GET", f"{IMPORTS}/{import_id}/rejected_rows", query))
        try:
            rows = [RejectedRow(int(each["row_no"]), str(each["reason"])) for each in page["items"]]
        except (KeyError, TypeError, ValueError) as error:
            raise _strange() from error
        return rows, page.get("next_cursor")

    async def _send(
        self, path: str, query: Query, headers: Mapping[str, str], file: HistoryFile, reached: Reached
    ) -> httpx.Response:
        told = {
            **headers,
            "Content-Type": "text/csv" if "preset" in query else "application/x-ndjson",
            "Content-Length": str(file.size),
            **({"Content-Encoding": "gzip"} if file.is_gzip else {}),
        }
        content = _counted(file.blocks(), reached)
        return await self._ask("POST", path, query, headers=told, content=content, timeout=_SENDING)

    async def _ask(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | AsyncIterator[bytes] | None = None,
        timeout: httpx.Timeout = _ASKING,
    ) -> httpx.Response:
        try:
            response = await self.http.request(
                method, path, params=query, headers=headers, content=content, timeout=timeout
            )
        except httpx.RequestError as error:
            raise ServiceAway(f"no answer from {self.http.base_url} ({type(error).__name__})") from error
        if response.status_code in _MAY_PASS:
            raise ServiceAway(f"{self.http.base_url} answered {response.status_code}", _wished_pause(response))
        if not response.is_success:
            raise _refusal(response)
        return response


async def _counted(blocks: AsyncIterator[bytes], reached: Reached) -> AsyncIterator[bytes]:
    done = 0
    async for block in blocks:
        yield block
        done += len(block)
        reached(done)


def _wished_pause(response: httpx.Response) -> float | None:
    wish = response.headers.get("retry-after", "")
    return float(wish) if wish.isascii() and wish.isdigit() else None


def _refusal(response: httpx.Response) -> ServiceRefuses:
    """The problem document (RFC 9457) that the service sent; where another program answered, its status."""
    status = f"{response.status_code} {response.reason_phrase}".strip()
    try:
        told = _object(response)
        flaws = [(str(each["pointer"]), str(each["detail"])) for each in told.get("errors", ())]
        return ServiceRefuses(str(told["type"]), f"{told['title']} ({status})", str(told["detail"]), flaws)
    except (ServiceRefuses, KeyError, TypeError):
        detail = "without saying why; is this the address of order-ingest?"
        return ServiceRefuses("", f"The service answered {status}", detail)


def _import(response: httpx.Response) -> ImportSeen:
    told = _object(response)
    try:
        return ImportSeen(
            **{name: told[name] for name in ImportSeen.__slots__ if name != "is_known"},
            is_known="idempotent-replayed" in response.headers,
        )
    except KeyError as error:
        raise _strange() from error


def _job(response: httpx.Response) -> JobSeen:
    told = _object(response)
    try:
        state, progress, problem = told["state"], told["progress"], told["problem"] or {}
        failure = ": ".join(str(problem[name]) for name in ("title", "detail") if name in problem)
        return JobSeen(
            is_over=state in ("succeeded", "failed"),
            done=progress["done"],
            total=progress["total"],
            failure=(failure or "The job failed") if state == "failed" else None,
        )
    except (KeyError, TypeError) as error:
        raise _strange() from error


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        told = response.json()
    except ValueError as error:
        raise _strange() from error
    if not isinstance(told, dict):
        raise _strange()
    return told


def _strange() -> ServiceRefuses:
    return ServiceRefuses("", "The answer is not one of order-ingest", "is this its address?")
