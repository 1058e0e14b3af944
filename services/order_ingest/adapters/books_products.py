"""Products as order lines describe them: set-based load and store."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.order_ingest.adapters.columns import by_column, sql, unnest
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.changes import OrderSeen
from services.order_ingest.domain.product import Product

_LOAD = text(
    """
    SELECT p.* FROM unnest(CAST(:merchants AS int4[]), CAST(:products AS uuid[])) w(merchant_no, product_id)
    CROSS JOIN LATERAL (
        SELECT product_id, external_id, version_us, digest FROM product p
        WHERE (p.merchant_no, p.product_id) = (w.merchant_no, w.product_id) OFFSET 0) p
    """
)
_COLUMNS: Final = {
    "merchant_no": "int4",
    "product_id": "uuid",
    "store_no": "int4",
    "external_id": "text",
    "title": "text",
    "brand": "text",
    "category_path": "text",
    "material": "text",
    "category_type": "text",
    "units": "int8",
    "version_us": "int8",
    "digest": "bytea",
}
_PATH_SEPARATOR = "\x1f"
_PATH: Final = "CASE WHEN x.category_path = '' THEN '{}' ELSE string_to_array(x.category_path, E'\\x1f') END"
_FIXED: Final = ("merchant_no", "product_id", "store_no", "external_id")
_VALUES: Final = {name: _PATH if name == "category_path" else f"x.{name}" for name in _COLUMNS}
_INSERT = sql(
    "INSERT INTO product ({columns}, updated_at) SELECT {values}, :now FROM {rows}",
    columns=", ".join(_COLUMNS),
    values=", ".join(_VALUES.values()),
    rows=unnest(_COLUMNS),
)
_UPDATE = sql(
    """
    UPDATE product p SET updated_at = :now, {values} FROM {rows}
    WHERE (p.merchant_no, p.product_id) = (x.merchant_no, x.product_id)
    """,
    values=", ".join(f"{name} = {value}" for name, value in _VALUES.items() if name not in _FIXED),
    rows=unnest(_COLUMNS),
)


async def load_products(connection: AsyncConnection, entries: Sequence[Entry]) -> Mapping[UUID, Product]:
    """The products that the entries' lines name, as far as they are known."""
    wanted = {
        (entry.storefront.merchant_no, entry.storefront.product_id(line.product_id))
        for entry in entries
        if isinstance(entry.change, OrderSeen)
        for line in entry.change.content.lines
        if line.product_id is not None and not line.gift_card
    }
    if not wanted:
        return {}
    merchants, products = map(list, zip(*sorted(wanted), strict=True))
    rows = await connection.execute(_LOAD, {"merchants": merchants, "products": products})
    return {row.product_id: Product(**row._mapping) for row in rows}


async def store_products(connection: AsyncConnection, workspace: Workspace, now: datetime) -> None:
    """Products that were described anew stand."""
    new = sorted(workspace.touched_products.keys() - workspace.stored_products)
    known = sorted(workspace.touched_products.keys() & workspace.stored_products)
    for statement, product_ids in ((_INSERT, new), (_UPDATE, known)):
        if product_ids:
            rows = [_values(workspace, product_id) for product_id in product_ids]
            await connection.execute(statement, {**by_column(rows, _COLUMNS), "now": now})


def _values(workspace: Workspace, product_id: UUID) -> dict[str, Any]:
    product, storefront = workspace.products[product_id], workspace.touched_products[product_id]
    line = product.line
    assert line is not None, "a touched product has the line that described it"
    return {
        "merchant_no": storefront.merchant_no,
        "product_id": product_id,
        "store_no": storefront.store_no,
        "external_id": product.external_id,
        "title": line.title,
        "brand": line.brand,
        "category_path": _PATH_SEPARATOR.join(line.category_path),
        "material": line.material,
        "category_type": line.category_type,
        "units": line.units,
        "version_us": product.version_us,
        "digest": product.digest,
    }
