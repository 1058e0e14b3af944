"""Shopify's amounts: what discounts took off, shipping after them, and which of two currencies counts."""

from decimal import Decimal

from services.order_ingest.domain.platforms.amounts import decimal, minor, total
from services.order_ingest.domain.reading import Object, each, record


def allocated(source: Object) -> Decimal:
    """What was taken off by `discount_allocations`: `total_discount` says 0.00 even for a discounted line."""
    return total(each(source, "discount_allocations", lambda part: decimal(part, "amount")))


def shipping_paid(source: Object, currency: str) -> int:
    """All shipping lines after their discounts."""
    paid = total(each(source, "shipping_lines", lambda part: decimal(part, "price") - allocated(part)))
    return minor(paid, currency, "shipping_lines")


def in_shop_money(source: Object, name: str) -> tuple[Decimal, str | None]:
    """The amount in `<name>_set.shop_money` with its currency, else the plain field without one."""
    shop_money = record(record(source, f"{name}_set") or {}, "shop_money")
    if shop_money is None:
        return decimal(source, name), None
    code = shop_money.get("currency_code")
    return decimal(shop_money, "amount"), code if isinstance(code, str) else None
