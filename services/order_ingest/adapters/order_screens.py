"""Reads for the screen: orders, their history, and figures over all of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.order_ingest.adapters.columns import sql
from services.order_ingest.adapters.movement_rows import movements_of
from services.order_ingest.adapters.order_rows import document_of, fx_of, refunds_of

_COLUMNS: Final = """o.order_id, s.store_id, o.external_id, o.number, o.customer_id, o.placed_at, o.currency,
    o.financial_status, o.goods_minor, o.discount_minor, o.total_minor, o.refunded_minor, o.line_count, o.item_count,
    o.paid_at, o.cancelled_at, o.cancel_reason, o.deleted_at, o.completed_at, o.version_us, o.updated_at,
    o.fx, {fx_missing} AS fx_missing"""
_ORDERS: Final = """customer_order o JOIN store s USING (merchant_no, store_no)
    JOIN merchant m USING (merchant_no)"""
_FX_MISSING: Final = "o.fx IS NULL AND coalesce(o.currency <> m.currency, false)"
_DOCUMENTS: Final = ("refunds", "fulfilments", "returns", "content")
_PAGE = sql(
    """
    SELECT {columns} FROM {orders}
    WHERE o.placed_at IS NOT NULL
      AND (CAST(:customer_id AS uuid) IS NULL OR o.customer_id = :customer_id)
      AND (CAST(:external_id AS text) IS NULL OR o.external_id = :external_id)
      AND (CAST(:store_id AS uuid) IS NULL OR s.store_id = :store_id)
      AND (CAST(:status AS text) IS NULL OR o.financial_status = :status)
      AND (CAST(:fx_missing AS bool) IS NULL OR ({fx_missing}) = :fx_missing)
      AND (CAST(:placed_from AS timestamptz) IS NULL OR o.placed_at >= :placed_from)
      AND (CAST(:placed_until AS timestamptz) IS NULL OR o.placed_at < :placed_until)
      AND (CAST(:after_at AS timestamptz) IS NULL OR (o.placed_at, o.order_id) < (:after_at, CAST(:after_id AS uuid)))
    ORDER BY o.placed_at DESC, o.order_id DESC LIMIT :limit
    """,
    columns=_COLUMNS,
    orders=_ORDERS,
    fx_missing=_FX_MISSING,
)
_SHOW = sql(
    """
    SELECT {columns}, o.refunds, o.fulfilments, o.returns, o.content
    FROM {orders}
    WHERE o.order_id = :order_id
    """,
    columns=_COLUMNS,
    orders=_ORDERS,
    fx_missing=_FX_MISSING,
)
_HISTORY = text(
    """
    SELECT recorded_at, source, cause_id, version_us, facts, total_minor, refunded_minor, financial_status
    FROM order_version WHERE order_id = :order_id ORDER BY entry_no
    """
)
_SUMMARY = text(
    """
    SELECT count(*) AS orders, count(*) FILTER (WHERE placed_at IS NULL) AS shells,
        count(*) FILTER (WHERE placed_at IS NOT NULL) AS placed,
        count(*) FILTER (WHERE paid_at IS NOT NULL AND placed_at IS NOT NULL) AS paid,
        count(*) FILTER (WHERE cancelled_at IS NOT NULL) AS cancelled,
        count(*) FILTER (WHERE deleted_at IS NOT NULL) AS deleted,
        count(*) FILTER (WHERE refunded_minor > 0) AS refunded,
        coalesce(sum(line_count), 0) AS lines, coalesce(sum(item_count), 0) AS items,
        min(placed_at) AS first_placed_at, max(placed_at) AS last_placed_at
    FROM customer_order
    """
)
_MONEY = text(
    """
    SELECT currency, count(*) AS orders, sum(goods_minor) AS goods_minor, sum(discount_minor) AS discount_minor,
        sum(total_minor) AS total_minor, sum(refunded_minor) AS refunded_minor
    FROM customer_order WHERE currency IS NOT NULL GROUP BY currency ORDER BY currency
    """
)
_OTHERS = text(
    """
    SELECT (SELECT count(*) FROM customer WHERE merged_into IS NULL) AS customers,
        (SELECT count(*) FROM customer WHERE merged_into IS NULL AND strength = 3) AS anonymous_customers,
        (SELECT count(*) FROM customer WHERE merged_into IS NOT NULL) AS merged_customers,
        (SELECT count(*) FROM product) AS products
    """
)
_WAITING = text(
    "SELECT coalesce(sum(l.next_seq - 1 - m.last_seq), 0) FROM intake_lane l JOIN intake_mark m USING (lane)"
)
# Sequences of an epoch start at epoch << 40, so a head minus a cursor counts facts only within one epoch.
_UNTOLD = text(
    """
    SELECT coalesce(sum(least(l.next_seq - 1 - c.published, (l.next_seq - 1) & ((CAST(1 AS int8) << 40) - 1))), 0)
    FROM outbox_lane l
    JOIN (SELECT topic, lane, min(published) AS published FROM outbox_cursor GROUP BY topic, lane) c USING (topic, lane)
    """
)


async def orders_page(
    connection: AsyncConnection, *, filters: Mapping[str, Any], after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Orders with content, the newest first."""
    after_at, after_id = after or (None, None)
    values = {**filters, "after_at": after_at, "after_id": after_id, "limit": limit}
    return [_with_version(row) for row in await connection.execute(_PAGE, values)]


async def order_shown(connection: AsyncConnection, order_id: UUID) -> Mapping[str, Any] | None:
    """The whole canonical order."""
    row = (await connection.execute(_SHOW, {"order_id": order_id})).one_or_none()
    if row is None:
        return None
    known = refunds_of(row.refunds)
    return {
        **_with_version(row),
        "content": document_of(row.content),
        "refunds": [known[key].refund for key in sorted(known, key=lambda key: (known[key].refund.at, key))],
        "fulfilments": [state.movement for _, state in sorted(movements_of(row.fulfilments).items())],
        "returns": [state.movement for _, state in sorted(movements_of(row.returns).items())],
    }


async def order_history(connection: AsyncConnection, order_id: UUID) -> Sequence[Mapping[str, Any]]:
    """Each step of the order's life, the first one first."""
    rows = await connection.execute(_HISTORY, {"order_id": order_id})
    return [{**row._mapping, "facts": row.facts.split()} for row in rows]


async def orders_summary(connection: AsyncConnection) -> Mapping[str, Any]:
    """Figures over all of the merchant's orders, on one snapshot."""
    counts = (await connection.execute(_SUMMARY)).one()
    others = (await connection.execute(_OTHERS)).one()
    money = [dict(row._mapping) for row in await connection.execute(_MONEY)]
    waiting, untold = await connection.scalar(_WAITING), await connection.scalar(_UNTOLD)
    return {
        **counts._mapping,
        **others._mapping,
        "money": money,
        "deliveries_waiting": int(waiting or 0),
        "facts_untold": int(untold or 0),
    }


def _with_version(row: Row[Any]) -> Mapping[str, Any]:
    shown = {name: value for name, value in row._mapping.items() if name not in _DOCUMENTS}
    return {**shown, "fx": fx_of(row.fx)}
