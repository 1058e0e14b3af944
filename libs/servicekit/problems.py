"""Errors as they leave over HTTP: RFC 9457 problem documents with a stable `type`."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from libs.servicekit.errors import DatabaseUnavailable, UnknownMerchant
from libs.servicekit.logs import logger
from libs.servicekit.routes import template_of

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:huitou:problem:"
RETRY_AFTER_SECONDS: Final = 2

_log = logger(__name__)


class Flaw(BaseModel):
    """One thing wrong with the request: where (RFC 6901 pointer into the body; else `/query/limit`) and what."""

    pointer: str = Field(examples=["/amount_minor"])
    detail: str = Field(examples=["must be greater than 0"])


class ProblemDocument(BaseModel):
    """Source: RFC 9457."""

    type: str = Field(examples=["urn:huitou:problem:invalid-request"])
    title: str = Field(examples=["The request is invalid"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["See errors for each field."])
    instance: str = Field(examples=["/v1/orders"])
    errors: list[Flaw] = Field(default_factory=list)


class Problem(Exception):
    """Raised by entry points: ends the request with this problem document."""

    def __init__(
        self,
        slug: str,
        status: int,
        title: str,
        detail: str,
        errors: Sequence[Flaw] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{slug}: {detail}")
        self.slug = slug
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def not_found(what: str) -> Problem:
    """404: also the answer for what exists but belongs to another merchant."""
    return Problem("not-found", 404, "Not found", f"There is no such {what}.")


def conflict(slug: str, detail: str) -> Problem:
    """409: the request is well-formed, the state forbids it."""
    return Problem(slug, 409, "Conflict", detail)


def invalid(detail: str, errors: Sequence[Flaw] = ()) -> Problem:
    """422: the request cannot be meant as it stands."""
    return Problem("invalid-request", 422, "The request is invalid", detail, errors)


def unavailable(detail: str, *, retry_after_seconds: int = RETRY_AFTER_SECONDS) -> Problem:
    """503: try again. A commit whose answer was lost may stand: writes worth something carry an Idempotency-Key."""
    return Problem("unavailable", 503, "Unavailable", detail, headers={"Retry-After": str(retry_after_seconds)})


def response(problem: Problem, instance: str) -> Response:
    """The problem as an HTTP response for the request path `instance`."""
    document = ProblemDocument(
        type=TYPE_PREFIX + problem.slug,
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        instance=instance,
        errors=list(problem.errors),
    )
    return JSONResponse(
        document.model_dump(mode="json"), status_code=problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


def handle_problems(app: FastAPI) -> None:
    """Whatever goes wrong in `app` leaves as a problem document, and none tells of its inside."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(UnknownMerchant, _on_unknown_merchant)
    for unreachable in (DatabaseUnavailable, PoolTimeout, ConnectionError, TimeoutError):
        app.add_exception_handler(unreachable, _on_unavailable)
    app.add_exception_handler(DBAPIError, _on_database_error)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return response(error, request.url.path)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    flaws = [_flaw(each) for each in error.errors()]
    return response(invalid("See errors for each field.", flaws), request.url.path)


def _flaw(error: Mapping[str, Any]) -> Flaw:
    if error["type"] == "json_invalid":  # its location is an offset in the text, not a place in a document
        return Flaw(pointer="", detail=f"not JSON: {error['ctx']['error']} at character {error['loc'][-1]}")
    return Flaw(pointer=pointer(error["loc"]), detail=str(error["msg"]))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return response(from_http_exception(error), request.url.path)


async def _on_unknown_merchant(request: Request, error: Exception) -> Response:
    return response(not_found("merchant"), request.url.path)


async def _on_unavailable(request: Request, error: Exception) -> Response:
    _log.warning("request_unserved", error_type=type(error).__name__, route=template_of(request.scope))
    return response(
        unavailable("It cannot be served right now; try again, with the same Idempotency-Key if there is one."),
        request.url.path,
    )


async def _on_database_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DBAPIError)
    if is_transient(error):
        return await _on_unavailable(request, error)
    if _is_unstorable(error):
        return response(invalid("A number is too large, or a text holds a NUL character."), request.url.path)
    return unexpected(error, request)


def unexpected(error: Exception, request: Request) -> Response:
    """500 that tells nothing but where to look; the error is in the log."""
    _log.error("request_failed", error_type=type(error).__name__, route=template_of(request.scope), exc_info=error)
    problem = Problem("internal", 500, "Internal error", "The error was logged under the X-Request-Id of this answer.")
    return response(problem, request.url.path)


def from_http_exception(error: HTTPException) -> Problem:
    """What Starlette and FastAPI raise themselves (404, 405, 413, ...), in our form."""
    title = HTTPStatus(error.status_code).phrase
    slug = title.lower().replace(" ", "-").replace("'", "")
    return Problem(slug, error.status_code, title, str(error.detail), headers=error.headers)


def _is_unstorable(error: DBAPIError) -> bool:
    """The server, or the driver before it was asked, refused a value as one that no column can hold."""
    if getattr(error.orig, "sqlstate", None) in _UNSTORABLE:
        return True
    return any(told in str(error.orig) for told in _DRIVER_REFUSALS)


# What asyncpg says where a value does not fit the wire; its sqlstate (22000) is that of every other misuse too.
_DRIVER_REFUSALS: Final = ("value out of int", "surrogates not allowed")
# Out of range, not in the repertoire, untranslatable: what a well-formed request can hold and no column can.
_UNSTORABLE: Final = frozenset({"22003", "22021", "22P05"})
_TRANSIENT_SQLSTATES: Final = ("08", "40", "53", "55P03", "57")


def is_transient(error: DBAPIError) -> bool:
    """True where the same statement may succeed later: connection, deadlock, lock timeout, shutdown, resources."""
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate is None:
        return isinstance(error, OperationalError)
    return str(sqlstate).startswith(_TRANSIENT_SQLSTATES)


def pointer(location: Sequence[str | int]) -> str:
    """The JSON pointer of a Pydantic location: into the body itself, else `/query/limit`, `/header/if-match`."""
    parts = location[1:] if location and location[0] == "body" else location
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
