"""R17, R18: more orders than usual, for long and at once."""

import asyncio

from tests.chaos import replaying
from tests.chaos.arena import Arena
from tests.chaos.books import check
from tests.chaos.killing import HEAL_SECONDS
from tests.chaos.load import sold
from tests.chaos.report import Measured, Report, Size, percentile
from tests.chaos.shop import Shop
from tests.chaos.stopwatch import stopwatch

_ORDERS_PER_SECOND = 300.0
_WEBHOOKS_PER_ORDER = 1.15  # of a shop that tells orders when they are paid: refunds and cancellations come besides
_BURST_PER_SECOND = 1_000.0


async def r17(arena: Arena, seed: int, size: Size) -> Report:
    """300 orders a second, sustained."""
    orders, loop = int(_ORDERS_PER_SECOND * size.sustained_seconds), asyncio.get_running_loop()
    shop = Shop(seed, orders=orders, prefix="R17-", customers=5_000, told_paid=True)
    async with stopwatch(arena) as watch:
        began = loop.time()
        tally = await sold(arena, shop, per_second=_ORDERS_PER_SECOND * _WEBHOOKS_PER_ORDER)
        seconds = loop.time() - began
        await replaying.all_read(arena, within_seconds=HEAL_SECONDS)
    drained = await arena.drain(within_seconds=HEAL_SECONDS)
    waits = watch.waits(arena.store_id, tally.due)
    return Report(
        "R17 sustained load",
        {"orders": len(shop.orders), "orders a second": int(orders / seconds)},
        {"orders with points": len(waits)},
        await check(arena, arena.books),
        drained,
        {
            "a thousand orders took": Measured(1000 * seconds / orders, 1000 / _ORDERS_PER_SECOND * 1.02),
            "p50 webhook to points": Measured(percentile(waits, 0.50), 0.1),
            "p99 webhook to points": Measured(percentile(waits, 0.99), 1),
            "p99 webhook": Measured(percentile(tally.latencies, 0.99), 0.15),
        },
    )


async def r18(arena: Arena, seed: int, size: Size) -> Report:
    """A burst of webhooks, a thousand a second."""
    orders = int(size.burst / _WEBHOOKS_PER_ORDER)
    shop = Shop(seed, orders=orders, prefix="R18-", customers=5_000, told_paid=True)
    tally = await sold(arena, shop, per_second=_BURST_PER_SECOND, at_once=64)
    drained = await arena.drain(within_seconds=HEAL_SECONDS)
    return Report(
        "R18 burst",
        {"webhooks": tally.taken},
        {"orders": len(shop.orders)},
        await check(arena, arena.books),
        drained,
        {
            "p99 from due to taken": Measured(percentile(tally.waits, 0.99), 1),
            "drained": Measured(drained, 60),
        },
    )
