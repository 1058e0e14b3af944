"""`POST /v1/hooks/{platform}/{endpoint_token}` in plain ASGI: proved over raw bytes, stored, then 200 and no body.

Plain ASGI because dependency solving would cost more than signature and storage together. A signed body is never
answered 4xx: a platform deletes the subscription of an address that keeps refusing.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from http import HTTPStatus
from typing import Final, Protocol

from starlette.types import Receive, Scope, Send

from libs.servicekit.clock import Clock
from libs.servicekit.logs import logger
from libs.servicekit.problems import Problem, response
from libs.servicekit.rate_limit import Allowance, Buckets
from services.order_ingest.application.accept_delivery import Delivery, HookStore, accept, refuse
from services.order_ingest.domain.errors import BadSignature, UnknownPlatform
from services.order_ingest.domain.platform_table import platform
from services.order_ingest.entrypoints.hook_metrics import answered

PATH: Final = "/v1/hooks"
BODY_LIMIT: Final = 1 << 20
READ_SECONDS: Final = 5.0
RETRY_AFTER: Final = 5
_TOKEN_LENGTH: Final = 64
_LOST: Final = frozenset({401, 413, 429})
"""Answers to what may have been a delivery that its shop will not get through to us."""
_log = logger(__name__)
_SLUGS: Final = {
    401: ("bad-signature", "No active secret of the store made this signature, or its time is too far from now."),
    404: ("not-found", "There is no such hook."),
    405: ("method-not-allowed", "Deliveries are POSTed."),
    408: ("request-timeout", "The body did not arrive within 5 seconds."),
    413: ("content-too-large", "A delivery may have at most 1 MiB."),
    415: ("unsupported-media-type", "Send the body without Content-Encoding: the signature is over its raw bytes."),
    429: ("too-many-requests", "Come back after Retry-After seconds."),
    503: ("unavailable", "The delivery was not stored; send it again."),
}


class Stores(Protocol):
    """Finds the store behind an address."""

    def find(self, token: str) -> Awaitable[HookStore | None]: ...

    def remembered(self, token: str) -> HookStore | None:
        """The store, if it was found lately; nothing is read."""


class Refusals(Protocol):
    """Counts what is refused at a store's door; must cost next to nothing."""

    def count(self, store: HookStore, reason: str) -> None: ...


class Durable(Protocol):
    """Takes deliveries in; returns after COMMIT, raises where that is not certain."""

    def put(self, delivery: Delivery) -> Awaitable[None]: ...


class Answer(Exception):
    """How the request ends, other than with a stored delivery."""

    def __init__(self, status: int, reason: str, *, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


class Hooks:
    """The mounted application; one per process."""

    def __init__(
        self,
        stores: Stores,
        intake: Durable,
        clock: Clock,
        *,
        refusals: Refusals,
        per_endpoint: Buckets,
        per_address: Buckets,
    ) -> None:
        self._stores = stores
        self._intake = intake
        self._refusals = refusals
        self._clock = clock
        self._per_endpoint = per_endpoint
        self._per_address = per_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        name, _, token = _below(scope).partition("/")
        try:
            await self._take(name, token, scope, receive)
        except Answer as answer:
            answered(name, answer.status, answer.reason)
            self._note(name, token, answer)
            if answer.status == HTTPStatus.OK:
                await _thank(send)
            else:
                await response(_problem(answer), PATH)(scope, receive, send)
        else:
            answered(name, 200, "stored")
            await _thank(send)

    def _note(self, name: str, token: str, answer: Answer) -> None:
        # Size and address are refused before the store is looked for: it is named only if it is at hand.
        store = self._stores.remembered(token) if answer.status in _LOST else None
        if store is not None and store.platform == name:
            self._refusals.count(store, answer.reason)

    async def _take(self, name: str, token: str, scope: Scope, receive: Receive) -> None:
        if scope["method"] != "POST":
            raise Answer(405, "method")
        client = scope.get("client")
        _count(self._per_address.take(client[0] if client else "-", self._clock.now()))
        headers = _headers(scope)
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise Answer(415, "content_encoding")
        body = await _read(receive, headers)
        store = await self._store(name, token)
        if store is None:
            refuse(body)
            raise Answer(404, "unknown_endpoint")
        _count(self._per_endpoint.take(token, self._clock.now()))
        spoken = platform(store.platform)
        if spoken.is_ping(body, headers):
            raise Answer(200, "ping")
        try:
            delivery = accept(store, spoken, body, headers, now=self._clock.now())
        except BadSignature as refusal:
            raise Answer(401, "signature") from refusal
        await self._keep(delivery)

    async def _store(self, name: str, token: str) -> HookStore | None:
        if not token or len(token) > _TOKEN_LENGTH or not token.isascii():
            return None
        try:
            platform(name)
            store = await self._stores.find(token)
        except UnknownPlatform:
            return None
        except Exception as error:  # the database is away: the sender shall come again
            _log.warning("hook_store_unreadable", error_type=type(error).__name__)
            raise Answer(503, "database", retry_after=RETRY_AFTER) from error
        return store if store is not None and store.platform == name else None

    async def _keep(self, delivery: Delivery) -> None:
        try:
            await self._intake.put(delivery)
        except Exception as error:  # full, or not known to be committed: never 200
            _log.warning("delivery_not_stored", error_type=type(error).__name__)
            raise Answer(503, "not_stored", retry_after=RETRY_AFTER) from error


async def _thank(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def _below(scope: Scope) -> str:
    """The path below the mount, whether or not the outer application has cut its own part off."""
    path: str = scope["path"]
    return path.removeprefix(PATH).strip("/")


def _headers(scope: Scope) -> Mapping[bytes, bytes]:
    return dict(scope["headers"])


def _count(allowance: Allowance) -> None:
    if not allowance.allowed:
        raise Answer(429, "rate", retry_after=max(1, allowance.seconds))


async def _read(receive: Receive, headers: Mapping[bytes, bytes]) -> bytes:
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > BODY_LIMIT:
        raise Answer(413, "size")
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await _joined(receive)
    except TimeoutError as error:
        raise Answer(408, "slow") from error


async def _joined(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Answer(408, "gone")
        part = message.get("body", b"")
        size += len(part)
        if size > BODY_LIMIT:
            raise Answer(413, "size")
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _problem(answer: Answer) -> Problem:
    headers = {"Retry-After": str(answer.retry_after)} if answer.retry_after is not None else {}
    slug, detail = _SLUGS[answer.status]
    return Problem(slug, answer.status, HTTPStatus(answer.status).phrase, detail, headers=headers)
