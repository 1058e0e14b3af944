"""Processes of the running stack, replaced by others for a while, or joined by them."""

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from deploy.local.ports import free_ports
from deploy.local.programs import service_program
from deploy.local.supervisor import Program
from tests.chaos.arena import Arena

_numbers = itertools.count(1)
"""A supervisor finds its programs by name, and keeps those that have ended."""


def process_name(service: str, process: str) -> str:
    """What the supervisor calls the stack's own process of a service."""
    return f"{service.replace('_', '-')}-{process}"


@asynccontextmanager
async def replaced(
    arena: Arena,
    service: str,
    process: str = "worker",
    *,
    settings: Mapping[str, str] | None = None,
    module: str | None = None,
) -> AsyncIterator[str]:
    """Another process stands in for one of the service's, on its port, until the block ends; its name is given.

    `settings` are added to its environment; `module` is run instead of the service's own.
    """
    supervisor, own = arena.stack.supervisor, process_name(service, process)
    ports = arena.stack.ports.workers if process == "worker" else arena.stack.ports.apis
    program = _program(arena, service, process, ports[service], settings or {}, module)
    await supervisor.halt(own)
    await supervisor.start([program])
    try:
        yield program.name
    finally:
        await supervisor.halt(program.name)
        await supervisor.resume(own)


async def joined(arena: Arena, service: str, process: str = "worker") -> tuple[str, int]:
    """A second instance beside the stack's own is ready; its name and its port. It runs until it is halted."""
    port = free_ports().smtp
    settings = {"INSTANCE": "1", "WORKER_HTTP_PORT" if process == "worker" else "HTTP_PORT": str(port)}
    program = _program(arena, service, process, port, settings, None)
    await arena.stack.supervisor.start([program])
    return program.name, port


@asynccontextmanager
async def second_relays(arena: Arena) -> AsyncIterator[int]:
    """Every source is told by two relays that both lead, for as long as the block lasts; how many were added."""
    async with AsyncExitStack() as rogues:
        for service in arena.stack.urls:
            await rogues.enter_async_context(_rogue(arena, service))
        yield len(arena.stack.urls)


def _program(
    arena: Arena, service: str, process: str, port: int, settings: Mapping[str, str], module: str | None
) -> Program:
    environment = {**arena.stack.environment(service, process), **settings}
    program = service_program(service, process, environment, health_port=port)
    command: Sequence[str] = (sys.executable, "-m", module, process) if module else program.command
    return replace(program, name=f"{program.name}-{next(_numbers)}", command=command)


@asynccontextmanager
async def _rogue(arena: Arena, service: str) -> AsyncIterator[None]:
    url = arena.stack.databases.services[service].worker
    arguments = (service.replace("_", "-"), url, arena.stack.bus_url)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos.rogue_relay", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        await asyncio.wait_for(process.stdout.readuntil(b"leads\n"), 60)
        yield
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)
