"""Which token opens which route, and that no forged one opens any."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from libs.servicekit.clock import ManualClock
from libs.servicekit.errors import KeysUnavailable, TokenRefused
from libs.servicekit.jwks import KeySet, source, usable_keys
from libs.servicekit.tokens import Principal, Tokens, mint_token, public_jwk, public_jwks
from tests.libs.servicekit.stage import (
    AUDIENCE,
    ISSUER,
    KEY,
    MERCHANT,
    NOW,
    bearer,
    client_of,
    make_app,
    make_kit,
    token,
)

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
STRANGER = Ed25519PrivateKey.generate()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(make_app(make_kit())) as client:
        yield client


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _raw(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    return f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}.{_b64(signature)}"


def _claims(**changes: Any) -> dict[str, Any]:
    at = int(NOW.timestamp())
    known = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ada",
        "scope": "orders:read",
        "iat": at,
        "nbf": at,
        "exp": at + 300,
    }
    claims = {**known, "merchant_id": str(MERCHANT), **changes}
    return {name: value for name, value in claims.items() if value is not None}


def _signed(**changes: Any) -> str:
    return jwt.encode(_claims(**changes), KEY, algorithm="EdDSA", headers={"kid": public_jwk(KEY)["kid"]})


def _hs_with_public_key() -> str:
    """The classic swap: a public key, which everybody has, used as the secret of an HMAC."""
    header = {"alg": "HS256", "typ": "JWT", "kid": public_jwk(KEY)["kid"]}
    signing_input = _raw(header, _claims()).rpartition(".")[0]
    secret = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return f"{signing_input}.{_b64(hmac.digest(secret, signing_input.encode(), hashlib.sha256))}"


FORGED: dict[str, Callable[[], str]] = {
    "alg none": lambda: _raw({"alg": "none", "typ": "JWT", "kid": public_jwk(KEY)["kid"]}, _claims()),
    "alg None in another case": lambda: _raw({"alg": "nOnE", "kid": public_jwk(KEY)["kid"]}, _claims()),
    "HMAC with the public key": _hs_with_public_key,
    "algorithm of another kind of key": lambda: jwt.encode(
        _claims(), RSA_KEY, algorithm="RS256", headers={"kid": public_jwk(KEY)["kid"]}
    ),
    "unknown kid": lambda: mint_token(
        STRANGER, issuer=ISSUER, audience=AUDIENCE, subject="eve", scopes=["orders:read"], now=NOW
    ),
    "known kid, other key": lambda: jwt.encode(
        _claims(), STRANGER, algorithm="EdDSA", headers={"kid": public_jwk(KEY)["kid"]}
    ),
    "no kid": lambda: jwt.encode(_claims(), KEY, algorithm="EdDSA"),
    "other audience": lambda: token("orders:read", audience="huitou-messaging"),
    "audience as a prefix only": lambda: token("orders:read", audience="huitou-"),
    "no audience": lambda: _signed(aud=None),
    "other issuer": lambda: token("orders:read", issuer="https://evil.example"),
    "no issuer": lambda: _signed(iss=None),
    "no expiry": lambda: _signed(exp=None),
    "expiry that is no number": lambda: _signed(exp="tomorrow"),
    "expired": lambda: token("orders:read", now=NOW - timedelta(minutes=10), lifetime=timedelta(minutes=5)),
    "not yet valid": lambda: token("orders:read", now=NOW + timedelta(minutes=5)),
    "no subject": lambda: _signed(sub=None),
    "scope as a list": lambda: _signed(scope=["orders:read"]),
    "merchant that is no id": lambda: _signed(merchant_id="1 OR 1=1"),
    "not a token": lambda: "a.b.c",
    "cut short": lambda: token("orders:read")[:-8],
}


@pytest.mark.parametrize("forgery", FORGED)
async def test_a_token_that_proves_nothing_is_answered_401(client: httpx.AsyncClient, forgery: str) -> None:
    answer = await client.get("/v1/orders", headers={"Authorization": f"Bearer {FORGED[forgery]()}"})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert answer.json()["type"] == "urn:huitou:problem:unauthorized"


@pytest.mark.parametrize("header", [None, "", "Basic YWRhOmFkYQ==", "Bearer", "Bearer "])
async def test_no_token_is_answered_401(client: httpx.AsyncClient, header: str | None) -> None:
    answer = await client.get("/v1/orders", headers={} if header is None else {"Authorization": header})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("held", "status"),
    [
        (["orders:read"], 200),
        (["orders:*"], 200),
        (["customers:read", "orders:read"], 200),
        ([], 403),
        (["orders:write"], 403),
        (["order:read"], 403),
        (["customers:*"], 403),
        (["*"], 403),
        (["*:*"], 403),
        (["orders"], 403),
    ],
)
async def test_only_the_routes_own_scope_opens_it(client: httpx.AsyncClient, held: list[str], status: int) -> None:
    answer = await client.get("/v1/orders", headers=bearer(*held))

    assert answer.status_code == status
    if status == 403:
        assert 'error="insufficient_scope", scope="orders:read"' in answer.headers["www-authenticate"]


async def test_the_merchant_is_the_tokens(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/orders", headers=bearer("orders:read"))

    assert answer.json() == {"subject": "ada", "merchant_id": str(MERCHANT), "status": None}


async def test_a_token_without_merchant_cannot_act_for_one(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/orders", headers=bearer("orders:read", merchant_id=None))

    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:huitou:problem:merchant-required"


@pytest.mark.parametrize(("late", "status"), [(59, 200), (61, 401)])
async def test_clocks_may_differ_by_a_minute(late: int, status: int) -> None:
    clock = ManualClock(NOW + timedelta(seconds=300 + late))
    async with client_of(make_app(make_kit(clock=clock))) as client:
        answer = await client.get("/v1/orders", headers=bearer("orders:read"))

    assert answer.status_code == status


@pytest.mark.parametrize("key", [RSA_KEY, EC_KEY, KEY], ids=["RS256", "ES256", "EdDSA"])
async def test_the_allowed_algorithms_work(key: Any) -> None:
    tokens = _tokens(public_jwks(key))
    minted = mint_token(key, issuer=ISSUER, audience=["x", AUDIENCE], subject="s", scopes=["a", "b"], now=NOW)

    assert await tokens.verify(minted) == Principal("s", None, frozenset({"a", "b"}))


async def test_a_service_token_lives_for_a_minute_and_opens_one_door() -> None:
    minted = mint_token(
        KEY, issuer=ISSUER, audience=AUDIENCE, subject="service:x", scopes=["a"], now=NOW, merchant_id=MERCHANT
    )
    claims = jwt.decode(minted, options={"verify_signature": False})

    assert claims["exp"] - claims["iat"] == 60
    assert UUID(claims["merchant_id"]) == MERCHANT


def test_symmetric_and_unnamed_keys_never_get_into_the_set() -> None:
    rsa_jwk = public_jwk(RSA_KEY)
    document = {
        "keys": [
            {"kty": "oct", "kid": "shared", "k": _b64(b"s" * 32), "alg": "HS256"},
            {**rsa_jwk, "kid": ""},
            {**rsa_jwk, "kid": "for-encryption", "use": "enc"},
            {**rsa_jwk, "kid": "another-hash", "alg": "RS512"},
            {"kty": "EC", "kid": "broken", "crv": "P-256", "x": "?", "y": "?"},
            "not a key",
            rsa_jwk,
        ]
    }

    assert set(usable_keys(document)) == {rsa_jwk["kid"]}


class Issuer:
    """A key set that can be rotated and taken away, and that counts how often it is read."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document: dict[str, Any] | None = document
        self.reads = 0

    async def __call__(self) -> dict[str, Any]:
        self.reads += 1
        if self.document is None:
            raise OSError("away")
        return self.document


def _tokens(document: dict[str, Any]) -> Tokens:
    clock = ManualClock(NOW)
    return Tokens(KeySet(Issuer(document), clock), clock, issuer=ISSUER, audience=AUDIENCE)


async def test_unknown_keys_make_the_set_be_read_again_only_every_half_minute() -> None:
    issuer, clock = Issuer(public_jwks(KEY)), ManualClock(NOW)
    keys = KeySet(issuer, clock)
    for number in range(50):
        assert await keys.key(f"guess-{number}") is None
    assert issuer.reads == 1

    issuer.document = public_jwks(KEY, STRANGER)
    clock.advance(timedelta(seconds=31))
    assert await keys.key(public_jwk(STRANGER)["kid"]) is not None
    assert issuer.reads == 2


async def test_a_withdrawn_key_is_forgotten_within_the_lifespan() -> None:
    issuer, clock = Issuer(public_jwks(KEY, STRANGER)), ManualClock(NOW)
    keys = KeySet(issuer, clock)
    assert await keys.key(public_jwk(STRANGER)["kid"]) is not None

    issuer.document = public_jwks(KEY)
    clock.advance(timedelta(minutes=5))

    assert await keys.key(public_jwk(STRANGER)["kid"]) is None


async def test_known_keys_outlive_an_outage_of_the_issuer() -> None:
    issuer, clock = Issuer(public_jwks(KEY)), ManualClock(NOW)
    keys = KeySet(issuer, clock)
    assert await keys.key(public_jwk(KEY)["kid"]) is not None

    issuer.document = None
    clock.advance(timedelta(hours=1))

    assert await keys.key(public_jwk(KEY)["kid"]) is not None


async def test_without_any_key_nobody_is_judged() -> None:
    issuer, clock = Issuer({}), ManualClock(NOW)
    tokens = Tokens(KeySet(issuer, clock), clock, issuer=ISSUER, audience=AUDIENCE)

    with pytest.raises(KeysUnavailable):
        await tokens.verify(token("orders:read"))


async def test_requests_wait_for_the_first_read_of_the_keys() -> None:
    clock, reading, read_on = ManualClock(NOW), asyncio.Event(), asyncio.Event()

    async def slow() -> dict[str, Any]:
        reading.set()
        await read_on.wait()
        return public_jwks(KEY)

    tokens = Tokens(KeySet(slow, clock), clock, issuer=ISSUER, audience=AUDIENCE)
    first = asyncio.create_task(tokens.verify(token("orders:read")))
    await reading.wait()
    second = asyncio.create_task(tokens.verify(token("orders:read")))
    await asyncio.sleep(0)  # the second asks while the first still reads
    read_on.set()

    assert (await first, await second) == (await first, await first)


async def test_a_key_set_is_read_from_a_file(tmp_path: Any) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(public_jwks(KEY)))
    clock = ManualClock(NOW)
    tokens = Tokens(KeySet(source(str(path)), clock), clock, issuer=ISSUER, audience=AUDIENCE)

    assert (await tokens.verify(token("a"))).scopes == {"a"}


async def test_the_refusal_does_not_show_the_token() -> None:
    forged = FORGED["other audience"]()

    with pytest.raises(TokenRefused) as refused:
        await _tokens(public_jwks(KEY)).verify(forged)

    assert forged not in str(refused.value)


_PARKED = "/v1/ops/parked_events"


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/ops/lag", "ops:read"),
        ("GET", _PARKED, "ops:read"),
        ("GET", f"{_PARKED}/order-ingest.commerce.3.4", "ops:read"),
        ("POST", f"{_PARKED}/order-ingest.commerce.3.4/replays", "ops:replay"),
        ("POST", f"{_PARKED}/order-ingest.commerce.3.4/discards", "ops:replay"),
        ("POST", "/v1/ops/skips", "ops:write"),
        ("POST", "/v1/ops/rewinds", "ops:write"),
        ("GET", "/v1/jobs/018f0000-0000-7000-8000-000000000001", "jobs:read"),
        ("GET", "/v1/jobs/018f0000-0000-7000-8000-000000000001/events", "jobs:read"),
        ("GET", "/v1/audit_log", "audit_log:read"),
    ],
)
async def test_each_route_needs_its_scope(client: httpx.AsyncClient, method: str, path: str, scope: str) -> None:
    others = {"ops:read", "ops:replay", "ops:write", "jobs:read", "audit_log:read"} - {scope}
    nobody = await client.request(method, path, json={"reason": "because"})
    somebody = await client.request(method, path, json={"reason": "because"}, headers=bearer(*others))

    assert (nobody.status_code, somebody.status_code) == (401, 403)
    assert f'scope="{scope}"' in somebody.headers["www-authenticate"]
