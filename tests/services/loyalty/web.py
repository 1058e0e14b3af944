"""The real application over a test's database, and a client with a token for it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libs.servicekit.auth import mint_token, public_jwks
from libs.servicekit.health import Health
from libs.servicekit.kit import open_kit
from services.loyalty.bootstrap import application
from services.loyalty.settings import Settings
from tests.services.loyalty.facts import MERCHANT
from tests.services.loyalty.stage import Stage

ISSUER = "https://issuer.example"
AUDIENCE = "huitou-loyalty"
SCOPES = (
    "members:read",
    "adjustments:write",
    "programmes:read",
    "programmes:write",
    "ledger:read",
    "audit_log:read",
)
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def settings() -> Settings:
    return Settings(
        auth_issuer=ISSUER,
        auth_jwks="unused",
        seal_keys=Fernet.generate_key().decode(),
        match_key="bWF0Y2gta2V5LW9mLXRoZS10ZXN0cw==",
        vault_keys="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    )


def bearer(stage: Stage, merchant_id: UUID, *scopes: str) -> dict[str, str]:
    """The header of somebody who works for the merchant."""
    token = mint_token(
        _KEY,
        issuer=ISSUER,
        audience=AUDIENCE,
        subject="ada",
        scopes=scopes or SCOPES,
        merchant_id=merchant_id,
        now=stage.clock.now(),
        lifetime=timedelta(days=400),
    )
    return {"Authorization": f"Bearer {token}"}


async def _keys() -> Mapping[str, Any]:
    return public_jwks(_KEY)


@asynccontextmanager
async def client_of(stage: Stage, merchant_id: UUID = MERCHANT) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application over the stage's database, as one of the merchant's people."""
    kit = open_kit("loyalty", settings(), clock=stage.clock, database=stage.api, health=Health(), keys=_keys)
    transport = httpx.ASGITransport(app=application(kit), raise_app_exceptions=False)
    headers = bearer(stage, merchant_id)
    async with httpx.AsyncClient(transport=transport, base_url="http://loyalty", headers=headers) as client:
        yield client
