"""What Amazon's orders are made of: objects inside objects, and amounts that name their currency each time.

Source: amzn/selling-partner-api-models, `orders_2026-01-01.json`, "Money".
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from libs.kernel.money import UnknownCurrency, exponent
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.amounts import amount
from services.order_ingest.domain.reading import Object, each, record, required, text

T = TypeVar("T")
_TOTAL: Final = "proceedsTotal"


def inside(source: Object, name: str, read: Callable[[Object], T]) -> T | None:
    """What `read` makes of the object under `name`, None where there is none; a complaint is given its place."""
    found = record(source, name)
    if found is None:
        return None
    try:
        return read(found)
    except Malformed as complaint:
        raise complaint.under(name) from None


def money(source: Object, name: str, currency: str) -> int | None:
    """The amount under `name` in minor units, None where there is none; one in another currency is refused."""
    return inside(source, name, lambda found: _minor(found, currency))


def order_currency(body: Object, fallback: str) -> str:
    """The currency of the order's first amount; that of the store for an order that names none any more."""
    return next(_currencies(body), fallback)


def _minor(source: Object, currency: str) -> int:
    if required(text(source, "currencyCode"), "currencyCode") != currency:
        raise Malformed("is not the order's currency", "/currencyCode")
    if source.get("amount") in (None, ""):
        raise Malformed("is missing", "/amount")
    return amount(source, "amount", currency)


def _currencies(body: Object) -> Iterator[str]:
    named = inside(body, "proceeds", lambda proceeds: inside(proceeds, "grandTotal", _currency))
    if named is not None:
        yield named
    yield from (found for found in each(body, "orderItems", _item_currency) if found is not None)


def _item_currency(item: Object) -> str | None:
    return inside(item, "proceeds", _proceeds_currency)


def _proceeds_currency(proceeds: Object) -> str | None:
    parts = each(proceeds, "breakdowns", lambda part: inside(part, "subtotal", _currency))
    return inside(proceeds, _TOTAL, _currency) or next((found for found in parts if found is not None), None)


def _currency(source: Object) -> str:
    code = required(text(source, "currencyCode"), "currencyCode")
    try:
        exponent(code)
    except UnknownCurrency as error:
        raise Malformed("must be an ISO 4217 code", "/currencyCode") from error
    return code
