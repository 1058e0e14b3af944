"""R9: every process is replaced while orders come in, as a new version would be rolled out."""

import asyncio
from dataclasses import dataclass, field, replace

from tests.chaos import replaying
from tests.chaos.arena import Arena
from tests.chaos.books import check
from tests.chaos.killing import HEAL_SECONDS
from tests.chaos.load import under_load
from tests.chaos.processes import joined, process_name
from tests.chaos.proxy import Proxy, proxied, through
from tests.chaos.report import Measured, Report, Size, percentile
from tests.chaos.sender import Tally
from tests.chaos.shop import Shop
from tests.chaos.stopwatch import stopwatch

_ALLOWED_SECONDS = 1.0


@dataclass(slots=True)
class _Exits:
    """When each process was asked to end (event loop's time), and how long it took."""

    asked_at: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


async def r9(arena: Arena, seed: int, size: Size) -> Report:
    """Each API and worker: a new one starts, the old one is asked to end; then back again."""
    shop, exits = Shop(seed, orders=size.orders, prefix="R9-"), _Exits()
    hook, own_port = arena.hook, arena.stack.ports.apis["order_ingest"]
    async with proxied(own_port) as balancer, stopwatch(arena) as watch:
        arena.hook = replace(hook, url=through(balancer, hook.url))
        try:
            async with under_load(arena, shop, per_second=size.rolling_per_second) as load:
                for process in ("worker", "api"):
                    for service in arena.stack.urls:
                        await _roll(arena, service, process, balancer, exits)
            await replaying.all_read(arena, within_seconds=HEAL_SECONDS)
        finally:
            arena.hook = hook
    drained = await arena.drain(within_seconds=HEAL_SECONDS)
    waits = watch.waits(arena.store_id, load.tally.due)
    return Report(
        "R9 rolling restart",
        {"processes ended": len(exits.seconds), "webhooks": load.tally.taken},
        {"webhooks sent again": load.tally.refusals, "orders in time": len(waits)},
        await check(arena, arena.books),
        drained,
        {
            "5xx beyond 1 s of an exit": Measured(_late_errors(load.tally, exits), 0, ""),
            "slowest exit": Measured(max(exits.seconds), 10),
            "p99 webhook to points": Measured(percentile(waits, 0.99), 3),
        },
    )


async def _roll(arena: Arena, service: str, process: str, balancer: Proxy, exits: _Exits) -> None:
    """The stack's own process has been replaced, and has replaced its replacement."""
    own = process_name(service, process)
    other, port = await joined(arena, service, process)
    before = balancer.targets
    if process == "api" and service == "order_ingest":
        balancer.targets = [*before, port]
    await _ended(arena, own, exits)
    await arena.stack.supervisor.resume(own)
    await _ended(arena, other, exits)
    balancer.targets = before


async def _ended(arena: Arena, name: str, exits: _Exits) -> None:
    loop = asyncio.get_running_loop()
    exits.asked_at.append(loop.time())
    await arena.stack.supervisor.halt(name)
    exits.seconds.append(loop.time() - exits.asked_at[-1])


def _late_errors(tally: Tally, exits: _Exits) -> int:
    """Answers 5xx at another time than within a second of some process's being asked to end."""
    errors = [at for at, why in tally.refused_at if why.isdigit() and int(why) >= 500]
    return sum(all(not asked <= at <= asked + _ALLOWED_SECONDS for asked in exits.asked_at) for at in errors)
