"""Figures over all customers, in one statement each."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from libs.servicekit.database import Database
from libs.servicekit.unit_of_work import UnitOfWork
from services.segmentation.adapters import measures_sql
from services.segmentation.adapters.rows import counters_of
from services.segmentation.adapters.snapshots import values
from services.segmentation.application.ports import Boundaries, Buyer, Buyers, Cell, RepeatSums, Repurchases, Rfm
from services.segmentation.domain.contribution import NOTHING
from services.segmentation.domain.repurchase import Cohort
from services.segmentation.domain.rfm import Group
from services.segmentation.domain.shares import RatioSums


class PostgresMeasures:
    """Reads under the API role; each figure is one statement on one snapshot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def repurchases(
        self, merchant_id: UUID, as_of: datetime | None, cohort: Cohort, window: timedelta
    ) -> Repurchases:
        """How many of the cohort came back within the window."""
        async with self._database.read(merchant_id) as uow:
            more = {"starts_at": cohort.starts_at, "ends_at": cohort.ends_at, "window": window}
            row = (await _rows(uow, measures_sql.repurchases(as_of), values(uow.tenant, as_of, **more)))[0]
        return Repurchases(row.cohort, row.repurchased, row.anonymous)

    async def rfm(self, merchant_id: UUID, as_of: datetime | None) -> Rfm:
        """Every RFM cell that has a customer."""
        async with self._database.read(merchant_id) as uow:
            bound = values(uow.tenant, as_of)
            cut = (await _rows(uow, measures_sql.rfm_boundaries(as_of), bound))[0]
            bounds = Boundaries(cut.recency or (), cut.frequency or (), cut.monetary or ())
            rows = await _rows(uow, measures_sql.rfm_cells(as_of), {**bound, **_cuts(bounds)}) if cut.recency else []
            currency = await _currency(uow)
        return Rfm(bounds, [_cell(row) for row in rows], cut.anonymous, currency)

    async def rfm_customers(
        self, merchant_id: UUID, as_of: datetime | None, group: Group, *, after: UUID | None, limit: int
    ) -> tuple[str, Sequence[tuple[Buyer, Cell]]]:
        """The customers of one group by customer id."""
        async with self._database.read(merchant_id) as uow:
            bound = values(uow.tenant, as_of)
            cut = (await _rows(uow, measures_sql.rfm_boundaries(as_of), bound))[0]
            currency = await _currency(uow)
            if not cut.recency:
                return currency, []
            cuts = _cuts(Boundaries(cut.recency, cut.frequency, cut.monetary))
            page = {"after": after or UUID(int=0), "limit": limit, **_ranges(group)}
            rows = await _rows(uow, measures_sql.rfm_customers(as_of), {**bound, **cuts, **page})
        return currency, [(_buyer(row), _cell(row)) for row in rows]

    async def top_customers(
        self, merchant_id: UUID, as_of: datetime | None, *, limit: int
    ) -> tuple[str, Sequence[Buyer]]:
        """Identified customers by spend."""
        async with self._database.read(merchant_id) as uow:
            rows = await _rows(uow, measures_sql.top_customers(as_of), values(uow.tenant, as_of, limit=limit))
            return await _currency(uow), [_buyer(row) for row in rows]

    async def buyers(self, merchant_id: UUID, as_of: datetime | None) -> tuple[str, Buyers, Buyers]:
        """Identified and anonymous buyers, added up."""
        async with self._database.read(merchant_id) as uow:
            rows = await _rows(uow, measures_sql.totals(as_of), values(uow.tenant, as_of))
            found = {row.anonymous: Buyers(row.customers, row.repeat_customers, counters_of(row)) for row in rows}
            nobody = Buyers(0, 0, NOTHING)
            return await _currency(uow), found.get(False, nobody), found.get(True, nobody)

    async def repeat_sums(self, merchant_id: UUID, starts_at: datetime, as_of: datetime) -> RepeatSums:
        """Orders and money of the period, and the part of both that repeat orders have."""
        async with self._database.read(merchant_id) as uow:
            bound = values(uow.tenant, as_of, starts_at=starts_at)
            row = (await _rows(uow, measures_sql.repeat_sums(as_of), bound))[0]
            currency = await _currency(uow)
        orders = (row.customers, row.orders, row.repeats, row.orders2, row.repeats2, row.orders_repeats)
        revenue = (row.customers, row.money, row.repeat_money, row.money2, row.repeat_money2, row.money_repeats)
        return RepeatSums(
            RatioSums(*map(int, orders)), RatioSums(*map(int, revenue)), int(row.anonymous_orders), currency
        )


async def _rows(uow: UnitOfWork, statement: str, bound: dict[str, Any]) -> list[Row[Any]]:
    # A figure over a million orders sorts and hashes them once: in memory, not on disk.
    await uow.connection.execute(text("SET LOCAL work_mem = '64MB'"))
    return list(await uow.connection.execute(text(statement), bound))


async def _currency(uow: UnitOfWork) -> str:
    found = await uow.connection.scalar(
        text("SELECT currency FROM merchant WHERE merchant_no = :merchant"), {"merchant": uow.tenant}
    )
    return str(found)


def _cuts(bounds: Boundaries) -> dict[str, Any]:
    """The four boundaries of each value as :r1 to :r4, :f1 to :f4, :m1 to :m4."""
    named = {"r": bounds.recency, "f": bounds.frequency, "m": bounds.monetary}
    return {f"{letter}{place + 1}": cut for letter, cuts in named.items() for place, cut in enumerate(cuts)}


def _ranges(group: Group) -> dict[str, int]:
    low_recency, high_recency = group.recency
    low_value, high_value = group.value
    return {
        "low_recency": low_recency,
        "high_recency": high_recency,
        "low_value": low_value,
        "high_value": high_value,
    }


def _cell(row: Row[Any]) -> Cell:
    return Cell(row.r, row.f, row.m, row.customers, row.orders, row.spend_minor)


def _buyer(row: Row[Any]) -> Buyer:
    return Buyer(row.customer_id, counters_of(row), row.first_order_at, row.last_order_at)
