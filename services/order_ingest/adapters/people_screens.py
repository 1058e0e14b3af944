"""Reads for the screen: customers found by what they are called, their identities, and products."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.sealing import Vault
from services.order_ingest.adapters.people_rows import customer_of
from services.order_ingest.domain.customer import Key

_MOST_MERGES: Final = 100
_PAGE = text(
    """
    SELECT c.* FROM customer c WHERE merged_into IS NULL AND erased_at IS NULL
      AND (CAST(:after_at AS timestamptz) IS NULL
           OR (c.registered_at, c.customer_id) < (:after_at, CAST(:after_id AS uuid)))
    ORDER BY c.registered_at DESC, c.customer_id DESC LIMIT :limit
    """
)
_FIND = text(
    """
    SELECT c.* FROM identity i JOIN customer c USING (merchant_no, customer_id)
    WHERE i.strength = :strength AND i.value = :value AND c.merged_into IS NULL
        AND c.erased_at IS NULL ORDER BY c.customer_id LIMIT :limit
    """
)
_SHOW = text("SELECT * FROM customer WHERE customer_id = :customer_id")
_IDENTITIES = text(
    """
    SELECT i.strength, i.value, s.store_id FROM identity i LEFT JOIN store s USING (merchant_no, store_no)
    WHERE i.customer_id = :customer_id ORDER BY i.strength, i.store_no, i.value
    """
)
_ABSORBED = text(
    "SELECT customer_id, identity_version FROM customer WHERE merged_into = :customer_id ORDER BY customer_id"
)
_PRODUCTS = text(
    """
    SELECT p.product_id, s.store_id, p.external_id, p.title, p.brand, p.category_path, p.material, p.category_type,
        p.units, p.daily_use, p.care_tips, p.price_minor, p.updated_at
    FROM product p JOIN store s USING (merchant_no, store_no)
    WHERE (CAST(:external_id AS text) IS NULL OR p.external_id = :external_id)
      AND (CAST(:store_id AS uuid) IS NULL OR s.store_id = :store_id)
      AND (CAST(:after AS uuid) IS NULL OR p.product_id > :after)
    ORDER BY p.product_id LIMIT :limit
    """
)


async def customers_page(
    connection: AsyncConnection, vault: Vault, *, key: Key | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Living customers, the newest first; with `key` those who are known by it."""
    if key is not None:
        rows = await connection.execute(_FIND, {"strength": int(key.strength), "value": key.value, "limit": limit})
        return [_shown(row, vault) for row in rows]
    after_at, after_id = after or (None, None)
    values = {"after_at": after_at, "after_id": after_id, "limit": limit}
    return [_shown(row, vault) for row in await connection.execute(_PAGE, values)]


async def customer_shown(connection: AsyncConnection, vault: Vault, customer_id: UUID) -> Mapping[str, Any] | None:
    """The living customer behind the id; an absorbed one's id leads to the survivor."""
    visited: set[UUID] = set()
    while customer_id not in visited and len(visited) < _MOST_MERGES:
        visited.add(customer_id)
        row = (await connection.execute(_SHOW, {"customer_id": customer_id})).one_or_none()
        if row is None:
            return None
        if row.merged_into is None:
            return _shown(row, vault)
        customer_id = row.merged_into
    return None


async def identities_of(connection: AsyncConnection, customer_id: UUID) -> Sequence[Mapping[str, Any]]:
    """The keys that find the customer; addresses as keyed hashes."""
    rows = await connection.execute(_IDENTITIES, {"customer_id": customer_id})
    return [dict(row._mapping) for row in rows]


async def absorbed_by(connection: AsyncConnection, customer_id: UUID) -> Sequence[Mapping[str, Any]]:
    """The customers whose lives ended in this one."""
    return [dict(row._mapping) for row in await connection.execute(_ABSORBED, {"customer_id": customer_id})]


async def products_page(
    connection: AsyncConnection, *, filters: Mapping[str, Any], after: UUID | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Products by id."""
    rows = await connection.execute(_PRODUCTS, {**filters, "after": after, "limit": limit})
    return [dict(row._mapping) for row in rows]


def _shown(row: Row[Any], vault: Vault) -> Mapping[str, Any]:
    customer = customer_of(row, vault)
    return {
        **customer.told_values(),
        "platform_tags": customer.platform_tags,
        "customer_id": customer.customer_id,
        "store_id": customer.store_id,
        "anonymous": customer.is_anonymous,
        "identity_version": customer.identity_version,
        "registered_at": customer.registered_at,
        "erased_at": customer.erased_at,
        "updated_at": row.updated_at,
        "consents": [
            {
                "channel": name.partition("/")[0],
                "topic": name.partition("/")[2],
                "state": mark.state,
                "at_us": mark.at_us,
            }
            for name, mark in sorted(customer.consents.items())
        ],
    }
