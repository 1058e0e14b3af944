"""BigCommerce's refunds, divided over what they were for.

Source: developer.bigcommerce.com, "Orders V3", "Get Refunds for Order"; "Order Refunds". A refund tells its sum, the
tax in it, and its items: products by quantity, the rest by the amount that was asked for. Items do not add up to the
sum, which is rounded and adjusted; the sum is what moved, and is divided in the proportion of the items' worth.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

from services.order_ingest.domain.changes import OrderContent, Refund, RefundLine
from services.order_ingest.domain.platforms.amounts import amount
from services.order_ingest.domain.platforms.bigcommerce_parts import WRAPPING, fee_id
from services.order_ingest.domain.platforms.spreading import spread
from services.order_ingest.domain.reading import Object, each, flag, instant, integer, own_id, text

_SENDING: Final = frozenset({"SHIPPING", "HANDLING"})


class _Item(NamedTuple):
    """One of a refund's items. Without a line it is of shipping, or of the order as a whole."""

    line_id: str | None
    is_shipping: bool
    quantity: int
    worth_minor: int


def refund(source: Object, content: OrderContent, fallback_at: datetime) -> Refund | None:
    """One of an order's refunds; None if the payment provider declined all of it."""
    stated = amount(source, "total_amount", content.currency)
    moved = stated - sum(each(source, "payments", lambda payment: _declined(payment, content.currency)))
    if moved <= 0:
        return None
    whole = Refund(
        external_id=own_id(source),
        at=instant(source, "created") or fallback_at,
        lines=(),
        shipping_minor=0,
        amount_minor=moved,
        reason=text(source, "reason"),
    )
    # Below zero, tax was collected by giving back less: no line gets that.
    tax = min(max(amount(source, "total_tax", content.currency), 0), stated) * moved // stated
    return _divided(whole, tuple(each(source, "items", lambda item: _item(item, content))), tax, content)


def _declined(payment: Object, currency: str) -> int:
    return max(amount(payment, "amount", currency), 0) if flag(payment, "is_declined") else 0


def _item(source: Object, content: OrderContent) -> _Item:
    kind = text(source, "item_type", length=64)
    asked = max(amount(source, "requested_amount", content.currency), 0)
    if kind == "PRODUCT":
        return _product(source, content, asked)
    if kind in _SENDING:
        return _Item(None, True, 0, asked or max(content.shipping_minor, 0))
    if kind == "GIFT_WRAPPING":
        return _Item(WRAPPING, False, 0, asked or _worth(content, WRAPPING))
    if kind == "FEE":
        line_id = fee_id(own_id(source, "item_id"))
        return _Item(line_id, False, 0, asked or _worth(content, line_id))
    return _Item(None, False, 0, asked)


def _product(source: Object, content: OrderContent, asked: int) -> _Item:
    line_id, quantity = own_id(source, "item_id"), integer(source, "quantity", 0, least=0)
    sold = next((line.quantity for line in content.lines if line.external_id == line_id), 0)
    # What is asked for is without tax in one shop and with it in another: pieces are worth what was paid for them.
    worth = _worth(content, line_id) * quantity // sold if sold and quantity else asked
    return _Item(line_id, False, quantity, worth)


def _worth(content: OrderContent, line_id: str) -> int:
    return sum(max(line.total_minor, 0) for line in content.lines if line.external_id == line_id)


def _divided(whole: Refund, items: Sequence[_Item], tax: int, content: OrderContent) -> Refund:
    """The refund with each item's share, rounded down; what was for the order as a whole is spread over all of it."""
    worth = sum(item.worth_minor for item in items)
    if not worth:
        return spread(whole, content)
    # Tax is never given back for the order as a whole.
    taxed = sum(item.worth_minor for item in items if item.line_id or item.is_shipping)
    net = whole.amount_minor - (tax if taxed else 0)
    lines = tuple(
        RefundLine(
            item.line_id, item.quantity, net * item.worth_minor // worth, tax * item.worth_minor // max(taxed, 1)
        )
        for item in items
        if item.line_id
    )
    shipping = sum(net * item.worth_minor // worth for item in items if item.is_shipping)
    at_large = sum(net * item.worth_minor // worth for item in items if not item.line_id and not item.is_shipping)
    over = spread(replace(whole, amount_minor=at_large), content) if at_large else whole
    return replace(whole, lines=(*lines, *over.lines), shipping_minor=shipping + over.shipping_minor)
