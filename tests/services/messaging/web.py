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
from libs.servicekit.clock import Clock
from libs.servicekit.database import Database, create_engine
from libs.servicekit.health import Health
from libs.servicekit.kit import open_kit
from services.messaging.application.ports import Renderer
from services.messaging.bootstrap import application
from services.messaging.settings import Settings
from tests.services.messaging.facts import MATCH_KEY, MERCHANT, VAULT_KEY

ISSUER = "https://issuer.example"
AUDIENCE = "huitou-messaging"
SCOPES = ("contacts:*", "messages:read", "templates:*", "suppressions:*", "policies:*")
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def settings(**changes: Any) -> Settings:
    """Settings whose keys are those of the test's facts."""
    known = {
        "auth_issuer": ISSUER,
        "auth_jwks": "unused",
        "seal_keys": Fernet.generate_key().decode(),
        "match_key": MATCH_KEY,
        "vault_keys": VAULT_KEY,
        "public_url": "http://mail.example",
    }
    return Settings(**{**known, **changes})


async def _keys() -> Mapping[str, Any]:
    return public_jwks(_KEY)


@asynccontextmanager
async def client_of(
    api_url: str,
    renderer: Renderer,
    clock: Clock,
    *,
    merchant_id: UUID | None = MERCHANT,
    scopes: tuple[str, ...] = SCOPES,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application over that database, as one of the merchant's people; without a merchant: nobody."""
    database = Database(create_engine(api_url, "api", pool_size=2), source="messaging", clock=clock)
    kit = open_kit("messaging", settings(), clock=clock, database=database, health=Health(), keys=_keys)
    headers = {}
    if merchant_id is not None:
        token = mint_token(
            _KEY,
            issuer=ISSUER,
            audience=AUDIENCE,
            subject="ada",
            scopes=scopes,
            merchant_id=merchant_id,
            now=clock.now(),
            lifetime=timedelta(minutes=5),
        )
        headers["Authorization"] = f"Bearer {token}"
    transport = httpx.ASGITransport(app=application(kit, settings(), renderer), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://messaging", headers=headers) as client:
        yield client
    await database.close()
