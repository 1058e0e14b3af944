"""R10: a bad version, its fix, and a replay."""

from collections.abc import Callable

from libs.kernel.identifiers import derived_id
from tests.chaos import replaying
from tests.chaos.arena import Arena
from tests.chaos.books import check
from tests.chaos.killing import HEAL_SECONDS
from tests.chaos.load import sold
from tests.chaos.poisoned import KILLING, RAISING, kills, raises
from tests.chaos.processes import replaced
from tests.chaos.report import Measured, Report, Size, percentile
from tests.chaos.shop import Shop
from tests.chaos.stopwatch import stopwatch

_DEATHS_EACH = 5


async def r10(arena: Arena, seed: int, size: Size) -> Report:
    """A bad version: some orders raise, some kill the process. Then the fix, and a replay."""
    orders = max(1000, size.orders // 3)
    clean = Shop(seed, orders=orders, prefix="R10c-", customers=400)
    raising = Shop(seed + 1, orders=orders, prefix=RAISING, customers=400)
    killing = Shop(seed + 2, orders=max(600, size.orders // 3), prefix=KILLING, customers=400)
    clean_wait = await _slowest_waits(arena, clean, size)
    async with replaced(arena, "loyalty", module="tests.chaos.poisoned") as bad:
        wait = await _slowest_waits(arena, raising, size)
        deaths_of_raising = arena.stack.supervisor.restarts()[bad]
        await sold(arena, killing, per_second=size.per_second)
        await replaying.all_read(arena, within_seconds=300)
        deaths = arena.stack.supervisor.restarts()[bad]
        parked = await replaying.parked_subjects(arena)
    replayed = await replaying.replay_all(arena, within_seconds=120)
    drained = await arena.drain(within_seconds=HEAL_SECONDS)
    poisoned = await replaying.digest(arena.stack.databases.services["loyalty"].worker)
    healthy = await replaying.clean_digest(arena, within_seconds=HEAL_SECONDS)
    return Report(
        "R10 poison",
        {"raising": _count(raises, raising, killing), "killing": _count(kills, killing), "deaths": deaths},
        {"subjects parked": len(parked), "subjects replayed": replayed},
        await check(arena, arena.books),
        drained,
        {
            "other keys' p99 (2x clean)": Measured(wait, 2 * clean_wait),
            "deaths by raising": Measured(deaths_of_raising, 0, ""),
            "deaths by killing": Measured(deaths, _DEATHS_EACH * _count(kills, killing), ""),
            "subjects wrongly parked or not": Measured(len(parked ^ _poisonous(arena, raising, killing)), 0, ""),
        },
        [] if poisoned == healthy else [f"ledger hash {poisoned}, of a clean run {healthy}"],
    )


async def _slowest_waits(arena: Arena, shop: Shop, size: Size) -> float:
    """The p99 of the seconds from a webhook to its points, over the customers that no poison concerns."""
    async with stopwatch(arena) as watch:
        tally = await sold(arena, shop, per_second=size.per_second)
        await replaying.all_read(arena, within_seconds=300)
    ill = {order.customer for order in shop.orders.values() if raises(order.order_id)}
    due = {order_id: at for order_id, at in tally.due.items() if shop.orders[order_id].customer not in ill}
    return percentile(watch.waits(arena.store_id, due), 0.99)


def _poisonous(arena: Arena, *shops: Shop) -> set[str]:
    """The record keys of the customers whose orders are poison."""
    orders = [order for shop in shops for order in shop.orders.values()]
    ids = {order.customer for order in orders if raises(order.order_id) or kills(order.order_id)}
    return {f"{arena.merchant_id}:{derived_id(arena.store_id, 'customer', customer)}" for customer in ids}


def _count(is_poison: Callable[[str], bool], *shops: Shop) -> int:
    return sum(is_poison(order_id) for shop in shops for order_id in shop.orders)
