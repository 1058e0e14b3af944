"""Products as they or order lines describe them: set-based load and store."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.writes import Writes
from services.order_ingest.adapters.columns import by_column, sql, unnest
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.catalogue import ProductSeen
from services.order_ingest.domain.changes import OrderSeen
from services.order_ingest.domain.product import Product

_LOAD = text(
    """
    SELECT p.* FROM unnest(CAST(:merchants AS int4[]), CAST(:products AS uuid[])) w(merchant_no, product_id)
    CROSS JOIN LATERAL (
        SELECT product_id, external_id, version_us, digest, described_by FROM product p
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
    "daily_use": "numeric",
    "care_tips": "text",
    "price_minor": "int8",
    "described_by": "int2",
    "version_us": "int8",
    "digest": "bytea",
}
_SEPARATOR: Final = "\x1f"
_LISTS: Final = ("category_path", "care_tips")
_LIST: Final = "CASE WHEN x.{name} = '' THEN '{}' ELSE string_to_array(x.{name}, E'\\x1f') END"
_FIXED: Final = ("merchant_no", "product_id", "store_no", "external_id")
_VALUES: Final = {name: _LIST.replace("{name}", name) if name in _LISTS else f"x.{name}" for name in _COLUMNS}
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
    """The products that the entries tell of or their lines name, as far as they are known."""
    wanted = {
        (entry.storefront.merchant_no, entry.storefront.product_id(external_id))
        for entry in entries
        for external_id in _named(entry)
    }
    if not wanted:
        return {}
    merchants, products = map(list, zip(*sorted(wanted), strict=True))
    rows = await connection.execute(_LOAD, {"merchants": merchants, "products": products})
    return {row.product_id: Product(**row._mapping) for row in rows}


def _named(entry: Entry) -> Iterator[str]:
    match entry.change:
        case ProductSeen(external_id=external_id):
            yield external_id
        case OrderSeen(content=content):
            yield from (line.product_id for line in content.lines if line.product_id and not line.gift_card)


def store_products(writes: Writes, workspace: Workspace, now: datetime) -> None:
    """Products that were described anew are stored with the writes."""
    new = sorted(workspace.touched_products.keys() - workspace.stored_products)
    known = sorted(workspace.touched_products.keys() & workspace.stored_products)
    for statement, product_ids in ((_INSERT, new), (_UPDATE, known)):
        if product_ids:
            rows = [_values(workspace, product_id) for product_id in product_ids]
            writes.add(statement, {**by_column(rows, _COLUMNS), "now": now})


def _values(workspace: Workspace, product_id: UUID) -> dict[str, Any]:
    product, storefront = workspace.products[product_id], workspace.touched_products[product_id]
    words = product.words
    assert words is not None, "a touched product has the words that described it"
    return {
        "merchant_no": storefront.merchant_no,
        "product_id": product_id,
        "store_no": storefront.store_no,
        "external_id": product.external_id,
        "title": words.title,
        "brand": words.brand,
        "category_path": _SEPARATOR.join(words.category_path),
        "material": words.material,
        "category_type": words.category_type,
        "units": words.units,
        "daily_use": words.daily_use,
        "care_tips": _SEPARATOR.join(words.care_tips),
        "price_minor": words.price_minor,
        "described_by": product.described_by,
        "version_us": product.version_us,
        "digest": product.digest,
    }
