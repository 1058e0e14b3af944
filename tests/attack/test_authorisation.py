"""Who may call what: the matrix in scopes.csv, the documents and the running services agree; no forged token opens one.

A new route needs its line in scopes.csv, written by a person: that is the file's purpose.
"""

import base64
import csv
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deploy.local.databases import SERVICES
from deploy.local.local_tokens import AUDIENCE_PREFIX, ISSUER, MERCHANT_SCOPES, service_name
from libs.servicekit.tokens import public_jwk
from tests.operations import PLATFORMS, Operation, all_operations
from tests.running import Running

EVERY_SERVICE = pytest.mark.parametrize("service", SERVICES)

_MATRIX: Final = Path(__file__).with_name("scopes.csv")
_PUBLIC: Final = "public"
PUBLIC_ROUTES: Final = frozenset(
    {
        ("order_ingest", "POST", "/v1/hooks/{platform}/{endpoint_token}"),  # proved by its signature
        ("messaging", "GET", "/v1/u/{token}"),  # proved by the token in the mail
        ("messaging", "POST", "/v1/u/{token}"),
    }
)
UNDOCUMENTED_PUBLIC: Final = ("/livez", "/readyz", "/metrics", "/docs", "/openapi.json", "/asyncapi.json")
_EVERY_SCOPE: Final = (*MERCHANT_SCOPES, "jobs:*", "audit_log:*", "ops:*", "platform")
_NOBODYS_ID: Final = "00000000-0000-7000-8000-000000000000"
_PROTECTED: Final = {
    "order_ingest": "/v1/orders",
    "loyalty": "/v1/programmes",
    "segmentation": "/v1/segments",
    "messaging": "/v1/templates",
}
_STRANGER: Final = Ed25519PrivateKey.generate()
_RSA: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)


async def test_the_documents_say_what_the_matrix_says(running: Running) -> None:
    with _MATRIX.open() as rows:
        matrix = {(row["service"], row["method"], row["path"]): row["scope"] for row in csv.DictReader(rows)}

    told = {each.key: " ".join(each.scopes) or _PUBLIC for each in await all_operations(running)}

    assert told == matrix
    assert {key for key, scope in matrix.items() if scope == _PUBLIC} == PUBLIC_ROUTES


@EVERY_SERVICE
async def test_without_a_token_nothing_opens(running: Running, service: str) -> None:
    answers = await _asked(running, service, lambda operation: None)

    assert {operation: status for operation, status in answers.items() if status != 401} == {}


@EVERY_SERVICE
async def test_every_other_scope_together_does_not_open_a_route(running: Running, service: str) -> None:
    def token(operation: Operation) -> str:
        family = operation.scopes[0].partition(":")[0]
        others = {*_EVERY_SCOPE, *_siblings(operation.scopes[0])}
        return running.token(
            None if operation.is_platforms else running.ours,
            scopes=[each for each in others if each not in (f"{family}:*", operation.scopes[0])],
        )

    answers = await _asked(running, service, token)

    assert {operation: status for operation, status in answers.items() if status != 403} == {}


@EVERY_SERVICE
async def test_a_routes_own_scope_opens_it(running: Running, service: str) -> None:
    def token(operation: Operation) -> str:
        return running.token(None if operation.is_platforms else running.ours, scopes=operation.scopes)

    answers = await _asked(running, service, token)

    assert {operation: status for operation, status in answers.items() if status in (401, 403) or status >= 500} == {}


@EVERY_SERVICE
async def test_a_token_without_merchant_opens_no_merchants_route(running: Running, service: str) -> None:
    answers = await _asked(running, service, lambda operation: running.token(None, scopes=_EVERY_SCOPE))
    merchants = {each: status for each, status in answers.items() if "/ops/" not in each and not _is_platforms(each)}

    assert {each: status for each, status in merchants.items() if status not in (403, 404, 422)} == {}
    assert 403 in merchants.values()


@EVERY_SERVICE
async def test_a_merchants_operator_moves_no_lane(running: Running, service: str) -> None:
    async with running.client(service, running.token(running.ours, scopes=["ops:*"])) as client:
        skip = {"source": "order-ingest", "topic": "commerce", "lane": 1, "sequence": 1, "reason": "for no reason"}
        answers = [
            await client.post("/v1/ops/skips", json=skip),
            await client.post("/v1/ops/rewinds", json={"topic": "commerce", "reason": "for no reason"}),
        ]

    assert [answer.status_code for answer in answers] == [403, 403]


@EVERY_SERVICE
async def test_public_pages_need_no_token_and_show_no_merchant(running: Running, service: str) -> None:
    async with running.client(service) as client:
        pages = [await client.get(path) for path in UNDOCUMENTED_PUBLIC]

    assert [page.status_code for page in pages] == [200] * len(UNDOCUMENTED_PUBLIC)
    assert not [page.url.path for page in pages if str(running.ours.merchant_id) in page.text]


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


def _is_platforms(operation: str) -> bool:
    return operation.split()[-1] in PLATFORMS


def _siblings(scope: str) -> set[str]:
    """The other rights on the same resource, and those of a resource whose name begins alike."""
    family, _, right = scope.partition(":")
    return {f"{family}:{other}" for other in ("read", "write", "replay") if other != right and right} | {f"{family}x:*"}


async def _asked(running: Running, service: str, token: Callable[[Operation], str | None]) -> dict[str, int]:
    """Each protected operation's answer to a request that could do nothing even if it got through."""
    answers = {}
    async with running.client(service) as client:
        for operation in await all_operations(running):
            if operation.service == service and not operation.is_public:
                answers[str(operation)] = await _status(client, operation, token(operation))
    return answers


async def _status(client: httpx.AsyncClient, operation: Operation, token: str | None) -> int:
    path = operation.path.replace("{group}", "champions").replace("{number}", "999999")
    path = path.replace("{parked_id}", "order-ingest.nothing.1.1")
    path = re.sub(r"\{\w+\}", _NOBODYS_ID, path)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = b"{}" if "requestBody" in operation.told else None
    if body:
        headers["Content-Type"] = "application/json"
    return (await client.request(operation.method, path, headers=headers, content=body)).status_code


def _claims(running: Running, service: str, **changes: Any) -> dict[str, Any]:
    at = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE_PREFIX + service_name(service),
        "sub": "mallory",
        "scope": " ".join(_EVERY_SCOPE),
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
