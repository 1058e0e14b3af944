"""P14: a history from its stored upload to canonical orders and facts in the outbox, and COPY of the rows it wrote."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final
from uuid import UUID

from cryptography.fernet import Fernet
from sqlalchemy import text

from deploy.local.databases import ServiceUrls
from libs.servicekit.clock import SystemClock
from libs.servicekit.database import Database
from libs.servicekit.identity import new_id
from libs.servicekit.job_runner import JobRunner
from libs.servicekit.jobs import enqueue
from libs.servicekit.sealing import Sealer, Vault
from libs.servicekit.worker import open_database
from services.order_ingest.adapters.addresses import LibraryAddresses
from services.order_ingest.adapters.import_runner import KIND, ImportRunner
from services.order_ingest.adapters.imports import ImportFiles
from services.order_ingest.application.read_entry import Reader
from services.order_ingest.bootstrap import prepare
from services.order_ingest.entrypoints.upload import CHUNK_ROWS
from services.order_ingest.worker_tasks import NAME
from tests.bench.figures import Result, Row, Sample, Target, rates, ratios
from tests.bench.grounds import Grounds, grounds
from tests.bench.meters import Meter, resident_bytes
from tests.bench.peers import copying
from tests.bench.terms import Terms
from tests.shopping import order_document

_ORDERS: Final = 20_000
_LINES: Final = 3
_ORDERS_PER_CUSTOMER: Final = 4
_PRODUCTS: Final = 500
_LOOK_SECONDS: Final = 0.5
_TABLES: Final = ("customer_order", "order_version", "customer", "identity", "product", "outbox")
_MERCHANT: Final = text(
    """
    INSERT INTO merchant (merchant_id, name, currency, time_zone, registered_at)
    VALUES (:id, 'Bench', 'EUR', 'UTC', :now) RETURNING merchant_no
    """
)
_STORE: Final = text(
    """
    INSERT INTO store (merchant_no, store_id, platform, account, currency, time_zone, return_window_days,
                       endpoint_token, created_at, updated_at)
    VALUES (:merchant_no, :id, 'standard', 'bench', 'EUR', 'UTC', 30, 'bench', :now, :now)
    """
)


@dataclass(frozen=True, slots=True)
class _House:
    """A worker's database with one store, and the import as the worker runs it."""

    database: Database
    vault: Vault
    runner: JobRunner
    merchant_id: UUID
    merchant_no: int
    store_id: UUID


async def history(terms: Terms) -> Result:
    """The same history into an empty database, and its rows by COPY into another, in turns."""
    orders = terms.sized(_ORDERS)
    imported: list[Sample] = []
    copied: list[Sample] = []
    growth: list[float] = []
    async with grounds() as ground:
        for _ in range(terms.repeats):
            urls = await ground.databases.fresh("order_ingest")
            async with _house(urls) as house:
                await _upload(house, orders)
                sample, memory = await _imported(ground, house, orders)
            imported.append(sample)
            growth.append(max(memory[len(memory) // 2 :]) / max(memory[: len(memory) // 2 + 1]))
            copied.append(await _copied(ground, urls, orders))
    return Result(rows=_rows(imported, copied, growth))


def _rows(imported: Sequence[Sample], copied: Sequence[Sample], growth: Sequence[float]) -> list[Row]:
    return [
        Row(
            id="P14",
            what="import of history / COPY of the rows that it wrote",
            values=ratios(imported, copied),
            unit="x",
            target=Target(at_least=0.1),
        ),
        Row(
            id="P14",
            what="import of history",
            values=rates(imported),
            unit="lines/s",
            target=Target(at_least=10_000),
            absolute=True,
            samples=imported,
        ),
        Row(
            id="P14",
            what="memory in the second half of the import / in the first",
            values=growth,
            unit="x",
            target=Target(at_most=1.1),
        ),
    ]


async def _imported(ground: Grounds, house: _House, orders: int) -> tuple[Sample, Sequence[int]]:
    memory: list[int] = []
    watching = asyncio.create_task(_watch(memory))
    meter = Meter([os.getpid()], ground.postmaster)
    with meter.running():
        await house.runner.run_one(asyncio.Event())
    watching.cancel()
    await _check(house, orders)
    return meter.sample(orders * _LINES), [*memory, resident_bytes(os.getpid())]


async def _watch(memory: list[int]) -> None:
    while True:
        memory.append(resident_bytes(os.getpid()))
        await asyncio.sleep(_LOOK_SECONDS)


async def _check(house: _House, orders: int) -> None:
    async with house.database.read() as uow:
        found = await uow.connection.scalar(text("SELECT count(*) FROM customer_order"))
    if found != orders:
        raise RuntimeError(f"{found} of {orders} orders were imported")


async def _copied(ground: Grounds, urls: ServiceUrls, orders: int) -> Sample:
    rows = await copying.rows_of(ground.superuser(urls.worker), _TABLES)
    empty = await ground.databases.fresh("order_ingest")
    async with _house(empty):
        pass
    seconds = await copying.copy_in(ground.superuser(empty.worker), rows)
    return Sample(units=orders * _LINES, seconds=seconds)


@asynccontextmanager
async def _house(urls: ServiceUrls) -> AsyncIterator[_House]:
    clock, vault = SystemClock(), Vault([bytes(32)])
    reader = Reader(LibraryAddresses(), Sealer([Fernet.generate_key().decode()], bytes(32)))
    database = open_database(urls.worker, "worker", source=NAME, pool_size=4, clock=clock)
    merchant_id, store_id = new_id(), new_id()

    async def never(_: int) -> bool:
        return False

    try:
        await prepare(database, clock)
        async with database.begin() as uow:
            merchant_no = await uow.connection.scalar(_MERCHANT, {"id": merchant_id, "now": clock.now()})
            values = {"merchant_no": merchant_no, "id": store_id, "now": clock.now()}
            await uow.connection.execute(_STORE, values)
        imports = ImportRunner(database, vault, reader, clock, never)
        runner = JobRunner(database, {KIND: imports.run}, clock)
        yield _House(database, vault, runner, merchant_id, int(merchant_no), store_id)
    finally:
        await database.close()


async def _upload(house: _House, orders: int) -> None:
    """The file stands in its chunks, as after the upload, and its job waits."""
    import_id, now = new_id(), datetime.now(UTC)
    async with house.database.begin(house.merchant_id) as uow:
        files = ImportFiles(uow.connection, house.merchant_no, house.vault)
        attempt = await files.create(import_id, store_id=house.store_id, options={"max_backlog": 1_000_000}, now=now)
        assert attempt is not None
        rows = _lines(orders)
        for chunk_no in range(-(-orders // CHUNK_ROWS)):
            lines = list(islice(rows, CHUNK_ROWS))
            await files.add_chunk(
                import_id, attempt, chunk_no=chunk_no, first_row=chunk_no * CHUNK_ROWS + 1, lines=lines
            )
        job_id = await enqueue(uow, kind=KIND, request={"import_id": str(import_id)}, unit="rows", now=now)
        await files.queue(import_id, attempt, rows=orders, job_id=job_id)


def _lines(orders: int) -> Iterator[bytes]:
    began = datetime.now(UTC) - timedelta(days=700)
    for number in range(orders):
        yield json.dumps(_order(number, began + timedelta(minutes=number))).encode()


def _order(number: int, placed_at: datetime) -> dict[str, Any]:
    """An order of three lines by a customer who buys four times."""
    customer = f"h{number // _ORDERS_PER_CUSTOMER}"
    order = order_document(customer, number, placed_at=placed_at)
    order["customer"] |= {"id": customer, "phone": None}
    [line] = order["lines"]
    order["lines"] = [
        line | {"id": str(place + 1), "product_id": f"P-{(number * _LINES + place) % _PRODUCTS}"}
        for place in range(_LINES)
    ]
    return order
