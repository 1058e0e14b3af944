"""The faults, each aimed: a kill counts only if it hit what it was meant for."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.chaos.arena import Arena

_OPEN = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = $1 AND usename = $1 || '_worker' AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
"""
_CURSOR = "SELECT lane, published FROM outbox_cursor WHERE topic = $1 AND bus = $2"
_BETWEEN_LOOKS = 0.05  # it must get on in between, or what we wait for never comes
_TOPICS = {"order_ingest": "commerce"}


@dataclass(slots=True)
class Injected:
    """What was done to the stack."""

    kills: int = 0
    in_open_transaction: int = 0
    between_append_and_cursor: int = 0


async def kill_randomly(arena: Arena, dice: random.Random, injected: Injected, *, times: int, every: float) -> None:
    """Workers died by SIGKILL at random, one between append and cursor, at least two inside an open transaction."""
    services = list(arena.stack.urls)
    for number in range(times):
        await asyncio.sleep(every * dice.uniform(0.5, 1.5))
        service = dice.choice(services)
        if number == times // 2:
            injected.between_append_and_cursor += await _kill_past_cursor(arena, "order_ingest")
        elif number % 2:
            injected.in_open_transaction += await _kill_in_transaction(arena, service)
        else:
            arena.stack.supervisor.signal(_worker(service), signal.SIGKILL)
        injected.kills += 1


async def freeze(arena: Arena, service: str, seconds: float) -> None:
    """The worker stood still for that long, its connections open, and then went on as if nothing had been."""
    supervisor = arena.stack.supervisor
    supervisor.signal(_worker(service), signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        supervisor.signal(_worker(service), signal.SIGCONT)


async def crash_postgres(arena: Arena) -> None:
    """The server dropped everything it had in memory, as at `pg_ctl stop -m immediate`."""
    arena.stack.supervisor.signal("postgres", signal.SIGQUIT)
    await asyncio.sleep(0.5)


async def end_postgres(arena: Arena, seconds: float) -> None:
    """The server was away for that long, ended in order, and answers again."""
    supervisor = arena.stack.supervisor
    await supervisor.halt("postgres")
    try:
        await asyncio.sleep(seconds)
    finally:
        await supervisor.resume("postgres")


async def postgres_answers(arena: Arena) -> None:
    """The server takes sessions again after a crash."""
    async with asyncio.timeout(60):
        while True:
            try:
                async with arena.admin("loyalty"):
                    return
            except Exception:  # whatever a starting server says, it is not there yet
                await asyncio.sleep(0.05)


async def _kill_when(arena: Arena, service: str, is_there: Callable[[], Awaitable[bool]]) -> int:
    """The worker was stopped again and again until it stood where it should die; 1 if it did stand there."""
    supervisor, name = arena.stack.supervisor, _worker(service)
    for _ in range(400):
        pid = supervisor.pids().get(name)
        if pid is None:
            await asyncio.sleep(0.1)
            continue
        os.kill(pid, signal.SIGSTOP)
        if await is_there():
            os.kill(pid, signal.SIGKILL)
            return 1
        os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(_BETWEEN_LOOKS)
    supervisor.signal(name, signal.SIGKILL)
    return 0


async def _kill_in_transaction(arena: Arena, service: str) -> int:
    async with arena.admin(service) as connection:

        async def has_open() -> bool:
            return bool(await connection.fetchval(_OPEN, service))

        return await _kill_when(arena, service, has_open)


async def _kill_past_cursor(arena: Arena, service: str) -> int:
    """The relay died when what it had appended was not yet noted in its cursor: it must be told again."""
    topic = _TOPICS[service]
    async with arena.admin(service) as connection, arena.bus.told(topic) as told:

        async def told_beyond_cursor() -> bool:
            cursor = dict(await connection.fetch(_CURSOR, topic, arena.bus.name))
            return any(sequence > cursor[lane] for lane, sequence in (await told.highest()).items())

        return await _kill_when(arena, service, told_beyond_cursor)


def _worker(service: str) -> str:
    return f"{service.replace('_', '-')}-worker"
