"""The smallest service: `python -m tests.libs.servicekit.tiny_service all`, for the tests of processes."""

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from libs.servicekit.commands import main
from libs.servicekit.errors import ServicekitError
from libs.servicekit.health import Health
from libs.servicekit.process import Stop, Task
from libs.servicekit.settings import CommonSettings
from tests.libs.servicekit.stage import make_app, make_kit


@asynccontextmanager
async def _api(settings: CommonSettings, health: Health) -> AsyncIterator[ASGIApp]:
    try:
        yield make_app(make_kit())
    finally:
        print("api closed", flush=True)


@asynccontextmanager
async def _worker(settings: CommonSettings, health: Health) -> AsyncIterator[Mapping[str, Task]]:
    async def relay(stop: Stop) -> None:
        if os.environ.get("TINY_FAILS"):
            raise RuntimeError("boom for ada@example.com")
        await stop.wait()
        print("relay drained", flush=True)

    try:
        yield {"relay": relay}
    finally:
        print("worker closed", flush=True)


async def _migrate(settings: CommonSettings) -> None:
    if os.environ.get("TINY_FAILS"):
        raise ServicekitError("the data folder is of another version")
    print("migrated", flush=True)


if __name__ == "__main__":
    sys.exit(main("loyalty", settings=CommonSettings, api=_api, worker=_worker, migrate=_migrate))
