"""One question to a store's API: bounded in time and size, never redirected, its refusals in our words."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from services.order_ingest.application.store_apis import ApiAway, ApiRefuses

LARGEST_ANSWER: Final = 16 << 20
_LONGEST_WISH_SECONDS: Final = 3600.0
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back with a status of 2xx, or one that was asked for; header names are case-insensitive."""

    status: int
    headers: httpx.Headers
    body: bytes

    def json(self) -> Any:
        """The body's value, numbers with a point as Decimal.

        Raises:
            ApiAway: it is no JSON, as when a maintenance page stands in its place.
        """
        try:
            return json.loads(self.body, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            raise ApiAway(f"the answer is no JSON ({type(error).__name__})") from error


async def ask(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    params: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    document: Mapping[str, Any] | None = None,
    read: Collection[int] = (),
) -> Answer | None:
    """The answer; None where there is nothing (404 or 410).

    `document` is sent as JSON. `read` are statuses of refusals whose answers the caller reads itself.

    Raises:
        ApiAway: no answer in time, too many questions, or the other side is broken.
        ApiRefuses: any other status; a redirection too, since credentials go to the address that was given only.
    """
    try:
        content = {"params": params, "data": form, "json": document}
        sent: dict[str, Any] = {name: dict(given) for name, given in content.items() if given}
        async with http.stream(method, url, headers=dict(headers), **sent, follow_redirects=False) as response:
            body = await _read(response)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ApiAway(f"no answer ({type(error).__name__})") from error
    if response.status_code in read:
        return Answer(response.status_code, response.headers, body)
    return _judged(response, body, httpx.URL(url).path)


async def _read(response: httpx.Response) -> bytes:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > LARGEST_ANSWER:
            raise ApiRefuses(f"the answer is longer than {LARGEST_ANSWER >> 20} MiB")
        parts.append(part)
    return b"".join(parts)


def _judged(response: httpx.Response, body: bytes, path: str) -> Answer | None:
    status = response.status_code
    if response.is_success:
        return Answer(status, response.headers, body)
    if status in (404, 410):
        return None
    if status in _BUSY:
        raise ApiAway(f"status {status} of {path}", _wished_pause(response.headers))
    raise ApiRefuses(f"status {status} of {path}")


def _wished_pause(headers: httpx.Headers) -> float | None:
    """Seconds that `Retry-After` asks for, in either of its forms (RFC 9110, 10.2.3).

    BigCommerce has milliseconds in `X-Rate-Limit-Time-Reset-Ms` in its place ("API Rate limits").
    """
    wish, milliseconds = (headers.get(name, "").strip() for name in ("retry-after", "x-rate-limit-time-reset-ms"))
    try:
        if not wish and milliseconds[:1].isdigit():
            seconds = float(milliseconds) / 1000
        else:
            seconds = float(wish) if wish[:1].isdigit() else _seconds_until(wish)
    except (TypeError, ValueError):
        return None
    return min(max(seconds, 0.0), _LONGEST_WISH_SECONDS)


def _seconds_until(date: str) -> float:
    at = parsedate_to_datetime(date)
    return (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
