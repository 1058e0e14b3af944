"""R7: connections that are cut, and connections that are half open."""

import asyncio
from urllib.parse import urlsplit

from tests.chaos.arena import Arena
from tests.chaos.books import check
from tests.chaos.killing import HEAL_SECONDS
from tests.chaos.load import under_load
from tests.chaos.marks import gone_on
from tests.chaos.meters import watched
from tests.chaos.processes import replaced
from tests.chaos.proxy import Mode, Proxy, proxied, through
from tests.chaos.report import Measured, Report, Size
from tests.chaos.shop import Shop

_ALLOWED_SECONDS = 20.0


async def r7(arena: Arena, seed: int, size: Size) -> Report:
    """loyalty loses its bus and segmentation its database: first cut, then half open."""
    shop = Shop(seed, orders=size.orders, prefix="R7-")
    database = arena.stack.databases.services["segmentation"].worker
    async with (
        arena.bus.proxied() as (bus, bus_url),
        proxied(urlsplit(database).port or 0) as server,
        replaced(arena, "loyalty", settings={"BUS_URL": bus_url}),
        replaced(arena, "segmentation", settings={"DATABASE_WORKER_URL": through(server, database)}),
        watched(arena) as meters,
    ):
        async with under_load(arena, shop, per_second=min(size.per_second, 100)):
            cut = await _injure(arena, (bus, server), Mode.CUT, 3.0)
            open_again = await _injure(arena, (bus, server), Mode.HALF_OPEN, size.dark_seconds)
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
    return Report(
        "R7 cut and half-open connections",
        {
            "bus connections cut": bus.cut,
            "database connections cut": server.cut,
            "bytes to or from the bus swallowed": bus.swallowed,
            "bytes to or from the database swallowed": server.swallowed,
        },
        {"batches tried again": meters.total("retries"), "rebuilt by the watchdog": meters.total("rebuilds")},
        await check(arena, arena.books),
        drained,
        {
            "resumed after a cut": Measured(cut, _ALLOWED_SECONDS),
            "after half-open": Measured(open_again, _ALLOWED_SECONDS),
        },
    )


async def _injure(arena: Arena, proxies: tuple[Proxy, Proxy], how: Mode, seconds: float) -> float:
    """Connections were broken for that long; then, how many seconds it took until every lane behind had moved."""
    await asyncio.sleep(2)
    for proxy in proxies:
        proxy.switch(how)
    await asyncio.sleep(seconds)
    for proxy in proxies:
        proxy.switch(Mode.PASS)
    readers = (gone_on(arena, service, within_seconds=60) for service in ("loyalty", "segmentation"))
    return max(await asyncio.gather(*readers))
