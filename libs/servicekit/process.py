"""One process: its tasks live and die together, and leave in order when asked to."""

import asyncio
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from libs.servicekit.connections import BoundedProtocol
from libs.servicekit.errors import ProcessFailure
from libs.servicekit.logs import logger

Stop = asyncio.Event
Task = Callable[[Stop], Awaitable[None]]

DRAIN_SECONDS: Final = 10.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_log = logger(__name__)


async def run_process(
    tasks: Mapping[str, Task], *, drain_seconds: float = DRAIN_SECONDS, stop: Stop | None = None
) -> None:
    """Every task ran until SIGTERM or SIGINT (or `stop`) and has come to its end.

    A task that fails, or ends before anybody asked it to, takes all others with it: half a process serves nobody.
    After the stop the tasks get `drain_seconds` to finish what they hold; whoever is not done then is cancelled,
    which is safe, since effects stand or fall with their transaction.

    Raises:
        ExceptionGroup: what the tasks failed with.
    """
    stop = stop or Stop()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, _ask_to_stop, number, stop)
    try:
        async with asyncio.TaskGroup() as group:
            running = {group.create_task(_watched(name, task, stop), name=name) for name, task in tasks.items()}
            group.create_task(_drain(running, stop, drain_seconds), name="drain")
            await asyncio.sleep(0)  # every task has begun: what exists now lives as long as the process
            tune_garbage_collection()
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def tune_garbage_collection() -> None:
    """What exists by now is never examined again: full collections were the tail of the latencies."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def serve(app: ASGIApp, *, host: str, port: int, drain_seconds: float = DRAIN_SECONDS) -> Task:
    """A task that serves `app` over HTTP until the stop.

    Raises:
        ProcessFailure: (when run) the port is taken or not allowed.
    """

    async def run(stop: Stop) -> None:
        server = _Server(_configuration(app, host, port, drain_seconds))
        sockets = [_listen(host, port)]
        async with asyncio.TaskGroup() as group:
            group.create_task(_serving(server, sockets, stop))
            await stop.wait()
            server.should_exit = True

    return run


def _configuration(app: ASGIApp, host: str, port: int, drain_seconds: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="none",
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, int(drain_seconds) - 1),
    )


async def _serving(server: uvicorn.Server, sockets: list[socket.socket], stop: Stop) -> None:
    await server.serve(sockets=sockets)
    if not stop.is_set():
        raise ProcessFailure("the HTTP server ended although nobody had asked it to")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ProcessFailure(f"cannot listen on {host}:{port}: {error.strerror}") from error


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the process has one place that listens to signals."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


def _ask_to_stop(number: signal.Signals, stop: Stop) -> None:
    _log.info("process_stop_asked", signal=number.name)
    stop.set()


async def _watched(name: str, task: Task, stop: Stop) -> None:
    _log.info("task_started", name_of_task=name)
    await task(stop)
    if not stop.is_set():
        raise ProcessFailure(f"task {name} ended although nobody had asked it to")
    _log.info("task_ended", name_of_task=name)


async def _drain(running: set[asyncio.Task[None]], stop: Stop, seconds: float) -> None:
    await stop.wait()
    _, late = await asyncio.wait(running, timeout=seconds)
    for task in late:
        _log.warning("task_cancelled_after_drain", name_of_task=task.get_name(), seconds=seconds)
        task.cancel()
