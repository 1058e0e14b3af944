"""The lines and refunds inside Shopify's bodies."""

from datetime import datetime
from decimal import Decimal

from services.order_ingest.domain.changes import Line, Refund, RefundLine
from services.order_ingest.domain.platforms.amounts import amount, decimal, minor, total
from services.order_ingest.domain.platforms.shopify_money import allocated, in_shop_money
from services.order_ingest.domain.reading import (
    Object,
    each,
    external_id,
    flag,
    instant,
    integer,
    own_id,
    record,
    required,
    text,
)


def line(source: Object, currency: str) -> Line:
    """One of `line_items`: price times quantity less what discounts took off it."""
    quantity = integer(source, "quantity", least=0)
    discount = allocated(source)
    paid = decimal(source, "price") * quantity - discount
    return Line(
        external_id=own_id(source),
        product_id=external_id(source, "product_id"),
        title=text(source, "title") or text(source, "name") or "-",
        quantity=quantity,
        unit_price_minor=amount(source, "price", currency),
        total_minor=minor(paid, currency, "price"),
        discount_minor=minor(discount, currency, "discount_allocations"),
        tax_minor=minor(total(each(source, "tax_lines", lambda part: decimal(part, "price"))), currency, "tax_lines"),
        gift_card=flag(source, "gift_card") or False,
        variant=text(source, "variant_title"),
        brand=text(source, "vendor"),
    )


def order_refunds(body: Object, currency: str, *, fallback_at: datetime) -> tuple[Refund, ...]:
    """The refunds that an order carries: the same ids as in their own deliveries."""
    return tuple(each(body, "refunds", lambda item: refund(item, currency, fallback_at=fallback_at)))


def refund(source: Object, currency: str, *, fallback_at: datetime) -> Refund:
    """One refund. The money is what succeeded to move back; the lines say what was given back for it.

    `currency` is the shop's, unless the body's own shop money names another.
    """
    currency = _currency(source, currency)
    lines = tuple(each(source, "refund_line_items", lambda item: _refund_line(item, currency)))
    shipping = _shipping(source, currency)
    moved = _moved(source, currency)
    # Paid abroad in another currency: the parts, which are in shop money, stand for the sum.
    amount_minor = moved if moved is not None else shipping + sum(each_line.amount_minor for each_line in lines)
    return Refund(
        external_id=own_id(source),
        at=instant(source, "processed_at") or instant(source, "created_at") or fallback_at,
        lines=lines,
        shipping_minor=shipping,
        amount_minor=amount_minor,
        reason=text(source, "note"),
    )


def _refund_line(source: Object, currency: str) -> RefundLine:
    line_id = external_id(source, "line_item_id") or external_id(record(source, "line_item") or {}, "id")
    subtotal, _ = in_shop_money(source, "subtotal")
    tax, _ = in_shop_money(source, "total_tax")
    return RefundLine(
        line_id=required(line_id, "line_item_id"),
        quantity=integer(source, "quantity", least=0),
        amount_minor=minor(subtotal, currency, "subtotal"),
        tax_minor=minor(tax, currency, "total_tax"),
    )


def _shipping(source: Object, currency: str) -> int:
    newer = total(each(source, "refund_shipping_lines", lambda part: in_shop_money(part, "subtotal_amount")[0]))
    if newer:
        return minor(newer, currency, "refund_shipping_lines")
    # Before 2024-04 shipping came back as a negative adjustment.
    older = total(each(source, "order_adjustments", _shipping_adjustment))
    return minor(-older, currency, "order_adjustments")


def _shipping_adjustment(source: Object) -> Decimal:
    return in_shop_money(source, "amount")[0] if source.get("kind") == "shipping_refund" else Decimal(0)


def _moved(source: Object, currency: str) -> int | None:
    """The sum of successful refund transactions; None if one of them is in another currency."""
    moved = [part for part in each(source, "transactions", _transaction) if part is not None]
    if any(code not in (None, currency) for _, code in moved):
        return None
    return minor(total(value for value, _ in moved), currency, "transactions")


def _transaction(source: Object) -> tuple[Decimal, str | None] | None:
    if source.get("kind") != "refund" or source.get("status") != "success":
        return None
    return decimal(source, "amount"), text(source, "currency", length=3)


def _currency(source: Object, fallback: str) -> str:
    for item in each(source, "refund_line_items", lambda part: in_shop_money(part, "subtotal")[1]):
        if item is not None and len(item) == 3:
            return item
    return fallback
