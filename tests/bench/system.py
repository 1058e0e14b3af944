"""The whole product as a stack, with a Shopify store in it, and the CPU and memory of all its processes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from deploy.local.ports import HOST
from libs.kernel.identifiers import derived_id
from tests.bench.load import Load, Report, load
from tests.bench.meters import Meter, cpu_seconds, database_seconds, resident_bytes
from tests.bench.shopify_bodies import Shop, order_external_id
from tests.bench.stand import GENEROUS, connected_store
from tests.chaos.arena import Arena, new_stack, opened

_CUSTOMERS = 5_000
_CONNECTIONS = 32
_DRAIN_SECONDS = 600.0


@dataclass(slots=True)
class System:
    """The running stack; `sent` webhooks were posted so far."""

    arena: Arena
    shop: Shop
    store_id: UUID
    sent: int = 0

    @property
    def services(self) -> Mapping[str, int]:
        """The eight processes of the four services."""
        return {
            name: pid for name, pid in self.arena.stack.supervisor.pids().items() if name not in ("postgres", "mail")
        }

    def meter(self) -> Meter:
        """Measures all services together, and the database."""
        return Meter(list(self.services.values()), self.arena.stack.supervisor.pids()["postgres"])

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time that each process, and the database, has used so far."""
        postmaster = self.arena.stack.supervisor.pids()["postgres"]
        used = {name: cpu_seconds([pid]) for name, pid in self.services.items()}
        return {**used, "postgres": database_seconds(postmaster)}

    def resident_mb(self) -> dict[str, float]:
        """Memory of each process."""
        return {name: resident_bytes(pid) / 2**20 for name, pid in self.services.items()}

    async def post(self, count: int, *, per_second: float | None = None) -> Report:
        """So many webhooks of as many orders were taken."""
        first, self.sent = self.sent, self.sent + count
        what = Load(shop=self.shop, first=first, connections=_CONNECTIONS, count=count, per_second=per_second)
        return await load(what)

    async def drain(self) -> None:
        """Nothing is on its way any more."""
        await self.arena.drain(within_seconds=_DRAIN_SECONDS)

    def order_id(self, number: int) -> UUID:
        """The id under which every service knows the order of that webhook."""
        return derived_id(self.store_id, "order", order_external_id(number))


@asynccontextmanager
async def system() -> AsyncIterator[System]:
    """The stack is ready, and its programme counts orders of a year ago."""
    async with opened("postgres", new_stack("postgres", settings=GENEROUS)) as arena:
        path = await connected_store(arena.stack, arena.merchant_id)
        async with arena.admin("order_ingest") as connection:
            store_id = await connection.fetchval("SELECT store_id FROM store WHERE platform = 'shopify'")
        yield System(arena, Shop(HOST, arena.stack.ports.apis["order_ingest"], path, _CUSTOMERS), store_id)
