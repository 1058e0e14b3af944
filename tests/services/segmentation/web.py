"""The real application over a test's database, and a client with a token for it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libs.servicekit.auth import mint_token, public_jwks
from libs.servicekit.clock import ManualClock
from libs.servicekit.database import Database, create_engine
from libs.servicekit.health import Health
from libs.servicekit.kit import open_kit
from services.segmentation.bootstrap import application
from services.segmentation.settings import Settings

ISSUER = "https://issuer.example"
AUDIENCE = "huitou-segmentation"
SCOPES = ("customers:read", "segments:read", "measures:read")
NOW = datetime(2026, 2, 1, tzinfo=UTC)
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def settings() -> Settings:
    return Settings(
        auth_issuer=ISSUER,
        auth_jwks="unused",
        seal_keys=Fernet.generate_key().decode(),
        match_key="bWF0Y2gta2V5LW9mLXRoZS10ZXN0cw==",
        vault_keys="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    )


def bearer(merchant_id: UUID, *scopes: str, now: datetime = NOW) -> dict[str, str]:
    """The header of somebody who works for the merchant."""
    token = mint_token(
        _KEY,
        issuer=ISSUER,
        audience=AUDIENCE,
        subject="ada",
        scopes=scopes or SCOPES,
        merchant_id=merchant_id,
        now=now,
        lifetime=timedelta(minutes=5),
    )
    return {"Authorization": f"Bearer {token}"}


async def _keys() -> Mapping[str, Any]:
    return public_jwks(_KEY)


@asynccontextmanager
async def client_of(api_url: str, merchant_id: UUID, *, now: datetime = NOW) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application over that database, as one of the merchant's people."""
    clock = ManualClock(now)
    database = Database(create_engine(api_url, "api", pool_size=2), source="segmentation", clock=clock)
    kit = open_kit("segmentation", settings(), clock=clock, database=database, health=Health(), keys=_keys)
    transport = httpx.ASGITransport(app=application(kit, settings()), raise_app_exceptions=False)
    headers = bearer(merchant_id, now=now)
    async with httpx.AsyncClient(transport=transport, base_url="http://segmentation", headers=headers) as client:
        yield client
    await database.close()
