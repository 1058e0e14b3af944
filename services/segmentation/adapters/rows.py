"""Rows as the domain's words."""

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from services.segmentation.domain.contribution import Counters
from services.segmentation.domain.order import Order, Refund, Sale
from services.segmentation.domain.profile import Customer, Edges
from services.segmentation.domain.segment import Stay

NO_CURRENCY: Final = "XXX"
"""ISO 4217's code for no currency: a merchant of whom orders were heard before its registration."""


def order_of(row: Row[Any], refunds: Mapping[UUID, Refund]) -> Order:
    """The order of a `customer_order` row and its refunds."""
    return Order(
        order_id=row.order_id,
        owner_id=row.customer_id,
        sale=None if row.version is None else _sale_of(row),
        cancelled_at=row.cancelled_at,
        deleted_at=row.deleted_at,
        refunds=refunds,
    )


def _sale_of(row: Row[Any]) -> Sale:
    return Sale(
        customer_id=row.buyer_id,
        store_id=row.store_id,
        version=row.version,
        edited=row.edited,
        placed_at=row.placed_at,
        month=row.month,
        currency=row.currency,
        goods_minor=row.goods_minor,
        items=row.items,
        discounted=row.discounted,
        gift_card_lines=frozenset(map(UUID, row.gift_card_lines.split())) if row.gift_card_lines else frozenset(),
        fx_to=row.fx_to,
        fx_rate=row.fx_rate,
    )


def refund_of(row: Row[Any]) -> Refund:
    """The refund of an `order_refund` row."""
    return Refund(
        refund_id=row.refund_id,
        version=row.version,
        at=row.at,
        currency=row.currency,
        amount_minor=row.amount_minor,
        goods=tuple((UUID(line_id), amount) for line_id, amount in json.loads(row.goods)),
        completes=row.completes,
    )


def customer_of(row: Row[Any]) -> Customer:
    """The customer of a `customer` row."""
    return Customer(
        customer_id=row.customer_id,
        identity_version=row.identity_version,
        anonymous=row.anonymous,
        store_id=row.store_id,
        time_zone=row.time_zone,
        locale=row.locale,
        registered_at=row.registered_at,
        erased_at=row.erased_at,
        merged_into=row.merged_into,
        merged_version=row.merged_version,
        counters=counters_of(row),
        edges=Edges(row.first_order_at, row.last_order_at, row.first_qualifying_at, row.second_qualifying_at),
        month_mask=row.month_mask,
    )


def counters_of(row: Row[Any]) -> Counters:
    """The seven sums, under their own names in any row."""
    return Counters(
        row.orders,
        row.items,
        row.spend_minor,
        row.foreign_orders,
        row.discounted_orders,
        row.refunds,
        row.refunded_minor,
    )


def stay_of(row: Row[Any]) -> Stay:
    """The open stay of a `segment_stay` row."""
    return Stay(row.segment_id, row.customer_id, row.version, row.entered_at, row.entered_by)
