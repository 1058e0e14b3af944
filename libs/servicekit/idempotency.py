"""Idempotency-Key: a POST that is sent twice takes effect once and is answered twice with the same words.

The key's row is written in the transaction of the effect: both stand or neither does. A second request with the same
key waits on the row until the first has ended, then gets its answer, or, if the first rolled back, does the work.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Header, Request
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import JSONResponse, Response

from libs.servicekit.problems import Flaw, Problem, unavailable
from libs.servicekit.tokens import Principal
from libs.servicekit.unit_of_work import UnitOfWork

KEPT_FOR: Final = timedelta(days=30)
_PLATFORM: Final = 0
_MAY_SEE: Final = f"""merchant_no = CASE WHEN current_setting('app.platform', true) = 'on' THEN {_PLATFORM}
    ELSE current_setting('app.tenant')::int4 END"""


def idempotency_tables(service: str) -> Sequence[str]:
    """The statements that create `idempotency`; `merchant_no` 0 stands for the platform's own requests."""
    return (
        """
        CREATE TABLE idempotency (
            merchant_no int4 NOT NULL,
            client text NOT NULL,
            key_hash bytea NOT NULL,
            request_hash bytea NOT NULL,
            status int2,
            headers jsonb,
            body bytea,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (merchant_no, client, key_hash)
        )
        """,
        "CREATE INDEX idempotency_age ON idempotency (created_at)",
        "ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE idempotency FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY own ON idempotency TO {service}_api USING ({_MAY_SEE}) WITH CHECK ({_MAY_SEE})",
        f"CREATE POLICY everybodys ON idempotency TO {service}_worker, {service}_owner USING (true) WITH CHECK (true)",
    )


def customers_in_answers() -> Sequence[str]:
    """The statements after which answers know whom they describe, so that an erasure finds them."""
    return (
        "ALTER TABLE idempotency ADD COLUMN customer_id uuid",
        "CREATE INDEX idempotency_about ON idempotency (customer_id, merchant_no) WHERE customer_id IS NOT NULL",
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a POST answers; kept with its key, so it must not show contact details."""

    status: int
    body: BaseModel | Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None


Run = Callable[[], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Once:
    """One request and, if the caller sent one, its key."""

    key: str | None
    request_hash: bytes

    async def run(
        self, uow: UnitOfWork, principal: Principal, run: Run, *, now: datetime, about: UUID | None = None
    ) -> Response:
        """The answer of `run`, whose effects and key commit with `uow`; for a known key the answer given before.

        `about` is the customer whom the answer describes, in services that have `customers_in_answers`.

        Call it first in the transaction. A refusal (an exception out of `run`) rolls the key back with the rest, so
        the same key may be tried again.

        Raises:
            Problem: 422, the key was used for another request; 503, its first request has not ended yet.
        """
        if self.key is None:
            return _response(_stored(await run()))
        row = _Row(uow.connection, _PLATFORM if uow.merchant_no is None else uow.merchant_no, principal, self.key)
        if not await row.claim(self.request_hash, now):
            return await row.replay(self.request_hash)
        stored = _stored(await run())
        await row.keep(stored)
        if about is not None:
            await row.concern(about)
        return _response(stored)


_KEY: Final[dict[str, Any]] = {
    "alias": "Idempotency-Key",
    "min_length": 1,
    "max_length": 255,
    "description": "Chosen by the caller, one per intended effect: the same key never takes effect twice.",
    "examples": ["order-1001-redeem-1"],
}


async def optional_key(request: Request, key: Annotated[str | None, Header(**_KEY)] = None) -> Once:
    """A dependency for POSTs that accept an Idempotency-Key."""
    return Once(key, await _request_hash(request))


async def required_key(request: Request, key: Annotated[str, Header(**_KEY)]) -> Once:
    """A dependency for POSTs where points, money or a message is at stake: without a key they answer 422."""
    return Once(key, await _request_hash(request))


async def forget_old_keys(connection: AsyncConnection, now: datetime) -> int:
    """Keys older than 30 days are gone; how many (worker role)."""
    gone = await connection.execute(
        text("DELETE FROM idempotency WHERE created_at < :limit"), {"limit": now - KEPT_FOR}
    )
    return gone.rowcount


@dataclass(frozen=True, slots=True)
class _Stored:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Row:
    connection: AsyncConnection
    merchant_no: int
    principal: Principal
    key: str

    @property
    def _primary(self) -> dict[str, Any]:
        digest = hashlib.sha256(self.key.encode()).digest()[:16]
        return {"merchant_no": self.merchant_no, "client": self.principal.subject, "key_hash": digest}

    async def claim(self, request_hash: bytes, now: datetime) -> bool:
        """True if the key is new; where another request holds it, its end is awaited (at most lock_timeout)."""
        claimed = await self.connection.execute(
            _CLAIM, {**self._primary, "request_hash": request_hash, "created_at": now}
        )
        return claimed.rowcount == 1

    async def replay(self, request_hash: bytes) -> Response:
        found = (await self.connection.execute(_FIND, self._primary)).one_or_none()
        if found is None or found.status is None:
            raise unavailable("The first request with this Idempotency-Key has not ended yet.")
        if found.request_hash != request_hash:
            flaw = Flaw(pointer="/header/idempotency-key", detail="was used for another request")
            raise Problem("idempotency-key-reused", 422, "Idempotency-Key reused", "Choose another key.", [flaw])
        headers = {**found.headers, "Idempotent-Replayed": "true"}
        return _response(_Stored(found.status, headers, found.body))

    async def keep(self, stored: _Stored) -> None:
        await self.connection.execute(
            _KEEP,
            {
                **self._primary,
                "status": stored.status,
                "headers": json.dumps(dict(stored.headers)),
                "body": stored.body,
            },
        )

    async def concern(self, customer_id: UUID) -> None:
        await self.connection.execute(_CONCERN, {**self._primary, "customer_id": customer_id})


def _stored(answer: Answer) -> _Stored:
    if isinstance(answer.body, BaseModel):
        body = answer.body.model_dump_json().encode()
    else:
        body = b"" if answer.body is None else bytes(JSONResponse(dict(answer.body)).body)
    return _Stored(answer.status, answer.headers or {}, body)


def _response(stored: _Stored) -> Response:
    return Response(
        stored.body,
        status_code=stored.status,
        headers=dict(stored.headers),
        media_type="application/json" if stored.body else None,
    )


async def _request_hash(request: Request) -> bytes:
    about = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(about + await request.body()).digest()


_CLAIM = text(
    """
    INSERT INTO idempotency (merchant_no, client, key_hash, request_hash, created_at)
    VALUES (:merchant_no, :client, :key_hash, :request_hash, :created_at) ON CONFLICT DO NOTHING
    """
)
_CONCERN = text(
    """
    UPDATE idempotency SET customer_id = :customer_id
    WHERE (merchant_no, client, key_hash) = (:merchant_no, :client, :key_hash)
    """
)
_FIND = text(
    """
    SELECT request_hash, status, headers, body FROM idempotency
    WHERE (merchant_no, client, key_hash) = (:merchant_no, :client, :key_hash)
    """
)
_KEEP = text(
    """
    UPDATE idempotency SET status = :status, headers = CAST(:headers AS jsonb), body = :body
    WHERE (merchant_no, client, key_hash) = (:merchant_no, :client, :key_hash)
    """
)
