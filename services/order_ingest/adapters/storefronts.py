"""Stores as the translation of their deliveries needs them."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.order_ingest.domain.storefront import Storefront

_BY_NUMBER = text(
    """
    SELECT s.store_id, s.store_no, m.merchant_id, s.merchant_no, s.platform, s.account, s.currency,
           m.currency AS merchant_currency, s.time_zone, s.locale, s.return_window_days
    FROM store s JOIN merchant m USING (merchant_no) WHERE s.store_no = ANY(CAST(:numbers AS int4[]))
    """
)


async def storefronts_by_number(connection: AsyncConnection, numbers: Collection[int]) -> Mapping[int, Storefront]:
    """The stores with these local numbers."""
    if not numbers:
        return {}
    rows = await connection.execute(_BY_NUMBER, {"numbers": sorted(numbers)})
    return {row.store_no: _storefront(row) for row in rows}


def _storefront(row: Row[Any]) -> Storefront:
    return Storefront(**row._mapping)
