"""How far a service has read one topic, seen in its database."""

import asyncio
from collections.abc import Mapping

from tests.chaos.arena import Arena

_MARKS = "SELECT lane, last_seq FROM inbox_lane WHERE topic = 'commerce'"
_HEADS = "SELECT lane, next_seq - 1 FROM outbox_lane WHERE topic = 'commerce'"


async def marks(arena: Arena, service: str) -> Mapping[int, int]:
    """The service's marks in the lanes of `commerce`."""
    async with arena.admin(service) as connection:
        return dict(await connection.fetch(_MARKS))


async def applied(arena: Arena, service: str) -> int:
    """How many events the service has applied or parked, over all topics."""
    async with arena.admin(service) as connection:
        return int(await connection.fetchval("SELECT sum(last_seq) FROM inbox_lane"))


async def gone_on(arena: Arena, service: str, *, within_seconds: float) -> float:
    """Seconds from now until every lane that is behind has moved; infinite if not all did in time.

    Raises:
        RuntimeError: no lane was behind, so whatever should have stopped the reader missed it.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with arena.admin(service) as connection, arena.admin("order_ingest") as source:
        heads = dict(await source.fetch(_HEADS))
        before = dict(await connection.fetch(_MARKS))
        waiting = {lane for lane, mark in before.items() if mark < heads[lane]}
        if not waiting:
            raise RuntimeError(f"{service} was not behind in any lane: the fault missed it")
        while waiting:
            if loop.time() - began > within_seconds:
                return float("inf")
            await asyncio.sleep(0.1)
            now = dict(await connection.fetch(_MARKS))
            waiting -= {lane for lane in waiting if now[lane] > before[lane]}
    return loop.time() - began
