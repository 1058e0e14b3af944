"""Canonical orders and their history: set-based load and store."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import zstandard
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.writes import Writes
from services.order_ingest.adapters.columns import by_column, locked, sql, unnest
from services.order_ingest.adapters.order_rows import COLUMNS, CONTENT_COLUMNS, columns_of, order_of
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.changes import OrderDeleted, OrderSeen, PartOfOrder
from services.order_ingest.domain.order import Order

# LATERAL with OFFSET 0: one index probe per key, whatever the planner believes about the table's size. The sum keeps
# the index by merchant and time out of it: on an empty table it looks as good as the primary key.
_LOAD = text(
    """
    SELECT o.* FROM unnest(CAST(:merchants AS int4[]), CAST(:orders AS uuid[])) w(merchant_no, order_id)
    CROSS JOIN LATERAL (
        SELECT order_id, external_id, customer_id, version_us, source_rank, triggered_us, body_hash, content_hash,
               placed_at, currency, total_minor, return_window_days, fx, financial_status, paid_at,
               cancelled_at, cancel_reason, deleted_at, completed_at,
               told, refunds, fulfilments, returns
        FROM customer_order c WHERE c.order_id = w.order_id AND c.merchant_no + 0 = w.merchant_no OFFSET 0) o
    """
)
_ALL: Final = {**COLUMNS, **CONTENT_COLUMNS}
_FIXED: Final = ("merchant_no", "order_id", "store_no", "external_id", "origin_id")
_COUNTED: Final = ("goods_minor", "discount_minor", "line_count", "item_count")
"""Zero, not null, for an order whose content has not come yet."""

_INSERT = sql(
    "INSERT INTO customer_order ({columns}, updated_at) SELECT {values}, :now FROM {rows}",
    columns=", ".join(_ALL),
    values=", ".join(f"coalesce({name}, 0)" if name in _COUNTED else name for name in _ALL),
    rows=unnest(_ALL),
)
_UPDATE = sql(
    """
    UPDATE customer_order o SET updated_at = :now, {state}, {origin}, {content} FROM {rows}
    WHERE o.order_id = x.order_id AND o.merchant_no + 0 = x.merchant_no
    """,
    state=", ".join(f"{name} = x.{name}" for name in COLUMNS if name not in _FIXED),
    origin="origin_id = coalesce(o.origin_id, x.origin_id)",
    content=", ".join(f"{name} = coalesce(x.{name}, o.{name})" for name in CONTENT_COLUMNS),
    rows=unnest(_ALL),
)
_HISTORY_COLUMNS: Final = {
    "merchant_no": "int4",
    "order_id": "uuid",
    "cause_id": "uuid",
    "source": "text",
    "version_us": "int8",
    "facts": "text",
    "total_minor": "int8",
    "refunded_minor": "int8",
    "financial_status": "text",
}
_HISTORY = sql(
    "INSERT INTO order_version ({columns}, recorded_at) SELECT {columns}, :now FROM {rows}",
    columns=", ".join(_HISTORY_COLUMNS),
    rows=unnest(_HISTORY_COLUMNS),
)
_COMPRESSION_LEVEL = 1


async def load_orders(connection: AsyncConnection, entries: Sequence[Entry]) -> Mapping[UUID, Order]:
    """The orders that the entries name, as far as they are known."""
    wanted = sorted(filter(None, {_order_of_entry(entry) for entry in entries}))
    if not wanted:
        return {}
    merchants, orders = zip(*wanted, strict=True)
    rows = await connection.execute(_LOAD, {"merchants": list(merchants), "orders": list(orders)})
    return {row.order_id: order_of(row) for row in rows}


def _order_of_entry(entry: Entry) -> tuple[int, UUID] | None:
    if isinstance(entry.change, PartOfOrder):
        return entry.storefront.merchant_no, entry.storefront.order_id(entry.change.order_external_id)
    match entry.change:
        case OrderSeen(external_id=external_id) | OrderDeleted(external_id=external_id):
            return entry.storefront.merchant_no, entry.storefront.order_id(external_id)
        case _:
            return None


def store_orders(writes: Writes, workspace: Workspace, now: datetime) -> None:
    """Touched orders are stored with the writes: new ones added, known ones replaced."""
    compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL)
    new = sorted(workspace.touched_orders - workspace.stored_orders)
    if new:
        writes.add(_INSERT, {**columns_of(workspace, new, compressor), "now": now})
    known = sorted(workspace.touched_orders & workspace.stored_orders)
    if known:
        writes.add(_UPDATE, {**columns_of(workspace, known, compressor), "now": now}, locked(len(known), "order"))


def store_history(writes: Writes, workspace: Workspace, now: datetime) -> None:
    """Each step of each order is put on record with the writes."""
    if not workspace.history:
        return
    rows = [
        {name: getattr(each, name) for name in _HISTORY_COLUMNS if name != "facts"} | {"facts": " ".join(each.facts)}
        for each in workspace.history
    ]
    writes.add(_HISTORY, {**by_column(rows, _HISTORY_COLUMNS), "now": now})
