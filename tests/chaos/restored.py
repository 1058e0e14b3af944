"""R20: order-ingest's database is put back to an older point under load; found, stopped, healed by a new epoch."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from deploy.demo.api import Api
from tests.chaos.arena import Arena
from tests.chaos.books import check, places
from tests.chaos.killing import HEAL_SECONDS
from tests.chaos.load import under_load
from tests.chaos.meters import watched
from tests.chaos.report import Measured, Report, Size
from tests.chaos.sender import Sender, Tally
from tests.chaos.shop import Delivery, Shop

_SOURCE: Final = "order_ingest"
_BACKUP: Final = "order_ingest_backup"
_READERS: Final = ("loyalty", "segmentation", "messaging")
_TOPIC: Final = {"source": "order-ingest", "topic": "commerce"}
_BETWEEN_SECONDS: Final = 3.0


@dataclass(slots=True)
class _Told:
    """A shop's deliveries, kept: a platform tells again what was lost with the backup's younger part."""

    shop: Shop
    deliveries: list[Delivery] = field(default_factory=list)

    def once(self) -> Iterator[Delivery]:
        for delivery in self.shop.deliveries():
            self.deliveries.append(delivery)
            yield delivery


async def r20(arena: Arena, seed: int, size: Size) -> Report:
    """The source forgets what readers applied; operators start a new epoch, accept it, and everything flows."""
    told = _Told(Shop(seed, orders=size.orders, prefix="R20-"))
    later = Shop(seed + 1, orders=size.orders, prefix="R20L-")
    restarts = arena.stack.supervisor.restarts()
    async with watched(arena) as meters:
        await _sell_across_a_backup(arena, told, size)
        await arena.drain(within_seconds=HEAL_SECONDS)
        arena.told_once.update(await places(arena))
        await _restore(arena)
        async with under_load(arena, later, per_second=size.per_second):
            silent = await _stopped(arena, within_seconds=60)
            await arena.ops[_SOURCE].post("/v1/ops/epochs", {"reason": "restored"}, key=f"R20-{seed}")
            healed = await _accepted(arena, within_seconds=HEAL_SECONDS)
            # The platform's redelivery: what was told after the backup is told again, in order.
            await Sender(arena.hook, Tally(), size.per_second).send_all(told.deliveries)
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
    arena.books.update(told.shop.orders)
    ended = arena.stack.supervisor.restarts()["order-ingest-worker"] - restarts.get("order-ingest-worker", 0)
    return Report(
        "R20 order-ingest restored",
        {"databases restored": 1, "worker ends": ended, "lanes stopped": healed.lanes},
        {
            "events forgotten and kept": healed.forgotten,
            "lanes accepted": healed.lanes,
            "duplicates": meters.total("duplicates"),
        },
        await check(arena, arena.books),
        drained,
        {"facts told before the new epoch": Measured(silent, 0, "")},
    )


async def _sell_across_a_backup(arena: Arena, told: _Told, size: Size) -> None:
    """The shop sold on for a while after the backup was made."""
    told.shop.stays_open = True
    selling = asyncio.create_task(Sender(arena.hook, Tally(), size.per_second).send_all(told.once()))
    try:
        await asyncio.sleep(_BETWEEN_SECONDS)
        await _back_up(arena)
        await asyncio.sleep(_BETWEEN_SECONDS)
        told.shop.stays_open = False
        await selling
    finally:
        selling.cancel()
        await asyncio.wait([selling])


async def _back_up(arena: Arena) -> None:
    async with arena.admin("postgres") as admin, _alone(admin):
        await admin.execute(f"DROP DATABASE IF EXISTS {_BACKUP}")
        await admin.execute(f"CREATE DATABASE {_BACKUP} TEMPLATE {_SOURCE} OWNER {_SOURCE}_owner")


async def _restore(arena: Arena) -> None:
    """The service's database is the copy; what it said since the copy was made, it never said."""
    async with arena.admin("postgres") as admin, _alone(admin):
        await admin.execute(f"ALTER DATABASE {_SOURCE} RENAME TO {_SOURCE}_lost")
        await admin.execute(f"ALTER DATABASE {_BACKUP} RENAME TO {_SOURCE}")
        for role in ("owner", "api", "worker", "intake"):
            await admin.execute(f"GRANT CONNECT ON DATABASE {_SOURCE} TO {_SOURCE}_{role}")
        await admin.execute(f"ALTER DATABASE {_SOURCE}_lost ALLOW_CONNECTIONS true")
        await admin.execute(f"DROP DATABASE {_SOURCE}_lost WITH (FORCE)")


@asynccontextmanager
async def _alone(admin: Any) -> AsyncIterator[None]:  # asyncpg ships no types
    """Nobody is connected to the source's database, nor can be, until the block ends."""
    await admin.execute(f"ALTER DATABASE {_SOURCE} ALLOW_CONNECTIONS false")
    try:
        while await admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE datname = $1", _SOURCE):
            await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", _SOURCE)
            await asyncio.sleep(0.05)
        yield
    finally:
        await admin.execute(f"ALTER DATABASE {_SOURCE} ALLOW_CONNECTIONS true")


async def _stopped(arena: Arena, *, within_seconds: float) -> int:
    """The source says that it was restored, and its worker has ended for it; how much it told nevertheless."""
    before, ended = await _head(arena), arena.stack.supervisor.restarts()["order-ingest-worker"]
    async with asyncio.timeout(within_seconds):
        while (await arena.ops[_SOURCE].get("/v1/ops/epochs"))["identity"]["may_speak"]:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        while arena.stack.supervisor.restarts()["order-ingest-worker"] == ended:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    return await _head(arena) - before


async def _head(arena: Arena) -> int:
    async with arena.admin(_SOURCE) as connection:
        return int(await connection.fetchval("SELECT sum(next_seq) FROM outbox_lane"))


@dataclass(slots=True)
class _Healed:
    lanes: int = 0
    forgotten: int = 0


async def _accepted(arena: Arena, *, within_seconds: float) -> _Healed:
    """Every reader has followed the new epoch in every lane, where it had to be let by an operator."""
    healed = _Healed()
    async with asyncio.timeout(within_seconds):
        while await _behind_the_epoch(arena):
            for service in _READERS:
                await _accept(arena.ops[service], healed)
            await asyncio.sleep(0.5)
    return healed


async def _accept(reader: Api, healed: _Healed) -> None:
    halted = (await reader.get("/v1/ops/epochs"))["halted"]
    if any(lane["waits_for"] == "snapshot" for lane in halted):
        raise AssertionError(f"a lane cannot be accepted: {halted}")
    if any(lane["waits_for"] == "acceptance" for lane in halted):
        body = {**_TOPIC, "reason": "order-ingest was restored"}
        done = (await reader.post("/v1/ops/epochs/acceptances", body, key="R20")).json()
        healed.lanes += done["lanes"]
        healed.forgotten += done["forgotten"]


async def _behind_the_epoch(arena: Arena) -> bool:
    async with arena.admin(_SOURCE) as connection:
        epoch = await connection.fetchval("SELECT max(epoch) FROM outbox_lane")
    for service in _READERS:
        async with arena.admin(service) as connection:
            if await connection.fetchval("SELECT min(epoch) FROM inbox_lane WHERE topic = 'commerce'") < epoch:
                return True
    return False
