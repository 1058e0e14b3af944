"""R1, R4, R8: processes that die, lead twice, or come back from the dead."""

import asyncio
import random

from tests.chaos import faults
from tests.chaos.arena import Arena
from tests.chaos.books import check
from tests.chaos.faults import Injected
from tests.chaos.load import under_load
from tests.chaos.marks import applied, gone_on
from tests.chaos.meters import watched
from tests.chaos.processes import joined, second_relays
from tests.chaos.report import Measured, Report, Size
from tests.chaos.shop import Shop

HEAL_SECONDS = 120.0
_KILL_EVERY_SECONDS = 1.5
_BOTH_LEAD_SECONDS = 5.0


async def r1(arena: Arena, seed: int, size: Size) -> Report:
    """kill -9 of workers at random while orders come in."""
    shop, injected = Shop(seed, orders=size.orders_killed, prefix="R1-"), Injected()
    restarts = sum(arena.stack.supervisor.restarts().values())
    async with watched(arena) as meters:
        async with under_load(arena, shop, per_second=size.per_second):
            await faults.kill_randomly(
                arena, random.Random(seed), injected, times=size.kills, every=_KILL_EVERY_SECONDS
            )
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
    return Report(
        "R1 kill -9",
        {
            "kills": injected.kills,
            "in an open transaction": injected.in_open_transaction,
            "between append and cursor": injected.between_append_and_cursor,
        },
        {
            "duplicates": meters.total("duplicates"),
            "restarts": sum(arena.stack.supervisor.restarts().values()) - restarts,
        },
        await check(arena, arena.books),
        drained,
        {"drained": Measured(drained, 30)},
    )


async def r4(arena: Arena, seed: int, size: Size) -> Report:
    """Two relays of every source at once, on purpose."""
    shop = Shop(seed, orders=size.orders, prefix="R4-")
    async with watched(arena) as meters, second_relays(arena) as rogues:
        async with under_load(arena, shop, per_second=size.per_second):
            await asyncio.sleep(_BOTH_LEAD_SECONDS)
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
    return Report(
        "R4 two relays",
        {"second relays": rogues},
        {"duplicates": meters.total("duplicates")},
        await check(arena, arena.books),
        drained,
    )


async def r8(arena: Arena, seed: int, size: Size) -> Report:
    """A consumer stands still, another takes over, the first wakes up as a zombie."""
    shop = Shop(seed, orders=size.orders, prefix="R8-")
    async with watched(arena) as meters:
        other, _ = await joined(arena, "loyalty")
        async with under_load(arena, shop, per_second=min(size.per_second, 100)):
            await asyncio.sleep(3)
            frozen = asyncio.create_task(faults.freeze(arena, "loyalty", size.asleep_seconds))
            await asyncio.sleep(1)
            before = await applied(arena, "loyalty")
            recovered = await gone_on(arena, "loyalty", within_seconds=size.asleep_seconds - 1)
            by_the_other = await applied(arena, "loyalty") - before
            await frozen
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
        await arena.stack.supervisor.halt(other)
    return Report(
        "R8 zombie consumer",
        {"seconds asleep": int(size.asleep_seconds)},
        {"events applied by the other": by_the_other, "duplicates": meters.total("duplicates")},
        await check(arena, arena.books),
        drained,
        {"the group went on": Measured(recovered + 1, 30)},
    )
