"""The loyalty fold, the ORM that does the same per event, COPY of the same rows, and whether the first two agree."""

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from deploy.local.databases import ServiceUrls
from libs.eventbus.port import Outgoing
from libs.eventbus.schema import ensure_partitions
from libs.servicekit.clock import SystemClock
from libs.servicekit.worker import open_database, prepare_outbox
from services.loyalty.bootstrap import SERVICE, consumer
from tests.bench.figures import Sample
from tests.bench.grounds import Grounds
from tests.bench.memory_bus import MemoryBus
from tests.bench.meters import Meter
from tests.bench.peers import copying
from tests.bench.peers.orm_consumer import consume
from tests.bench.peers.orm_ledger import Base

Records = Sequence[Outgoing]
_TABLES: Final = ("account", "txn", "transfer", "lot", "lot_move", "order_state", "award", "terms", "outbox")
_OURS: Final = """
SELECT a.owner::text, a.posted, a.debt, a.spend, a.step::int4,
    (SELECT array_agg(concat_ws(' ', l.order_id, l.granted, l.remaining, l.available_at) ORDER BY l.order_id)
     FROM lot l WHERE l.account_id = a.account_id)
FROM account a WHERE a.kind = 'member' ORDER BY 1
"""
_THEIRS: Final = """
SELECT m.customer_id::text, m.posted, m.debt, m.spend, m.step,
    (SELECT array_agg(concat_ws(' ', l.order_id, l.granted, l.remaining, l.available_at) ORDER BY l.order_id)
     FROM lot l WHERE l.customer_id = m.customer_id)
FROM member m ORDER BY 1
"""
_TOLD: Final = "SELECT type, count(*) FROM {table} WHERE type ~ '^(points|tier|member)' GROUP BY type ORDER BY type"


async def fold(ground: Grounds, urls: ServiceUrls, records: Records) -> Sample:
    """The service's own consumer, built as its worker builds it, on a bus that costs nothing."""
    clock, stop = SystemClock(), asyncio.Event()
    database = open_database(urls.worker, "worker", source=SERVICE, pool_size=4, clock=clock)
    try:
        await prepare_outbox(database, SERVICE, clock)
        meter = Meter([os.getpid()], ground.postmaster)
        with meter.running():
            await consumer(database, MemoryBus(records, stop), clock).run(stop)
    finally:
        await database.close()
    return meter.sample(len(records))


async def copy(ground: Grounds, urls: ServiceUrls, events: int) -> Sample:
    """The rows that the fold wrote, into the same tables of an empty database."""
    rows = await copying.rows_of(ground.superuser(urls.worker), _TABLES)
    empty = await ground.databases.fresh("loyalty")
    clock = SystemClock()
    database = open_database(empty.owner, "owner", source=SERVICE, pool_size=1, clock=clock)
    async with database.begin() as uow:
        await ensure_partitions(uow.connection, datetime.now(UTC))
    await database.close()
    return Sample(units=events, seconds=await copying.copy_in(ground.superuser(empty.worker), rows))


async def orm(ground: Grounds, url: str, records: Records) -> Sample:
    """One transaction per event, as the ORM's tutorial shows it, on an empty database of its own."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), pool_size=4, max_overflow=0)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        meter = Meter([os.getpid()], ground.postmaster)
        with meter.running():
            for record in records:
                await consume(sessions, record)
    finally:
        await engine.dispose()
    return meter.sample(len(records))


async def disagreement(ground: Grounds, records: Records) -> list[str]:
    """Where fold and ORM end differently: members' points, spend, tiers and lots, and the facts told."""
    urls, url = await ground.databases.fresh("loyalty"), await ground.databases.blank()
    await fold(ground, urls, records)
    await orm(ground, url, records)
    complaints = []
    for what, ours, theirs in (
        ("members and their lots", _OURS, _THEIRS),
        ("facts told", _TOLD.format(table="outbox"), _TOLD.format(table="outbox_event")),
    ):
        mine, others = await _rows(ground.superuser(urls.worker), ours), await _rows(url, theirs)
        if mine != others or not mine:
            apart = next((pair for pair in zip(mine, others, strict=False) if pair[0] != pair[1]), ())
            complaints.append(f"fold and ORM differ in {what}: {len(mine)} and {len(others)} rows, first {apart}")
    return complaints


async def _rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()
