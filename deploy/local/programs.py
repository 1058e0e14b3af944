"""The programs of the stack: what to run, and how to tell that each is ready."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx

from deploy.local.local_tokens import service_name
from deploy.local.ports import HOST
from deploy.local.postgres import FAST_STOP
from deploy.local.postgres_command import Prepared
from deploy.local.supervisor import Program

_YIELDS: Final = 10
_YIELDING: Final = frozenset({("segmentation", "worker"), ("messaging", "worker")})
"""Who waits for an answer or for points goes first where one machine does everything; segments and mails follow."""
_OURS = ("BUS", "DATABASE_URL", "HUITOU_DATA", "HUITOU_POSTGRES")  # settings of the stack, not of a service


def postgres_program(prepared: Prepared) -> Program:
    """The database server."""

    async def is_ready() -> bool:
        return await asyncio.to_thread(prepared.is_ready)

    return Program(
        name="postgres",
        command=prepared.command,
        environment=prepared.environment,
        is_ready=is_ready,
        folder=Path("/"),
        account=prepared.account,
        stop_signal=FAST_STOP,
        stop_seconds=30.0,
    )


def mail_program(port: int, folder: Path) -> Program:
    """The mail catcher."""

    async def is_ready() -> bool:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            return False
        writer.close()
        return True

    command = (sys.executable, "-m", "deploy.local.mail", "serve", str(port), str(folder))
    return Program(name="mail", command=command, environment=child_environment({}), is_ready=is_ready, niceness=_YIELDS)


def service_program(service: str, process: str, settings: Mapping[str, str], *, health_port: int) -> Program:
    """One process of a service: ready when its /readyz says so."""

    async def is_ready() -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=3.0) as client:
                return (await client.get(f"http://{HOST}:{health_port}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    return Program(
        name=f"{service_name(service)}-{process}",
        command=_service_command(service, process),
        environment=child_environment(settings),
        is_ready=is_ready,
        niceness=_YIELDS if (service, process) in _YIELDING else 0,
    )


def migration_program(service: str, settings: Mapping[str, str]) -> Program:
    """A program that brings the service's database to its newest schema and ends."""

    async def is_ready() -> bool:
        return True

    return Program(
        name=f"{service_name(service)}-migrate",
        command=_service_command(service, "migrate"),
        environment=child_environment(settings),
        is_ready=is_ready,
    )


def child_environment(settings: Mapping[str, str]) -> Mapping[str, str]:
    """Our own environment, without the stack's settings, with those of the program."""
    inherited = {name: value for name, value in os.environ.items() if name not in _OURS}
    return {**inherited, "PYTHONUNBUFFERED": "1", **settings}


def _service_command(service: str, process: str) -> Sequence[str]:
    return (sys.executable, "-m", f"services.{service}", process)
