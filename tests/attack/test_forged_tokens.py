"""No forged, borrowed or outlived token opens a route of a running service."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deploy.local.databases import SERVICES
from deploy.local.local_tokens import AUDIENCE_PREFIX, ISSUER, MERCHANT_SCOPES, service_name
from libs.servicekit.tokens import public_jwk
from tests.running import Running

EVERY_SERVICE = pytest.mark.parametrize("service", SERVICES)

_PROTECTED: Final = {
    "order_ingest": "/v1/orders",
    "loyalty": "/v1/programmes",
    "segmentation": "/v1/segments",
    "messaging": "/v1/templates",
}
_STRANGER: Final = Ed25519PrivateKey.generate()
_RSA: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@EVERY_SERVICE
@pytest.mark.parametrize(
    "attack",
    [
        "none",
        "hs_with_the_public_key",
        "hs_with_the_public_pem",
        "rs_under_our_name",
        "stranger_under_our_name",
        "unknown_kid",
        "kid_is_a_path",
        "own_key_in_header",
        "wrong_audience",
        "wrong_issuer",
        "expired",
        "never_expires",
        "not_yet",
        "changed_claims",
    ],
)
async def test_a_forged_token_opens_nothing(running: Running, service: str, attack: str) -> None:
    forgery = _FORGERIES[attack](running, service)

    async with running.client(service, forgery) as client:
        refused = await client.get(_PROTECTED[service])

    assert refused.status_code == 401, refused.text
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert forgery not in refused.text


@EVERY_SERVICE
async def test_the_genuine_token_that_the_forgeries_start_from_opens(running: Running, service: str) -> None:
    async with running.client(service, _signed(running, service)) as client:
        opened = await client.get(_PROTECTED[service])

    assert opened.status_code == 200


def _claims(running: Running, service: str, **changes: Any) -> dict[str, Any]:
    at = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE_PREFIX + service_name(service),
        "sub": "mallory",
        "scope": " ".join(MERCHANT_SCOPES),
        "merchant_id": str(running.ours.merchant_id),
        "iat": at,
        "nbf": at,
        "exp": at + 300,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def _kid(running: Running) -> str:
    return public_jwk(running.keys.signing)["kid"]


def _signed(running: Running, service: str, **changes: Any) -> str:
    claims = _claims(running, service, **changes)
    return jwt.encode(claims, running.keys.signing, algorithm="EdDSA", headers={"kid": _kid(running)})


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _handmade(header: Mapping[str, Any], claims: Mapping[str, Any], key: bytes | None) -> str:
    """A token as no library would make it."""
    text = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
    signature = hmac.digest(key, text.encode(), hashlib.sha256) if key is not None else b""
    return f"{text}.{_b64(signature)}"


def _hs(running: Running, service: str, encoding: Encoding, kind: PublicFormat) -> str:
    """The classic swap: the public key, which everybody has, as the secret of an HMAC."""
    key = running.keys.signing.public_key().public_bytes(encoding, kind)
    return _handmade({"alg": "HS256", "kid": _kid(running)}, _claims(running, service), key)


def _changed(running: Running, service: str) -> str:
    header, _, signature = _signed(running, service).split(".")
    claims = _claims(running, service, merchant_id=str(running.theirs.merchant_id))
    return f"{header}.{_b64(json.dumps(claims).encode())}.{signature}"


def _own_key(running: Running, service: str) -> str:
    headers = {"kid": _kid(running), "jwk": public_jwk(_STRANGER)}
    return jwt.encode(_claims(running, service), _STRANGER, algorithm="EdDSA", headers=headers)


def _hours(count: int) -> int:
    return int((datetime.now(UTC) + timedelta(hours=count)).timestamp())


_FORGERIES: Final[Mapping[str, Callable[[Running, str], str]]] = {
    "none": lambda r, s: _handmade({"alg": "none", "kid": _kid(r)}, _claims(r, s), None),
    "hs_with_the_public_key": lambda r, s: _hs(r, s, Encoding.Raw, PublicFormat.Raw),
    "hs_with_the_public_pem": lambda r, s: _hs(r, s, Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "rs_under_our_name": lambda r, s: jwt.encode(_claims(r, s), _RSA, algorithm="RS256", headers={"kid": _kid(r)}),
    "stranger_under_our_name": lambda r, s: jwt.encode(
        _claims(r, s), _STRANGER, algorithm="EdDSA", headers={"kid": _kid(r)}
    ),
    "unknown_kid": lambda r, s: jwt.encode(_claims(r, s), _STRANGER, algorithm="EdDSA", headers={"kid": "unknown"}),
    "kid_is_a_path": lambda r, s: jwt.encode(
        _claims(r, s), _STRANGER, algorithm="EdDSA", headers={"kid": "../../../dev/null"}
    ),
    "own_key_in_header": _own_key,
    "wrong_audience": lambda r, s: _signed(r, s, aud="huitou-somebody-else"),
    "wrong_issuer": lambda r, s: _signed(r, s, iss="https://issuer.example"),
    "expired": lambda r, s: _signed(r, s, iat=_hours(-2), nbf=_hours(-2), exp=_hours(-1)),
    "never_expires": lambda r, s: _signed(r, s, exp=None),
    "not_yet": lambda r, s: _signed(r, s, nbf=_hours(1)),
    "changed_claims": _changed,
}
