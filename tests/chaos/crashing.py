"""R3, R5, R11: the database crashes, the bus forgets, the database is away."""

import asyncio

from tests.chaos import faults
from tests.chaos.arena import Arena
from tests.chaos.books import check
from tests.chaos.killing import HEAL_SECONDS
from tests.chaos.load import under_load
from tests.chaos.meters import watched
from tests.chaos.report import Measured, Report, Size
from tests.chaos.shop import Shop

_BETWEEN_SECONDS = 3.0


async def r3(arena: Arena, seed: int, size: Size) -> Report:
    """The database server loses its memory under load."""
    shop, before = Shop(seed, orders=size.orders, prefix="R3-"), arena.stack.supervisor.restarts()
    async with watched(arena) as meters:
        async with under_load(arena, shop, per_second=size.per_second) as load:
            await asyncio.sleep(_BETWEEN_SECONDS)
            await faults.crash_postgres(arena)
            await faults.postgres_answers(arena)
            ready = await arena.ready(within_seconds=60)
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
    restarts = {name: count - before.get(name, 0) for name, count in arena.stack.supervisor.restarts().items()}
    crashes = restarts.pop("postgres")
    return Report(
        "R3 immediate stop of PostgreSQL",
        {"server crashes": crashes},
        {"webhooks sent again": load.tally.refusals, "batches tried again": meters.total("retries")},
        await check(arena, arena.books),
        drained,
        {"ready": Measured(ready, 10), "other processes restarted": Measured(sum(restarts.values()), 0, "")},
    )


async def r5(arena: Arena, seed: int, size: Size) -> Report:
    """The bus forgets everything, twice."""
    shop, wiped = Shop(seed, orders=size.orders, prefix="R5-"), []
    async with watched(arena) as meters:
        async with under_load(arena, shop, per_second=size.per_second):
            for _ in range(2):
                await asyncio.sleep(_BETWEEN_SECONDS)
                wiped.append(await arena.bus.wipe())
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
    return Report(
        "R5 bus wiped",
        {"wipes": len(wiped), "records wiped": sum(wiped)},
        {"out of order": meters.total("out_of_order"), "rewinds": meters.total("rewinds")},
        await check(arena, arena.books),
        drained,
        {"healed": Measured(drained, 60)},
    )


async def r11(arena: Arena, seed: int, size: Size) -> Report:
    """The database is away while webhooks go on coming."""
    shop, patience = Shop(seed, orders=size.orders, prefix="R11-"), 180 + size.outage_seconds
    async with watched(arena) as meters:
        async with under_load(arena, shop, per_second=size.per_second, give_up_seconds=patience) as load:
            await asyncio.sleep(_BETWEEN_SECONDS)
            await faults.end_postgres(arena, size.outage_seconds)
            await arena.ready(within_seconds=60)
        drained = await arena.drain(within_seconds=HEAL_SECONDS + size.outage_seconds)
    tally = load.tally
    others = {why: count for why, count in tally.refused.items() if why not in ("503", "TimeoutError")}
    return Report(
        "R11 database away",
        {"seconds away": int(size.outage_seconds), "answers 503": tally.refused.get("503", 0)},
        {"webhooks sent again": tally.refusals, "batches tried again": meters.total("retries")},
        await check(arena, arena.books),
        drained,
        {
            "answers 503 without Retry-After": Measured(tally.without_retry_after, 0, ""),
            "other refusals": Measured(sum(others.values()), 0, ""),
        },
        [f"refused otherwise: {others}"] if others else [],
    )
