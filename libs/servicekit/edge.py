"""The outermost ring of the HTTP application, in plain ASGI: trace, figures, safe headers, and the last resort.

Plain ASGI, since the webhook path runs through it thousands of times a second.
"""

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.servicekit import metrics
from libs.servicekit.identity import new_id
from libs.servicekit.problems import unexpected
from libs.servicekit.routes import template_of
from libs.servicekit.tracing import accepted_correlation_id, correlated, new_trace, parse_traceparent

_SAFE_HEADERS: Final = ((b"x-content-type-options", b"nosniff"), (b"x-frame-options", b"DENY"))
_NO_STORE: Final = (b"cache-control", b"no-store")


class Edge:
    """Every request runs under a correlation id and a traceparent, is timed, and ends with an answer.

    `mounted` are the hot paths: what lies below one goes straight to its application. Through the routes, body limit
    and error handlers of the others, the way there cost more than signature, compression and encryption together.
    """

    def __init__(self, app: ASGIApp, *, mounted: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._mounted = tuple((f"{prefix}/", prefix, part) for prefix, part in mounted.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        named = _headers_of(scope, (b"traceparent", b"x-request-id"))
        caller = parse_traceparent(named.get(b"traceparent"))
        trace = caller.child() if caller else new_trace()
        correlation = accepted_correlation_id(named.get(b"x-request-id")) or (
            caller.trace_id if caller else new_id().hex
        )
        with correlated(correlation, str(trace)):
            await self._answer(scope, receive, send, correlation)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, correlation: str) -> None:
        started, status = perf_counter(), 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _marked(message.get("headers", ()), scope, correlation)
            await send(message)

        try:
            await self._below(scope)(scope, receive, send_marked)
        except Exception as error:  # the last resort: nothing of the inside leaves, everything is logged
            answer = unexpected(error, Request(scope))
            if status:
                raise  # half an answer is out: the server must cut the connection, so that nobody takes it for whole
            await answer(scope, receive, send_marked)
        finally:
            metrics.observe_request(scope["method"], template_of(scope), status, perf_counter() - started)

    def _below(self, scope: Scope) -> ASGIApp:
        """The application that the path belongs to; a mounted one is told where, as a router would tell it."""
        for start, prefix, part in self._mounted:
            if scope["path"].startswith(start):
                scope["root_path"] = scope.get("root_path", "") + prefix
                return part
        return self._app


class BodyLimit:
    """A request body beyond the limit of its path is refused with 413, however it is sent."""

    def __init__(self, app: ASGIApp, *, default_bytes: int, by_prefix: Mapping[str, int]) -> None:
        self._app = app
        self._default = default_bytes
        self._by_prefix = tuple(by_prefix.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = next((size for prefix, size in self._by_prefix if scope["path"].startswith(prefix)), self._default)
        declared = _headers_of(scope, (b"content-length",)).get(b"content-length", "0")
        seen = int(declared) if declared.isdecimal() and int(declared) > limit else 0

        async def receive_limited() -> Message:
            nonlocal seen
            if seen > limit:  # said before a byte of it is read
                raise HTTPException(413, f"The body may have at most {limit} bytes.")
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413, f"The body may have at most {limit} bytes.")
            return message

        await self._app(scope, receive_limited, send)


def _headers_of(scope: Scope, wanted: Sequence[bytes]) -> dict[bytes, str]:
    return {name: value.decode("latin-1") for name, value in scope["headers"] if name in wanted}


def _marked(headers: Any, scope: Scope, correlation: str) -> list[tuple[bytes, bytes]]:
    marked = [*headers, *_SAFE_HEADERS, (b"x-request-id", correlation.encode())]
    if allowance := scope.get("state", {}).get("rate_limit"):
        marked.append((b"ratelimit", allowance.encode()))
    if scope["path"].startswith("/v1/") and not any(name == b"cache-control" for name, _ in marked):
        marked.append(_NO_STORE)
    return marked
