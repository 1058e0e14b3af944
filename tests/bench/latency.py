"""P8: from webhook to visible points at 200 orders a second; the same while a history is imported."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from tests.bench.figures import Result, Row, Sample, Target, percentile
from tests.bench.system import System, system
from tests.bench.terms import Terms
from tests.shopping import order_document

_PER_SECOND: Final = 200.0
_ORDERS: Final = 2_000
_IMPORTED_PER_LIVE: Final = 4
_MOST_REPEATS: Final = 3
_LOOK_SECONDS: Final = 0.01
_GIVE_UP_SECONDS: Final = 120.0
_NEW: Final = "SELECT txn_id, order_id FROM txn WHERE txn_id > $1 ORDER BY txn_id"


async def latency(terms: Terms) -> Result:
    """Each webhook from the instant that it was due until its points can be read in loyalty's database."""
    orders, repeats = max(200, terms.sized(_ORDERS)), min(terms.repeats, _MOST_REPEATS)
    alone: list[Sample] = []
    beside: list[Sample] = []
    async with system() as found:
        await _measured(found, 200)
        for _ in range(repeats):
            alone.append(await _measured(found, orders))
        notes = []
        for number in range(repeats):
            async with _importing(found, orders * _IMPORTED_PER_LIVE, name=f"import-{number}") as notes_of_it:
                beside.append(await _measured(found, orders))
            notes += notes_of_it
            await found.drain()
    return Result(rows=[*_alone_rows(alone), _beside_row(beside, "; ".join(notes))])


async def _measured(found: System, orders: int) -> Sample:
    """Webhooks at a fixed rate, while the ledger is looked at every ten milliseconds."""
    first, meter = found.sent, found.meter()
    with meter.running():
        seen = asyncio.create_task(_seen_at(found, {found.order_id(first + n) for n in range(orders)}))
        report = await found.post(orders, per_second=_PER_SECOND)
        at = await seen
    taken = [(at[found.order_id(first + n)] - due) * 1e3 for n, due in enumerate(report.sent_at)]
    return meter.sample(orders, p50_ms=percentile(taken, 0.5), p99_ms=percentile(taken, 0.99))


async def _seen_at(found: System, wanted: set[UUID]) -> dict[UUID, float]:
    """When each order's first entry could be read. The clock is the machine's, the same for the load's process."""
    at: dict[UUID, float] = {}
    async with found.arena.admin("loyalty") as connection, asyncio.timeout(_GIVE_UP_SECONDS):
        last = await connection.fetchval("SELECT coalesce(max(txn_id), 0) FROM txn")
        while len(at) < len(wanted):
            rows = await connection.fetch(_NEW, last)
            now = time.monotonic()
            for txn_id, order_id in rows:
                last = max(last, txn_id)
                if order_id in wanted:
                    at.setdefault(order_id, now)
            await asyncio.sleep(_LOOK_SECONDS)
    return at


@asynccontextmanager
async def _importing(found: System, orders: int, *, name: str) -> AsyncIterator[list[str]]:
    """A history is being imported into the merchant's other store; says if it ended before the block did."""
    ingest, notes = found.arena.apis["order_ingest"], list[str]()
    content = b"".join(_row(name, number) for number in range(orders))
    answer = await ingest.send("POST", "/v1/imports", params={"store_id": str(found.arena.store_id)}, content=content)
    job = f"/v1/jobs/{answer.json()['job_id']}"
    yield notes
    if (await ingest.get(job))["state"] in ("succeeded", "failed"):
        notes.append(f"{name} was over before the measurement")
    await found.drain()


def _row(name: str, number: int) -> bytes:
    """A line of the history: an order of a customer who bought four times."""
    customer = f"{name}-{number // 4}"
    order = order_document(customer, number, placed_at=datetime.now(UTC) - timedelta(days=30 + number % 300))
    order["customer"]["id"] = customer
    del order["customer"]["phone"]
    return json.dumps(order).encode() + b"\n"


def _alone_rows(samples: list[Sample]) -> list[Row]:
    return [
        Row(
            id="P8",
            what=f"webhook to visible points, {name} at {_PER_SECOND:.0f} orders/s",
            values=[getattr(sample, f"{name}_ms") for sample in samples],
            unit="ms",
            target=Target(at_most=most),
            absolute=True,
            samples=samples,
        )
        for name, most in (("p50", 60), ("p99", 250))
    ]


def _beside_row(samples: list[Sample], note: str) -> Row:
    return Row(
        id="P8",
        what="the same, p99, while a history is imported",
        values=[sample.p99_ms or 0.0 for sample in samples],
        unit="ms",
        target=Target(at_most=2_000),
        absolute=True,
        samples=samples,
        note=note,
    )
