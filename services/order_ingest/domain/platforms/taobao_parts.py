"""What Taobao's trades are made of: times of the clock in China, amounts in yuan, sub-orders that are our lines.

Source: open.taobao.com, "taobao.trade.fullinfo.get" (Trade, Order) and its guide to an order's amounts (doc 108471).
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from services.order_ingest.domain.changes import Line
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.amounts import amount, decimal, minor
from services.order_ingest.domain.reading import Object, each, external_id, instant, integer, own_id, record, text

T = TypeVar("T")

CURRENCY: Final = "CNY"
CLOSED: Final = "TRADE_CLOSED"
"""Paid once, and closed by giving everything back."""
NEVER_PAID: Final = "TRADE_CLOSED_BY_TAOBAO"
"""Closed by somebody before it was paid."""
_CLOCK: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


def china_instant(source: Object, name: str) -> datetime | None:
    """The instant under `name`, which the clock in China (GMT+8) shows without saying so."""
    value = source.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise Malformed("must be a time without offset, like 2026-05-02 18:15:00", f"/{name}")
    return instant({name: f"{value.replace(' ', 'T')}+08:00"}, name)


def worth(source: Object, name: str) -> int:
    """The amount under `name`, yuan, in fen; one below zero is refused."""
    value = amount(source, name, CURRENCY)
    if value < 0:
        raise Malformed("must not be below zero", f"/{name}")
    return value


def suborders(trade: Object, read: Callable[[Object], T]) -> tuple[T, ...]:
    """Every sub-order of the trade, read; a complaint is given its place."""
    orders = record(trade, "orders") or {}
    try:
        return tuple(each(orders, "order", read))
    except Malformed as complaint:
        raise complaint.under("orders") from None


def lines(trade: Object) -> tuple[Line, ...]:
    """What was sold: sub-orders that were closed before the others were paid are no part of it."""
    all_closed = text(trade, "status") == NEVER_PAID
    statuses = suborders(trade, lambda order: text(order, "status"))
    postage = worth(trade, "post_fee") if len(statuses) == 1 else 0
    found = suborders(trade, lambda order: _line(order, postage))
    return tuple(line for line, status in zip(found, statuses, strict=True) if all_closed or status != NEVER_PAID)


def _line(source: Object, postage_minor: int) -> Line:
    """One sub-order; its discount is all that its price and quantity exceed what was paid by, whoever granted it."""
    quantity = integer(source, "num", least=0)
    paid = _paid(source, postage_minor)
    return Line(
        external_id=own_id(source, "oid"),
        product_id=external_id(source, "num_iid"),
        title=text(source, "title") or "-",
        quantity=quantity,
        unit_price_minor=worth(source, "price"),
        total_minor=paid,
        discount_minor=max(0, minor(decimal(source, "price") * quantity, CURRENCY, "price") - paid),
        variant=text(source, "sku_properties_name"),
    )


def _paid(source: Object, postage_minor: int) -> int:
    """What was paid for the sub-order's goods, its share of the trade's own discounts taken off.

    That is `divide_order_fee`, once it is known. Before, it is the sub-order's `total_fee` less `part_mjz_discount`,
    which is how the two are related. `payment` comes last: it knows no shares, a refund makes it smaller, and that of a
    trade's only sub-order holds the postage, which `postage_minor` then is.
    """
    if _given(source, "divide_order_fee"):
        return worth(source, "divide_order_fee")
    if _given(source, "total_fee"):
        return max(0, worth(source, "total_fee") - worth(source, "part_mjz_discount"))
    return max(0, worth(source, "payment") - postage_minor)


def _given(source: Object, name: str) -> bool:
    return source.get(name) not in (None, "")
