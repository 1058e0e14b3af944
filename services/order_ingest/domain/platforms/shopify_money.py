"""Shopify's amounts: mostly strings, sometimes JSON numbers, finer than the currency once in a while."""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from libs.kernel.money import MoneyError, to_minor
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.reading import MAX_MINOR, Object, each, record

_LARGEST = Decimal(10) ** 13


def decimal(source: Object, name: str) -> Decimal:
    """The amount under `name` in whole units; absent is nothing."""
    value = source.get(name)
    if value is None or value == "":
        return Decimal(0)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Malformed("must be an amount", f"/{name}")
    try:
        found = Decimal(value)
    except InvalidOperation as error:
        raise Malformed("must be an amount", f"/{name}") from error
    if not found.is_finite() or abs(found) > _LARGEST:
        raise Malformed("must be an amount", f"/{name}")
    return found


def minor(value: Decimal, currency: str, name: str) -> int:
    """`value` in minor units; what is finer than the currency is rounded half to even, once, here."""
    try:
        found = to_minor(value, currency, rounding=ROUND_HALF_EVEN)
    except MoneyError as error:
        raise Malformed(str(error), f"/{name}") from error
    if abs(found) > MAX_MINOR:
        raise Malformed("must be an amount", f"/{name}")
    return found


def amount(source: Object, name: str, currency: str) -> int:
    """The amount under `name` in minor units of `currency`."""
    return minor(decimal(source, name), currency, name)


def total(parts: Iterable[Decimal]) -> Decimal:
    return sum(parts, Decimal(0))


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
