"""Events per second of the loyalty fold alone: `python -m tests.services.loyalty.measure_fold [events] [batch]`.

Needs TEST_DATABASE_URL. One process, one connection, one transaction per batch with outbox and COMMIT; what is not
measured: the bus, lane marks, decoding.
"""

import itertools
import os
import random
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import uvloop

from libs.contracts.envelope import Event
from libs.eventbus import outbox
from libs.eventbus.schema import ensure_partitions
from libs.eventbus.subscriptions import fold
from libs.servicekit.clock import ManualClock
from libs.servicekit.database import Database, create_engine
from services.loyalty.adapters.workspaces import PostgresWorkspaces
from services.loyalty.entrypoints.subscriptions import SUBSCRIPTIONS
from tests.services.loyalty.facts import DAY, START, Facts
from tests.throwaway import Databases


def year_of_events(customers: int, orders: int, seed: int) -> list[Event[Any]]:
    """Orders of many customers in the order of a year: placed, paid, some refunded or cancelled, 5 % told twice."""
    chance, facts = random.Random(seed), Facts(at=START - DAY)
    events = [facts.merchant()]
    seen: set[str] = set()
    for number in range(orders):
        facts.at = START + timedelta(seconds=number * 365 * 86400 / orders)
        customer, order = f"c{chance.randrange(customers)}", f"o{number}"
        batch = [] if customer in seen else [facts.customer(customer)]
        seen.add(customer)
        batch += [facts.placed(customer, order, chance.randrange(500, 20_000), 1_999), facts.paid(customer, order)]
        if chance.random() < 0.03:
            batch.append(facts.refunded(customer, order, 500))
        elif chance.random() < 0.01:
            batch.append(facts.cancelled(customer, order))
        events += batch
        if chance.random() < 0.05:
            events.append(batch[-1])
    return events


async def measure(customers: int, events: list[Event[Any]], size: int) -> None:
    databases = Databases(os.environ["TEST_DATABASE_URL"])
    try:
        urls = await databases.fresh("loyalty")
        clock = ManualClock(START + 400 * DAY)
        database = Database(create_engine(urls.worker, "worker", pool_size=2), source="loyalty", clock=clock)
        async with database.begin() as uow:
            await outbox.seed_topic(uow.connection, "loyalty")
            await ensure_partitions(uow.connection, datetime.now(UTC))
        handle = fold(PostgresWorkspaces(clock), SUBSCRIPTIONS)
        marks, cpu = [time.perf_counter()], resource.getrusage(resource.RUSAGE_SELF).ru_utime
        for start in range(0, len(events), size):
            async with database.begin() as uow:
                await handle(uow, events[start : start + size])
            marks.append(time.perf_counter())
        cpu = resource.getrusage(resource.RUSAGE_SELF).ru_utime - cpu
        rates = sorted(size / (after - before) for before, after in itertools.pairwise(marks))
        print(
            f"{len(events)} events, {customers} customers, batch {size}: {len(events) / (marks[-1] - marks[0]):,.0f}"
            f" events/s (median batch {rates[len(rates) // 2]:,.0f}), app CPU {cpu / len(events) * 1e6:.0f} us/event"
        )
        await database.close()
    finally:
        await databases.drop_all()


if __name__ == "__main__":
    wanted, size = (int(each) for each in (*sys.argv[1:3], *("20000", "500")[len(sys.argv) - 1 :]))
    customers = max(50, wanted // 40)
    uvloop.run(measure(customers, year_of_events(customers, wanted // 2, seed=7), size))
