"""Is the process alive, and may traffic be sent to it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from libs.servicekit import metrics

Check = Callable[[], Awaitable[str | None]]
"""Tells what is wrong, in a few words without personal data; None if nothing is."""

CHECK_SECONDS: Final = 3.0


class Health:
    """The named checks of one process: whoever starts something that can fail adds its own."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """`/readyz` asks `check` from now on."""
        self._checks[name] = check

    async def complaints(self) -> Mapping[str, str]:
        """What each failing check says; empty if the process is ready. Bounded in time whatever a check does."""
        names = sorted(self._checks)
        said = await asyncio.gather(*(_ask(self._checks[name]) for name in names))
        return {name: complaint for name, complaint in zip(names, said, strict=True) if complaint is not None}

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._checks)


def health_routes(health: Health) -> list[Route]:
    """`/livez`, `/readyz` and `/metrics`, without any authentication, for whoever runs the process."""

    async def livez(request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(request: Request) -> Response:
        complaints = await health.complaints()
        checks = {name: complaints.get(name, "ok") for name in sorted(health.names)}
        status = "not ready" if complaints else "ready"
        return JSONResponse({"status": status, "checks": checks}, status_code=503 if complaints else 200)

    async def figures(request: Request) -> Response:
        return metrics.exposition()

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", figures)]


async def _ask(check: Check) -> str | None:
    try:
        return await asyncio.wait_for(check(), CHECK_SECONDS)
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS:g} s"
    except Exception as error:  # a check that breaks is a check that fails, whatever it raised
        return f"check failed: {type(error).__name__}"
