"""loyalty's worker as a bad deploy would have it: some orders raise, some kill the process.

python -m tests.chaos.poisoned, with loyalty's environment.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from libs.contracts.commerce import OrderPlacedV1
from libs.eventbus.runtime import consumer_task
from libs.eventbus.subscriptions import AnyEvent, Handler
from libs.eventbus.transaction import Transaction
from libs.eventbus.transports import open_bus
from libs.servicekit.clock import SystemClock
from libs.servicekit.commands import main
from libs.servicekit.database import Database, create_engine
from libs.servicekit.health import Health
from libs.servicekit.process import Task
from services.loyalty import bootstrap
from services.loyalty.settings import Settings

RAISING, KILLING = "R10r-", "R10k-"
"""The shops whose orders are poison: of the second, some kill besides."""


def raises(external_order_id: str) -> bool:
    """One order in a hundred of both shops."""
    return external_order_id.startswith((RAISING, KILLING)) and _number(external_order_id) % 100 == 37


def kills(external_order_id: str) -> bool:
    """One order in a thousand of the second shop."""
    return external_order_id.startswith(KILLING) and _number(external_order_id) % 1000 == 500


def poisoned(handler: Handler) -> Handler:
    """The handler, dying of some orders and refusing others."""

    async def handle(transaction: Transaction, events: Sequence[AnyEvent]) -> None:
        for event in events:
            if isinstance(event.fact, OrderPlacedV1):
                if kills(event.fact.external_order_id):
                    os._exit(9)
                if raises(event.fact.external_order_id):
                    raise ValueError("this order is poison to the new version")
        await handler(transaction, events)

    return handle


def _number(external_order_id: str) -> int:
    return int(external_order_id.rpartition("-")[2])


@asynccontextmanager
async def worker(settings: Settings, health: Health) -> AsyncIterator[Mapping[str, Task]]:
    """loyalty's own worker with its consumer replaced."""
    clock = SystemClock()
    database = Database(create_engine(settings.database_worker_url, "worker"), source="loyalty", clock=clock)
    async with bootstrap.worker(settings, health) as tasks, open_bus(settings.bus_url) as bus:
        reader = bootstrap.consumer(database, bus, clock)
        reader.handler = poisoned(reader.handler)

        async def consume(stop: asyncio.Event) -> None:
            await consumer_task(reader, stop)

        yield {**tasks, "consumer": consume}
    await database.close()


if __name__ == "__main__":
    sys.exit(main("loyalty", settings=Settings, api=bootstrap.api, worker=worker, migrate=bootstrap.migrate))
