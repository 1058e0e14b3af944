"""Who may call a route: `Annotated[Principal, Security(authenticated, scopes=["orders:read"])]`."""

from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from libs.servicekit.errors import KeysUnavailable, TokenRefused
from libs.servicekit.kit import kit
from libs.servicekit.problems import Problem, unavailable
from libs.servicekit.rate_limit import too_many
from libs.servicekit.tokens import Principal, Tokens, mint_token, public_jwks

SCHEME_NAME: Final = "bearer"

_bearer = HTTPBearer(
    bearerFormat="JWT",
    scheme_name=SCHEME_NAME,
    description="A JWT of the configured issuer. Its `merchant_id` says whose rows, its `scope` says which routes.",
    auto_error=False,
)


async def authenticated(
    request: Request,
    needed: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    """The caller, who has every scope that the route asks for.

    Raises:
        Problem: 401 without a valid token, 403 where a scope is missing, 429 beyond the allowance,
            503 while no token can be judged.
    """
    if credentials is None:
        raise _unauthorized("Send `Authorization: Bearer <token>`.", challenge="Bearer")
    try:
        principal = await kit(request).tokens.verify(credentials.credentials)
    except TokenRefused as refusal:
        raise _unauthorized(f"The token is refused: {refusal}.", challenge='Bearer error="invalid_token"') from refusal
    except KeysUnavailable as outage:
        raise unavailable("The issuer's keys cannot be read; nothing was done.") from outage
    missing = [scope for scope in needed.scopes if not principal.may(scope)]
    if missing:
        raise _forbidden(missing)
    _count(request, principal)
    return principal


def _count(request: Request, principal: Principal) -> None:
    the_kit = kit(request)
    allowance = the_kit.callers.take(f"{principal.subject} {principal.merchant_id}", the_kit.clock.now())
    request.state.rate_limit = allowance.header  # the outermost ring writes it into whatever answer this ends in
    if not allowance.allowed:
        raise too_many(allowance)


def _unauthorized(detail: str, *, challenge: str) -> Problem:
    return Problem("unauthorized", 401, "Unauthorized", detail, headers={"WWW-Authenticate": challenge})


def _forbidden(missing: list[str]) -> Problem:
    challenge = f'Bearer error="insufficient_scope", scope="{" ".join(missing)}"'
    detail = f"The token lacks the scope {', '.join(missing)}."
    return Problem("missing-scope", 403, "Forbidden", detail, headers={"WWW-Authenticate": challenge})


__all__ = ["SCHEME_NAME", "Principal", "Tokens", "authenticated", "mint_token", "public_jwks"]
