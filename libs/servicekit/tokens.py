"""JWT bearer tokens: signed for the local stack, the tests and calls between services; verified for every request."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from libs.servicekit.clock import Clock
from libs.servicekit.errors import TokenRefused
from libs.servicekit.jwks import KeySet
from libs.servicekit.problems import Problem

LEEWAY: Final = timedelta(seconds=60)
SERVICE_TOKEN_LIFETIME: Final = timedelta(seconds=60)
_REQUIRED: Final = ("iss", "aud", "sub", "exp", "iat")

PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: a person or a service, for one merchant or (scope `platform`) for none."""

    subject: str
    merchant_id: UUID | None
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """True if the token has `scope`, or its whole family (`orders:*` covers `orders:read`)."""
        family = scope.partition(":")[0] + ":*"
        return scope in self.scopes or (":" in scope and family in self.scopes)

    @property
    def merchant(self) -> UUID:
        """The merchant that the request is about.

        Raises:
            Problem: 403, the token is not a merchant's.
        """
        if self.merchant_id is None:
            raise Problem("merchant-required", 403, "Forbidden", "This needs a token with a merchant_id claim.")
        return self.merchant_id


def mint_token(
    private_key: PrivateKey,
    *,
    issuer: str,
    audience: str | Sequence[str],
    subject: str,
    scopes: Iterable[str],
    now: datetime,
    merchant_id: UUID | None = None,
    lifetime: timedelta = SERVICE_TOKEN_LIFETIME,
) -> str:
    """A signed token, valid from `now` for `lifetime` (60 s unless said otherwise)."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": audience if isinstance(audience, str) else list(audience),
        "sub": subject,
        "scope": " ".join(sorted(scopes)),
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
    }
    if merchant_id is not None:
        claims["merchant_id"] = str(merchant_id)
    public = public_jwk(private_key)
    return jwt.encode(claims, private_key, algorithm=public["alg"], headers={"kid": public["kid"]})


def public_jwks(*private_keys: PrivateKey) -> dict[str, Any]:
    """The document that lets others verify what these keys sign."""
    return {"keys": [public_jwk(key) for key in private_keys]}


def public_jwk(private_key: PrivateKey) -> dict[str, str]:
    """The public half, named by its thumbprint. Source: RFC 7517, RFC 7638."""
    if isinstance(private_key, Ed25519PrivateKey):
        text, algorithm = OKPAlgorithm.to_jwk(private_key.public_key()), "EdDSA"
    elif isinstance(private_key, EllipticCurvePrivateKey):
        text, algorithm = ECAlgorithm.to_jwk(private_key.public_key()), "ES256"
    else:
        text, algorithm = RSAAlgorithm.to_jwk(private_key.public_key()), "RS256"
    jwk: Mapping[str, str] = json.loads(text)
    named = {name: jwk[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in jwk}
    digest = hashlib.sha256(json.dumps(named, separators=(",", ":"), sort_keys=True).encode()).digest()
    return {**named, "kid": urlsafe_b64encode(digest).rstrip(b"=").decode(), "alg": algorithm, "use": "sig"}


class Tokens:
    """Verifies the bearer tokens of one service."""

    def __init__(self, keys: KeySet, clock: Clock, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        # Expiry is judged below by our own clock, so that time is an argument here too.
        self._jwt = jwt.PyJWT(
            options={
                "require": list(_REQUIRED),
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "enforce_minimum_key_length": True,
            }
        )

    async def verify(self, token: str) -> Principal:
        """Who the token says is asking.

        Raises:
            TokenRefused: why the token proves nothing.
            KeysUnavailable: the issuer's keys could not be read so far.
        """
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = await self._keys.key(kid) if kid else None
            if key is None:
                raise TokenRefused("it is signed with an unknown key")
            # The algorithm is the key's own; the token's header only has to agree.
            claims = self._jwt.decode(
                token, key, algorithms=[key.algorithm_name], audience=self._audience, issuer=self._issuer
            )
        except jwt.PyJWTError as error:
            raise TokenRefused(_reason(error)) from error
        self._check_times(claims)
        return _principal(claims)

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now, leeway = self._clock.now().timestamp(), LEEWAY.total_seconds()
        if now >= _instant(claims, "exp") + leeway:
            raise TokenRefused("it has expired")
        if now < max(_instant(claims, "nbf", default=0.0), _instant(claims, "iat")) - leeway:
            raise TokenRefused("it is not valid yet")


def _instant(claims: Mapping[str, Any], name: str, *, default: float | None = None) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(f"its {name} is not a number")
    return float(value)


def _principal(claims: Mapping[str, Any]) -> Principal:
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise TokenRefused("its scope is not a string")
    try:
        merchant_id = UUID(claims["merchant_id"]) if claims.get("merchant_id") is not None else None
    except (ValueError, TypeError, AttributeError) as error:
        raise TokenRefused("its merchant_id is not a UUID") from error
    return Principal(str(claims["sub"]), merchant_id, frozenset(scope.split()))


def _reason(error: jwt.PyJWTError) -> str:
    """What may be told of the refusal: enough to repair a set-up, nothing about keys."""
    if isinstance(error, jwt.InvalidAudienceError):
        return "it is meant for another audience"
    if isinstance(error, jwt.InvalidIssuerError):
        return "it comes from another issuer"
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"it has no {error.claim}"
    if isinstance(error, jwt.InvalidAlgorithmError):
        return "its algorithm is not allowed"
    return "it is malformed or its signature is wrong"
