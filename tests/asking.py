"""Asking a running service until it has what was to come."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import httpx

T = TypeVar("T")

_PATIENCE_SECONDS: Final = 120.0


def client_of(address: str, token: str | None = None) -> httpx.AsyncClient:
    """An HTTP client that goes straight to `address`, whatever proxies the environment names."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(base_url=address, headers=headers, timeout=30, trust_env=False)


async def eventually(look: Callable[[], Awaitable[T | None]], what: str) -> T:
    """The first thing that `look` finds.

    Raises:
        TimeoutError: nothing within two minutes.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (found := await look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"never came: {what}")
        await asyncio.sleep(0.1)
    return found


async def items(client: httpx.AsyncClient, path: str, *, at_least: int = 1) -> list[dict[str, Any]] | None:
    """The list's first page, once it has that many."""
    answer = await client.get(path)
    if answer.status_code != 200:
        return None
    items: list[dict[str, Any]] = answer.json()["items"]
    return items if len(items) >= at_least else None


async def over(client: httpx.AsyncClient, job_id: str) -> dict[str, Any] | None:
    """The job, once it has ended."""
    job: dict[str, Any] = await done(client.get(f"/v1/jobs/{job_id}"))
    return job if job["state"] in ("succeeded", "failed") else None


async def done(answer: Awaitable[httpx.Response]) -> dict[str, Any]:
    """The answer's JSON.

    Raises:
        RuntimeError: it was a refusal; the message has its words.
    """
    response = await answer
    if not response.is_success:
        raise RuntimeError(f"{response.request.method} {response.request.url}: {response.text[:500]}")
    found: dict[str, Any] = response.json()
    return found
