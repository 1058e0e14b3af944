"""Amounts as platforms write them: strings or JSON numbers, sometimes finer than their currency."""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from libs.kernel.money import MoneyError, UnknownCurrency, exponent, to_minor
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.reading import MAX_MINOR, Object, required, text

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


def stated_amount(source: Object, name: str, currency: str) -> int | None:
    """The same, but None where none is stated: no price is not a price of nothing."""
    return None if source.get(name) in (None, "") else amount(source, name, currency)


def total(parts: Iterable[Decimal]) -> Decimal:
    return sum(parts, Decimal(0))


def currency_of(source: Object) -> str:
    """The code under `currency`, known to be one before any amount is read in it."""
    currency = required(text(source, "currency"), "currency")
    try:
        exponent(currency)
    except UnknownCurrency as error:
        raise Malformed("must be an ISO 4217 code", "/currency") from error
    return currency
