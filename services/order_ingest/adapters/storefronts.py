"""Stores as the translation of their deliveries needs them."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.order_ingest.domain.storefront import Storefront

_BY_NUMBER = text(
    """
    SELECT s.store_id, s.store_no, m.merchant_id, s.merchant_no, s.platform, s.account, s.currency, s.time_zone,
           s.locale, s.return_window_days
    FROM store s JOIN merchant m USING (merchant_no) WHERE s.store_no = ANY(CAST(:numbers AS int4[]))
    """
)
_BY_ID = text(
    """
    SELECT s.store_id, s.store_no, m.merchant_id, s.merchant_no, s.platform, s.account, s.currency, s.time_zone,
           s.locale, s.return_window_days
    FROM store s JOIN merchant m USING (merchant_no) WHERE s.store_id = :store_id
    """
)


async def storefronts_by_number(connection: AsyncConnection, numbers: Collection[int]) -> Mapping[int, Storefront]:
    """The stores with these local numbers."""
    if not numbers:
        return {}
    rows = await connection.execute(_BY_NUMBER, {"numbers": sorted(numbers)})
    return {row.store_no: _storefront(row) for row in rows}


async def storefront_by_id(connection: AsyncConnection, store_id: UUID) -> Storefront | None:
    """The store with this id, if the transaction may see it."""
    row = (await connection.execute(_BY_ID, {"store_id": store_id})).one_or_none()
    return _storefront(row) if row else None


def _storefront(row: Row[Any]) -> Storefront:
    return Storefront(**row._mapping)
