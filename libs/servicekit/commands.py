"""What every `services/<name>/__main__.py` does: `python -m services.<name> api | worker | migrate | all | ...`."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final, TypeVar

import uvloop
from starlette.applications import Starlette
from starlette.types import ASGIApp

from libs.servicekit import logs, metrics
from libs.servicekit.epoch_command import start_epoch
from libs.servicekit.errors import ServicekitError, SettingsError
from libs.servicekit.health import Health, health_routes
from libs.servicekit.process import Task, run_process, serve
from libs.servicekit.settings import CommonSettings, load

S = TypeVar("S", bound=CommonSettings)

Api = Callable[[S, Health], AbstractAsyncContextManager[ASGIApp]]
"""Opens what the API needs (engines, clients), yields the application, closes it all again."""
Worker = Callable[[S, Health], AbstractAsyncContextManager[Mapping[str, Task]]]
"""Opens what the worker needs, yields relay, consumers, timers, jobs and effects by name, closes it all again."""
Migrate = Callable[[S], Awaitable[None]]

_NEEDED: Final = {
    "api": ("database_api_url",),
    "worker": ("database_worker_url", "bus_url"),
    "migrate": ("database_owner_url",),
    "all": ("database_api_url", "database_worker_url", "bus_url"),
    "new-epoch": ("database_worker_url",),
}
_log = logs.logger(__name__)


def main(
    name: str,
    *,
    settings: type[S],
    api: Api[S],
    worker: Worker[S],
    migrate: Migrate[S],
    arguments: Sequence[str] | None = None,
) -> int:
    """The process that the command line asks for has run; its exit code. `name` is the service's: `order-ingest`."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{name.replace('-', '_')}")
    parser.add_argument("process", choices=sorted(_NEEDED), help="`all` is api and worker in one process")
    parser.add_argument("--reason", default="", help="why a new epoch starts; needed by new-epoch alone")
    parsed = parser.parse_args(arguments)
    process: str = parsed.process
    if (process == "new-epoch") != bool(parsed.reason):
        parser.error("--reason belongs to new-epoch, and new-epoch needs it")
    try:
        loaded = load(settings)
        _require(loaded, process)
    except SettingsError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    logs.configure(service=name, process=process, level=loaded.log_level, fmt=loaded.log_format)
    metrics.name_process(name, process)
    if process == "migrate":
        return _run(migrate(loaded))
    if process == "new-epoch":
        return _run(_start_epoch(name, loaded, parsed.reason))
    return _run(_serve(process, loaded, api, worker))


def _run(work: Awaitable[None]) -> int:
    async def awaited() -> None:
        await work

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(awaited())
    except* ServicekitError as group:
        _log.error("process_failed", reason="; ".join(str(each) for each in _leaves(group)))
        return_code = 1
    except* Exception as group:
        _log.error("process_crashed", exc_info=group)
        return_code = 1
    else:
        return_code = 0
    return return_code


async def _start_epoch(name: str, settings: CommonSettings, reason: str) -> None:
    epoch = await start_epoch(name, settings, reason=reason)
    print(f"{name} goes on in epoch {epoch}; readers that had applied more wait for POST /v1/ops/epochs/acceptances")


async def _serve(process: str, settings: S, api: Api[S], worker: Worker[S]) -> None:
    health, tasks = Health(), dict[str, Task]()
    async with AsyncExitStack() as opened:
        if process != "api":
            tasks.update(await opened.enter_async_context(worker(settings, health)))
        if process != "worker":
            app = await opened.enter_async_context(api(settings, health))
            tasks["http"] = _listener(app, settings, settings.http_port)
        elif settings.worker_http_port:
            tasks["http"] = _listener(Starlette(routes=health_routes(health)), settings, settings.worker_http_port)
        _log.info("process_started", pid=os.getpid(), port=settings.http_port if process != "worker" else None)
        await run_process(tasks, drain_seconds=settings.drain_seconds)
    _log.info("process_ended")


def _listener(app: ASGIApp, settings: CommonSettings, port: int) -> Task:
    return serve(app, host=settings.http_host, port=port, drain_seconds=settings.drain_seconds)


def _require(settings: CommonSettings, process: str) -> None:
    """Each kind of process is given only the roles that it uses.

    Raises:
        SettingsError: one that it does use is missing.
    """
    missing = [each.upper() for each in _NEEDED[process] if not getattr(settings, each)]
    if missing:
        raise SettingsError(f"{', '.join(missing)}: needed by `{process}`")


def _leaves(group: BaseExceptionGroup[ServicekitError]) -> list[BaseException]:
    found: list[BaseException] = []
    for each in group.exceptions:
        found += _leaves(each) if isinstance(each, BaseExceptionGroup) else [each]
    return found
