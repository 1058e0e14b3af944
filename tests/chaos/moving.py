"""R6: the running system moves from the PostgreSQL bus to Kafka and back, while orders come in."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import asyncpg

from deploy.kafka.cluster import kafka_cluster
from libs.eventbus.topics import KAFKA_TOPICS
from libs.eventbus.transports import bus_name
from tests.chaos.arena import Arena, opened
from tests.chaos.books import check
from tests.chaos.killing import HEAL_SECONDS
from tests.chaos.load import under_load
from tests.chaos.marks import applied
from tests.chaos.meters import watched
from tests.chaos.processes import process_name
from tests.chaos.report import Measured, Report, Size
from tests.chaos.shop import Shop

_BETWEEN_SECONDS = 5.0
_LOOK_SECONDS = 0.2
_READERS = ("order_ingest", "loyalty", "segmentation", "messaging")


@dataclass(slots=True)
class _Pauses:
    """The longest time in which a reader of the bus applied nothing, by service; orders come in all the time."""

    longest: dict[str, float] = field(default_factory=dict)

    async def look(self, arena: Arena, service: str) -> None:
        loop = asyncio.get_running_loop()
        last, at = await applied(arena, service), loop.time()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            with suppress(OSError, asyncpg.PostgresError):
                now = await applied(arena, service)
                if now > last:
                    last, at = now, loop.time()
            self.longest[service] = max(self.longest.get(service, 0.0), loop.time() - at)


async def r6(bus: str, seed: int, size: Size) -> Report:
    """Every process is given the next bus to feed, then to read, then alone; then the same way back."""
    if bus == "kafka":
        return Report("R6 moved to another bus and back", {}, {}, None, not_run="it is one run over both buses")
    shop, pauses = Shop(seed, orders=size.orders, prefix="R6-"), _Pauses()
    async with kafka_cluster() as kafka, opened("postgres") as arena, watched(arena) as meters:
        await kafka.create_topics(KAFKA_TOPICS)
        first, retired = arena.stack.bus_url, 0
        async with under_load(arena, shop, per_second=size.per_second) as load:
            await asyncio.sleep(_BETWEEN_SECONDS)
            async with _watching(arena, pauses):
                for old, new in ((first, kafka.url), (kafka.url, first)):
                    retired += await _moved(arena, old, new)
                    await asyncio.sleep(_BETWEEN_SECONDS)
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
        return Report(
            "R6 moved to another bus and back",
            {"moves": 2, "cursors retired": retired},
            {"duplicates": meters.total("duplicates"), "webhooks sent again": load.tally.refusals},
            await check(arena, arena.books),
            drained,
            {"longest pause of a reader": Measured(max(pauses.longest.values()), 30)},
        )


async def _moved(arena: Arena, old: str, new: str) -> int:
    """No process knows the old bus any more; how many cursors were forgotten with it."""
    for settings in (
        {"BUS_URL": old, "BUS_ALSO_URL": new},  # all feed both before anybody reads the new one
        {"BUS_URL": new, "BUS_ALSO_URL": old},
        {"BUS_URL": new, "BUS_ALSO_URL": ""},
    ):
        for service in arena.stack.urls:
            await _restarted(arena, service, settings)
    path, why = f"/v1/ops/buses/{bus_name(old)}/retirements", {"reason": "the move is done"}
    done = [await api.post(path, why, key=f"retire {bus_name(old)} {service}") for service, api in arena.ops.items()]
    return sum(int(answer.json()["lanes"]) for answer in done)


async def _restarted(arena: Arena, service: str, settings: Mapping[str, str]) -> None:
    for process in ("worker", "api"):
        await arena.stack.supervisor.change(process_name(service, process), settings)


@asynccontextmanager
async def _watching(arena: Arena, pauses: _Pauses) -> AsyncIterator[None]:
    looking = [asyncio.create_task(pauses.look(arena, service)) for service in _READERS]
    try:
        yield
    finally:
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)
