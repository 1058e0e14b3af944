"""Orders as rows of `customer_order`: read into the domain, written back in columns of arrays."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import zstandard
from sqlalchemy import Row

from services.order_ingest.adapters.movement_rows import movements_of, movements_text
from services.order_ingest.application.workspace import StoredContent, Workspace
from services.order_ingest.domain import refunds
from services.order_ingest.domain.changes import Cancellation, Refund, RefundLine, Version
from services.order_ingest.domain.fx import Pinned
from services.order_ingest.domain.order import Order, Told, belonging
from services.order_ingest.domain.people import People
from services.order_ingest.domain.reading import microseconds, moment
from services.order_ingest.domain.refunds import NO_REFUNDS, Refunds, RefundState

_PLACED, _PAID, _CANCELLED, _DELETED, _COMPLETED = 1, 2, 4, 8, 16

COLUMNS: Final = {
    "merchant_no": "int4",
    "order_id": "uuid",
    "store_no": "int4",
    "external_id": "text",
    "customer_id": "uuid",
    "origin_id": "uuid",
    "placed_at": "timestamptz",
    "currency": "text",
    "financial_status": "text",
    "total_minor": "int8",
    "return_window_days": "int2",
    "fx": "text",
    "refunded_minor": "int8",
    "paid_at": "timestamptz",
    "cancelled_at": "timestamptz",
    "cancel_reason": "text",
    "deleted_at": "timestamptz",
    "completed_at": "timestamptz",
    "version_us": "int8",
    "source_rank": "int2",
    "triggered_us": "int8",
    "body_hash": "text",
    "content_hash": "bytea",
    "told": "int2",
    "refunds": "text",
    "fulfilments": "text",
    "returns": "text",
}
CONTENT_COLUMNS: Final = {
    "number": "text",
    "goods_minor": "int8",
    "discount_minor": "int8",
    "line_count": "int4",
    "item_count": "int8",
    "content": "bytea",
}
"""Columns that come from the content alone: null in an update that brings none, and then left as they are."""


def order_of(row: Row[Any]) -> Order:
    """The domain's order that the row holds."""
    version = None
    if row.version_us is not None:
        version = Version(row.version_us, row.source_rank, row.triggered_us, row.body_hash)
    cancelled = Cancellation(at=row.cancelled_at, reason=row.cancel_reason) if row.cancelled_at else None
    told = row.told
    return Order(
        order_id=row.order_id,
        external_id=row.external_id,
        customer_id=row.customer_id,
        version=version,
        content_hash=row.content_hash,
        placed_at=row.placed_at,
        currency=row.currency,
        total_minor=row.total_minor,
        return_window_days=row.return_window_days,
        fx=fx_of(row.fx),
        financial_status=row.financial_status,
        paid_at=row.paid_at,
        cancelled=cancelled,
        deleted_at=row.deleted_at,
        completed_at=row.completed_at,
        refunds=refunds_of(row.refunds),
        fulfilments=movements_of(row.fulfilments),
        returns=movements_of(row.returns),
        told=Told(
            placed=bool(told & _PLACED),
            paid=bool(told & _PAID),
            cancelled=bool(told & _CANCELLED),
            deleted=bool(told & _DELETED),
            completed=bool(told & _COMPLETED),
        ),
    )


def columns_of(workspace: Workspace, order_ids: Sequence[UUID], compressor: zstandard.ZstdCompressor) -> dict[str, Any]:
    """The orders as one array per column, for `unnest`."""
    rows = [_values(workspace, workspace.orders[order_id], compressor) for order_id in order_ids]
    return {name: [row[name] for row in rows] for name in (*COLUMNS, *CONTENT_COLUMNS)}


def _values(workspace: Workspace, order: Order, compressor: zstandard.ZstdCompressor) -> dict[str, Any]:
    storefront = workspace.order_stores[order.order_id]
    owned = _owned(order, workspace.people[storefront.merchant_no])
    version, cancelled = order.version, order.cancelled
    return {
        "merchant_no": storefront.merchant_no,
        "order_id": order.order_id,
        "store_no": storefront.store_no,
        "external_id": order.external_id,
        "customer_id": owned.customer_id,
        "origin_id": owned.origin_id,
        "placed_at": order.placed_at,
        "currency": order.currency,
        "financial_status": order.financial_status,
        "total_minor": order.total_minor,
        "return_window_days": order.return_window_days,
        "fx": _fx_text(order.fx),
        "refunded_minor": refunds.amount_minor(order.refunds),
        "paid_at": order.paid_at,
        "cancelled_at": cancelled.at if cancelled else None,
        "cancel_reason": cancelled.reason if cancelled else None,
        "deleted_at": order.deleted_at,
        "completed_at": order.completed_at,
        "version_us": version.updated_us if version else None,
        "source_rank": version.source_rank if version else None,
        "triggered_us": version.triggered_us if version else None,
        "body_hash": version.body_hash if version else None,
        "content_hash": order.content_hash,
        "told": _told(order.told),
        "refunds": _refunds_text(order.refunds),
        "fulfilments": movements_text(order.fulfilments),
        "returns": movements_text(order.returns),
        **_content(workspace.contents.get(order.order_id), compressor),
    }


def _owned(order: Order, people: People) -> Order:
    """The order as the living customer's, who may have become one with its own only later in the batch."""
    return belonging(order, people.resolve(order.customer_id)) if order.customer_id else order


def _content(stored: StoredContent | None, compressor: zstandard.ZstdCompressor) -> Mapping[str, Any]:
    if stored is None:
        return dict.fromkeys(CONTENT_COLUMNS)
    content = stored.content
    return {
        "number": content.number,
        "goods_minor": content.goods_minor,
        "discount_minor": content.discount_minor,
        "line_count": len(content.lines),
        "item_count": sum(line.quantity for line in content.lines),
        "content": compressor.compress(stored.document),
    }


def document_of(content: bytes | None) -> Mapping[str, Any] | None:
    """The JSON document in the `content` column."""
    if content is None:
        return None
    found: Mapping[str, Any] = json.loads(zstandard.ZstdDecompressor().decompress(content))
    return found


def _fx_text(fx: Pinned | None) -> str | None:
    return json.dumps([fx.to, str(fx.rate), fx.source, microseconds(fx.at)]) if fx else None


def fx_of(text: str | None) -> Pinned | None:
    """The rate in the `fx` column."""
    if text is None:
        return None
    to, rate, source, at_us = json.loads(text)
    return Pinned(to=to, rate=Decimal(rate), source=source, at=moment(at_us))


def _told(told: Told) -> int:
    return (
        _PLACED * told.placed
        | _PAID * told.paid
        | _CANCELLED * told.cancelled
        | _DELETED * told.deleted
        | _COMPLETED * told.completed
    )


def _refunds_text(known: Refunds) -> str | None:
    if not known:
        return None
    return json.dumps({key: _refund_values(state) for key, state in sorted(known.items())}, separators=(",", ":"))


def _refund_values(state: RefundState) -> list[Any]:
    refund = state.refund
    at_us = microseconds(refund.at)
    return [at_us, refund.reason, refund.lines, refund.shipping_minor, refund.amount_minor, state.told]


def refunds_of(text: str | None) -> Refunds:
    """The refunds in the `refunds` column."""
    if text is None:
        return NO_REFUNDS
    return {key: _refund_state(key, values) for key, values in json.loads(text).items()}


def _refund_state(key: str, values: Sequence[Any]) -> RefundState:
    at_us, reason, lines, shipping_minor, amount_minor, told = values
    refund = Refund(
        external_id=key,
        at=moment(at_us),
        lines=tuple(RefundLine(*line) for line in lines),
        shipping_minor=shipping_minor,
        amount_minor=amount_minor,
        reason=reason,
    )
    return RefundState(refund=refund, told=told)
