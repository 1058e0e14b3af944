"""How often Amazon may be asked: who asks too often is told when the next question is due.

Source: developer-docs.amazon.com/sp-api, "Usage Plans and Rate Limits": a question costs a token, and tokens come back
at a rate that `x-amzn-RateLimit-Limit` tells, though not with every answer; the rates of the two operations stand in
`orders_2026-01-01.json`.
"""

import math
import re
from typing import Final

import httpx

_TOO_MANY: Final = 429
_SEARCH_RATE: Final = 0.0056
_ORDER_RATE: Final = 0.5
_SEARCH: Final = re.compile(r".*/orders/2026-01-01/orders")
_ORDER: Final = re.compile(r".*/orders/2026-01-01/orders/[^/]+")


class _Paced(httpx.AsyncBaseTransport):
    """Carries requests through a client, and states the pause that a refusal for too many of them leaves unsaid."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._http.send(request, stream=True, follow_redirects=False)
        if response.status_code == _TOO_MANY and "retry-after" not in response.headers:
            pause = _pause(response.headers.get("x-amzn-ratelimit-limit", ""), request.url.path)
            if pause is not None:
                response.headers["retry-after"] = str(pause)
        return response


def paced(http: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client that asks through `http`, whose every 429 of an operation says after how many seconds to ask again."""
    return httpx.AsyncClient(transport=_Paced(http), headers=http.headers, timeout=http.timeout, trust_env=False)


def _pause(stated: str, path: str) -> int | None:
    """Seconds until the next token, rounded up."""
    rate = _rate(stated) or _usual_rate(path)
    return math.ceil(1 / rate) if rate else None


def _rate(stated: str) -> float | None:
    try:
        rate = float(stated)
    except ValueError:
        return None
    return rate if 0.0001 <= rate <= 10_000 else None


def _usual_rate(path: str) -> float | None:
    if _SEARCH.fullmatch(path):
        return _SEARCH_RATE
    return _ORDER_RATE if _ORDER.fullmatch(path) else None
