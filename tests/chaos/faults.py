"""The faults, each aimed: a kill counts only if it hit what it was meant for."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.chaos.arena import Arena

_OPEN = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = $1 AND usename = $1 || '_worker' AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
"""
_TOLD = """
SELECT lane, max(seq) FROM (
    SELECT (headers::json ->> 'ce_lane')::int AS lane, (headers::json ->> 'ce_sequence')::int8 AS seq
    FROM log JOIN part USING (tp) WHERE part.topic = $1 AND off >= part.next_off - 400
) x WHERE seq IS NOT NULL GROUP BY lane
"""
_CURSOR = "SELECT lane, published FROM outbox_cursor WHERE topic = $1"
_TOPICS = {"order_ingest": "commerce"}


@dataclass(slots=True)
class Injected:
    """What was done to the stack."""

    kills: int = 0
    in_open_transaction: int = 0
    between_append_and_cursor: int = 0
    notes: list[str] = field(default_factory=list)


async def kill_randomly(arena: Arena, dice: random.Random, injected: Injected, *, times: int, every: float) -> None:
    """Workers died by SIGKILL at random, one between append and cursor, at least two inside an open transaction."""
    services = list(arena.stack.urls)
    for number in range(times):
        await asyncio.sleep(every * dice.uniform(0.5, 1.5))
        service = dice.choice(services)
        if number == times // 2:
            hit = await _kill_when(arena, "order_ingest", lambda: _told_beyond_cursor(arena, "order_ingest"))
            injected.between_append_and_cursor += hit
        elif number % 2:
            hit = await _kill_when(arena, service, lambda service=service: _has_open(arena, service))  # type: ignore[misc]
            injected.in_open_transaction += hit
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


async def wipe_bus(arena: Arena) -> int:
    """The bus has forgotten all records and positions; how many records that were."""
    async with arena.admin("bus") as connection, connection.transaction():
        await connection.execute("LOCK TABLE part IN ACCESS EXCLUSIVE MODE")
        records: int = await connection.fetchval("SELECT count(*) FROM log")
        await connection.execute("TRUNCATE log, group_offset")
        await connection.execute("UPDATE part SET next_off = 0, low_off = 0")
        await connection.execute("UPDATE bus_identity SET incarnation = gen_random_uuid()")
    return records


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
        await asyncio.sleep(0.01)
    supervisor.signal(name, signal.SIGKILL)
    return 0


async def _has_open(arena: Arena, service: str) -> bool:
    async with arena.admin(service) as connection:
        return bool(await connection.fetchval(_OPEN, service))


async def _told_beyond_cursor(arena: Arena, service: str) -> bool:
    topic = _TOPICS[service]
    async with arena.admin("bus") as connection:
        told = dict(await connection.fetch(_TOLD, topic))
    async with arena.admin(service) as connection:
        cursor = dict(await connection.fetch(_CURSOR, topic))
    return any(sequence > cursor[lane] for lane, sequence in told.items())


def _worker(service: str) -> str:
    return f"{service.replace('_', '-')}-worker"
