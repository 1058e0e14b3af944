"""The four HTTP APIs as the demo calls them."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from deploy.local.errors import LocalError

BUSY = frozenset({429, 503})
_PATIENCE_SECONDS = 300.0


class DemoFailed(LocalError):
    """A service answered otherwise than the demo expects; the message has its words."""


class Api:
    """One service, called with one bearer token. Waits when the service asks for it."""

    def __init__(self, address: str, token: str, *, connections: int = 4) -> None:
        self.address = address
        self.times_busy = 0
        self._client = httpx.AsyncClient(
            base_url=address,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            timeout=httpx.Timeout(60.0),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The answer's JSON. Query parameters that are None are left out."""
        answer = await self.send(
            "GET", path, params={name: value for name, value in query.items() if value is not None}
        )
        found: dict[str, Any] = answer.json()
        return found

    async def post(self, path: str, body: Mapping[str, Any], *, key: str) -> httpx.Response:
        """The answer; `key` makes a repetition harmless."""
        return await self.send("POST", path, json=body, headers={"Idempotency-Key": key})

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """A successful answer, however often the service said 429 or 503 or broke the connection off before.

        Whatever is sent may be sent again: reads, and writes that carry an id of their own.

        Raises:
            DemoFailed: another refusal, or five minutes without success.
        """
        deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while True:
            answer, wait = await self._once(method, path, request)
            if wait is None:
                break
            if asyncio.get_running_loop().time() > deadline:
                raise DemoFailed(f"{method} {self.address}{path} did not succeed for five minutes.")
            self.times_busy += 1
            await asyncio.sleep(wait)
        assert answer is not None
        if not answer.is_success:
            raise DemoFailed(f"{method} {self.address}{path} answered {answer.status_code}: {answer.text[:800]}")
        return answer

    async def _once(
        self, method: str, path: str, request: Mapping[str, Any]
    ) -> tuple[httpx.Response | None, float | None]:
        """The answer, and how long to wait before the next attempt if it calls for one."""
        try:
            answer = await self._client.request(method, path, **request)
        except httpx.TransportError:
            return None, 0.5
        return answer, _retry_after(answer) if answer.status_code in BUSY else None


def _retry_after(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return min(float(text), 30.0) if text.replace(".", "", 1).isdigit() else 1.0
