"""Segmentation databases, folded by the real handler under the worker's role."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from deploy.local.databases import ServiceUrls
from libs.contracts.envelope import Event
from libs.eventbus.outbox import seed_topic
from libs.eventbus.schema import ensure_partitions
from libs.eventbus.subscriptions import Handler, fold
from libs.servicekit.clock import SystemClock
from libs.servicekit.database import Database, create_engine
from services.segmentation.adapters.measures import PostgresMeasures
from services.segmentation.adapters.profiles import PostgresProfiles
from services.segmentation.adapters.segments import PostgresSegments
from services.segmentation.adapters.workspaces import PostgresWorkspaces
from services.segmentation.application.ports import Reads
from services.segmentation.entrypoints.subscriptions import SUBSCRIPTIONS
from tests.throwaway import Databases

_OF_MERCHANT = "JOIN merchant m USING (merchant_no) WHERE m.merchant_id = :merchant"
_STATE = {
    "customers": f"SELECT c.* FROM customer c {_OF_MERCHANT} ORDER BY customer_id",
    "months": f"""
        SELECT c.* FROM customer_month c {_OF_MERCHANT} AND (orders <> 0 OR spend_minor <> 0)
        ORDER BY customer_id, month""",
    "orders": f"SELECT o.* FROM customer_order o {_OF_MERCHANT} ORDER BY order_id",
    "refunds": f"SELECT r.* FROM order_refund r {_OF_MERCHANT} ORDER BY order_id, refund_id",
    "members": f"""
        SELECT g.name, s.customer_id FROM segment_stay s JOIN segment g USING (merchant_no, segment_id)
        {_OF_MERCHANT} AND left_at IS NULL ORDER BY g.name, customer_id""",
    "timeline": f"""
        SELECT customer_id, at, entry_id, kind, order_id, CAST(details AS text) FROM timeline
        {_OF_MERCHANT} AND kind NOT LIKE 'segment.%' ORDER BY customer_id, at, entry_id""",
    "segments": f"SELECT g.name, g.current_version FROM segment g {_OF_MERCHANT} ORDER BY g.name",
}


@dataclass
class Folded:
    """A database and the fold over it."""

    urls: ServiceUrls
    database: Database
    handler: Handler
    reads: Reads

    async def apply(self, events: Sequence[Event[Any]], *, batch: int = 500) -> None:
        """The events are folded in batches, each in one transaction."""
        for start in range(0, len(events), batch):
            async with self.database.begin() as uow:
                await self.handler(uow, events[start : start + batch])

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        async with self.database.begin() as uow:
            found = await uow.connection.execute(text(statement), values)
            return [dict(row._mapping) for row in found]

    async def state(self, merchant_id: UUID) -> dict[str, list[dict[str, Any]]]:
        """All that follows from a merchant's facts, whatever their order; of stays, who is in what now."""
        found = {}
        for table, statement in _STATE.items():
            rows = await self.rows(statement, merchant=merchant_id)
            found[table] = [{name: value for name, value in row.items() if name != "merchant_no"} for row in rows]
        return found

    async def told(self) -> list[tuple[str, str]]:
        """(type, subject) of every fact in the outbox, in the order of saying by lane."""
        rows = await self.rows("SELECT type, subject FROM outbox ORDER BY topic, lane, seq")
        return [(row["type"], row["subject"]) for row in rows]


@asynccontextmanager
async def opened(urls: ServiceUrls) -> AsyncIterator[Folded]:
    """The fold over the database of those URLs."""
    clock = SystemClock()
    database = Database(create_engine(urls.worker, "worker", pool_size=4), source="segmentation", clock=clock)
    api = Database(create_engine(urls.api, "api", pool_size=2), source="segmentation", clock=clock)
    async with database.begin() as uow:
        await ensure_partitions(uow.connection, clock.now())
        await seed_topic(uow.connection, "segmentation")
    reads = Reads(PostgresProfiles(api), PostgresSegments(api), PostgresMeasures(api))
    yield Folded(urls, database, fold(PostgresWorkspaces(clock.now), SUBSCRIPTIONS), reads)
    await database.close()
    await api.close()


@pytest.fixture(scope="session")
async def folded(databases: Databases) -> AsyncIterator[Folded]:
    """One database for the whole run: each test has merchants of its own in it."""
    async with opened(await databases.fresh("segmentation")) as shared:
        yield shared


@pytest.fixture
async def alone(databases: Databases) -> AsyncIterator[Folded]:
    """An empty database for one test."""
    async with opened(await databases.fresh("segmentation")) as own:
        yield own
