"""Orders and refunds as columns, with their value in the merchant's currency."""

import json
from collections.abc import Sequence
from typing import Any

from services.segmentation.adapters.columns import Columns, transposed
from services.segmentation.application.workspace import Shop
from services.segmentation.domain.contribution import converted, goods_back, money_back
from services.segmentation.domain.order import Order, Refund

_ORDER = (
    "merchants",
    "orders",
    "owners",
    "cancelled",
    "deleted",
    "refunded",
    "buyers",
    "stores",
    "versions",
    "edited",
    "placed",
    "months",
    "currencies",
    "goods",
    "items",
    "discounted",
    "gift_cards",
    "fx_to",
    "fx_rates",
    "spend",
)
_NO_SALE = (None,) * 14


def orders(rows: Sequence[tuple[Shop, Order]]) -> Columns:
    """Columns of NEW_ORDERS and CHANGED_ORDERS; `spend` is the goods' value in the merchant's currency."""
    return transposed(_ORDER, [_order(shop, order) for shop, order in rows])


def _order(shop: Shop, order: Order) -> tuple[Any, ...]:
    head = (shop.merchant_no, order.order_id, order.owner_id, order.cancelled_at, order.deleted_at, order.refunded_at)
    sale = order.sale
    if sale is None:
        return (*head, *_NO_SALE)
    return (
        *head,
        sale.customer_id,
        sale.store_id,
        sale.version,
        sale.edited,
        sale.placed_at,
        sale.month,
        sale.currency,
        sale.goods_minor,
        sale.items,
        sale.discounted,
        " ".join(map(str, sorted(sale.gift_card_lines))) or None,
        sale.fx_to,
        sale.fx_rate,
        converted(sale.goods_minor, sale, shop.currency),
    )


def refunds(rows: Sequence[tuple[Shop, Order, Refund]]) -> Columns:
    """Columns of REFUNDS; values in the merchant's currency wait for the order."""
    names = (
        "merchants",
        "orders",
        "refunds",
        "versions",
        "ats",
        "currencies",
        "amounts",
        "goods",
        "completes",
        "goods_back",
        "money_back",
    )
    return transposed(names, [_refund(*row) for row in rows])


def _refund(shop: Shop, order: Order, refund: Refund) -> tuple[Any, ...]:
    sale = order.sale
    return (
        shop.merchant_no,
        order.order_id,
        refund.refund_id,
        refund.version,
        refund.at,
        refund.currency,
        refund.amount_minor,
        json.dumps([(str(line_id), amount) for line_id, amount in refund.goods]),
        refund.completes,
        None if sale is None else goods_back(refund, sale, shop.currency),
        None if sale is None else money_back(refund, sale, shop.currency),
    )
