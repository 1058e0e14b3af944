"""What an Amazon order holds.

Source: amzn/selling-partner-api-models, `orders_2026-01-01.json`, "Order", "OrderProceeds". Where taxes stand is a
matter of the marketplace: in the United States and Canada they come on top, elsewhere they are inside the prices,
unless the order's own total says that they were added.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.order_ingest.domain.changes import Line, OrderContent
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.amazon_items import Item, line
from services.order_ingest.domain.platforms.amazon_money import tip
from services.order_ingest.domain.platforms.amazon_parts import inside, money
from services.order_ingest.domain.reading import Object, instant, own_id, record, required, text

_TAX_ON_TOP: Final = frozenset({"USD", "CAD"})
_VOIDED: Final = "voided"


def placed_at(body: Object) -> datetime:
    """When the buyer placed the order."""
    return required(instant(body, "createdTime"), "createdTime")


def content(body: Object, items: Sequence[Item], *, currency: str, financial_status: str) -> OrderContent:
    """The whole order as the body tells it, without the items that were called off.

    Raises:
        Malformed: an item that stands has no price.
    """
    counts = _is_priced if financial_status == _VOIDED else _stands
    counted = [(place, item) for place, item in enumerate(items) if counts(item)]
    lines = tuple(_line(place, item) for place, item in counted)
    proceeds = [item.proceeds for _, item in counted if item.proceeds is not None]
    shipping = sum(paid.shipping - paid.shipping_off for paid in proceeds)
    tax = sum(paid.goods_tax + paid.shipping_tax for paid in proceeds)
    parts = sum(each.total_minor for each in lines) + shipping
    channel = record(body, "salesChannel") or {}
    return OrderContent(
        number=own_id(body, "orderId"),
        placed_at=placed_at(body),
        currency=currency,
        tax_included=_tax_included(currency, parts=parts, tax=tax, theirs=_total(body, currency)),
        financial_status=financial_status,
        shipping_minor=shipping,
        tax_minor=tax,
        discount_minor=sum(paid.goods_off + paid.shipping_off for paid in proceeds),
        lines=lines,
        channel=text(channel, "marketplaceName") or text(channel, "channelName"),
    )


def difference(body: Object, seen: OrderContent) -> str | None:
    """The remark that our parts do not make Amazon's total; a cancelled order's total is none any more."""
    theirs = _total(body, seen.currency)
    if theirs is None or theirs == seen.total_minor or seen.financial_status == _VOIDED:
        return None
    return f"grandTotal without tip is {theirs}, lines, shipping and tax make {seen.total_minor} (minor units)"


def _is_priced(item: Item) -> bool:
    # What is left of a cancelled order may have lost its prices.
    return item.proceeds is not None


def _stands(item: Item) -> bool:
    return not item.cancelled


def _line(place: int, item: Item) -> Line:
    try:
        return line(item)
    except Malformed as complaint:
        raise complaint.under(f"orderItems/{place}") from None


def _tax_included(currency: str, *, parts: int, tax: int, theirs: int | None) -> bool:
    if currency in _TAX_ON_TOP:
        return False
    added = tax != 0 and theirs == parts + tax
    return not added


def _total(body: Object, currency: str) -> int | None:
    theirs = inside(body, "proceeds", lambda found: money(found, "grandTotal", currency))
    return None if theirs is None else theirs - tip(body, currency)
