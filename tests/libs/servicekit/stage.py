"""An application to try the kit on: keys, tokens, a client, and routes that do one thing each."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import httpx
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, FastAPI, Request, Security
from pydantic import BaseModel, Field

from libs.servicekit.auth import Principal, authenticated, mint_token, public_jwks
from libs.servicekit.clock import ManualClock
from libs.servicekit.database import Database, create_engine
from libs.servicekit.health import Health
from libs.servicekit.http import Mounted, create_app
from libs.servicekit.kit import Kit, Unread, open_kit
from libs.servicekit.settings import CommonSettings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ISSUER = "https://issuer.example"
AUDIENCE = "huitou-loyalty"
MERCHANT = UUID("018f0000-0000-7000-8000-000000000001")
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def settings(**changes: Any) -> CommonSettings:
    """Settings that reach nothing."""
    known = {
        "database_api_url": NOWHERE,
        "database_worker_url": NOWHERE,
        "bus_url": NOWHERE,
        "auth_issuer": ISSUER,
        "auth_jwks": "unused",
        "seal_keys": Fernet.generate_key().decode(),
        "match_key": "bWF0Y2gta2V5LW9mLXRoZS10ZXN0cw==",
        "vault_keys": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    }
    return CommonSettings(**{**known, **changes})


def token(
    *scopes: str,
    merchant_id: UUID | None = MERCHANT,
    audience: str | Sequence[str] = AUDIENCE,
    issuer: str = ISSUER,
    now: datetime = NOW,
    lifetime: timedelta = timedelta(minutes=5),
    subject: str = "ada",
) -> str:
    """A token that the stage accepts, unless an argument makes it wrong."""
    return mint_token(
        KEY,
        issuer=issuer,
        audience=audience,
        subject=subject,
        scopes=scopes,
        merchant_id=merchant_id,
        now=now,
        lifetime=lifetime,
    )


def bearer(*scopes: str, **changes: Any) -> dict[str, str]:
    """The header with such a token."""
    return {"Authorization": f"Bearer {token(*scopes, **changes)}"}


class Line(BaseModel):
    """A body to be wrong about."""

    quantity: int = Field(gt=0)


class Order(BaseModel):
    """A body with a list in it."""

    number: str
    lines: list[Line]


router = APIRouter(prefix="/v1")


@router.get("/orders")
async def list_orders(
    principal: Annotated[Principal, Security(authenticated, scopes=["orders:read"])], status: str | None = None
) -> dict[str, Any]:
    return {"subject": principal.subject, "merchant_id": str(principal.merchant), "status": status}


@router.post("/orders", status_code=201)
async def create_order(
    order: Order, principal: Annotated[Principal, Security(authenticated, scopes=["orders:write"])]
) -> Order:
    return order


@router.get("/failures/{kind}")
async def fail(kind: str, request: Request) -> None:
    raise request.app.state.failures[kind]


@router.post("/uploads/{kind}")
async def upload(kind: str, request: Request) -> int:
    return len(await request.body())


async def _swallow(scope: Any, receive: Any, send: Any) -> None:
    """A plain-ASGI part that reads its whole body."""
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _keys() -> Mapping[str, Any]:
    return public_jwks(KEY)


def make_kit(
    *, database: Database | None = None, clock: ManualClock | None = None, bus: Unread | None = None, **changes: Any
) -> Kit:
    """A kit whose issuer has `KEY` only."""
    clock = clock or ManualClock(NOW)
    database = database or Database(create_engine(NOWHERE, "api"), source="loyalty", clock=clock)
    return open_kit(
        "loyalty", settings(**changes), clock=clock, database=database, health=Health(), bus=bus, keys=_keys
    )


def make_app(
    kit: Kit, routers: Sequence[APIRouter] = (router,), failures: Mapping[str, Exception] | None = None
) -> FastAPI:
    """The stage's application."""
    app = create_app(
        kit,
        title="Stage",
        description="An application to try the kit on.",
        version="1.2.3",
        routers=routers,
        mounted=[Mounted("/v1/hooks", _swallow, {"/v1/hooks/{token}": {"post": {"responses": {"200": {}}}}})],
        body_limits={"/v1/uploads/large": 4 << 20},
    )
    app.state.failures = dict(failures or {})
    return app


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that talks to `app` without a socket."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://stage") as client:
        yield client
