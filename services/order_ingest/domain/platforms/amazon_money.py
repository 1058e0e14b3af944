"""What the items of an Amazon order brought.

Source: amzn/selling-partner-api-models, `orders_2026-01-01.json`, "ItemProceeds", "OrderProceedsBreakdown";
amzn/selling-partner-api-samples, the mapping from v0: ITEM is v0's ItemPrice, for the whole quantity and before
discounts; DISCOUNT holds the discounts of goods and of shipping, which its details tell apart. Nothing says with which
sign discounts are written: they always take off. Kinds that are not listed there are left out of the sums, which then
do not make the order's total, and that is remarked.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.order_ingest.domain.platforms.amazon_parts import inside, money
from services.order_ingest.domain.reading import Object, each, required, text

_WAY: Final = ("SHIPPING", "COD_FEE")
"""What is paid for bringing the goods: one amount here, with the fee of who pays at the door."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proceeds:
    """In minor units: `goods` and `shipping` before what is `off` them; `extras` (gift wrap, others) are the line's."""

    goods: int
    extras: int
    shipping: int
    goods_off: int
    shipping_off: int
    goods_tax: int
    shipping_tax: int


class _Part(NamedTuple):
    kind: str
    amount: int
    of_the_way: int


def item_proceeds(item: Object, currency: str) -> Proceeds | None:
    """The item's proceeds; None where no price is told, as of pending and cancelled items."""
    return inside(item, "proceeds", lambda found: _proceeds(found, currency))


def tip(body: Object, currency: str) -> int:
    """What the buyer gave for the delivery: it is in the order's total, and neither goods nor shipping."""
    parts = inside(body, "proceeds", lambda found: _parts(found, currency)) or ()
    return sum(part.amount for part in parts if part.kind == "DELIVERY_TIP")


def _proceeds(source: Object, currency: str) -> Proceeds | None:
    parts, total = _parts(source, currency), money(source, "proceedsTotal", currency)
    if parts:
        return _summed(parts)
    # Undivided: all of it was paid for the item.
    return None if total is None else _summed((_Part("ITEM", total, 0),))


def _summed(parts: Iterable[_Part]) -> Proceeds:
    whole, of_the_way = Counter[str](), Counter[str]()
    for part in parts:
        whole[part.kind] += part.amount
        of_the_way[part.kind] += part.of_the_way
    off, shipping_off = abs(whole["DISCOUNT"]), abs(of_the_way["DISCOUNT"])
    return Proceeds(
        goods=whole["ITEM"],
        extras=whole["GIFT_WRAP"] + whole["OTHER"],
        shipping=sum(whole[kind] for kind in _WAY),
        goods_off=off - shipping_off,
        shipping_off=shipping_off,
        goods_tax=whole["TAX"] - of_the_way["TAX"],
        shipping_tax=of_the_way["TAX"],
    )


def _parts(source: Object, currency: str) -> tuple[_Part, ...]:
    return tuple(each(source, "breakdowns", lambda part: _part(part, currency)))


def _part(source: Object, currency: str) -> _Part:
    kind = required(text(source, "type"), "type")
    subtotal = required(money(source, "subtotal", currency), "subtotal")
    return _Part(kind, subtotal, sum(each(source, "detailedBreakdowns", lambda detail: _of_the_way(detail, currency))))


def _of_the_way(detail: Object, currency: str) -> int:
    value = money(detail, "value", currency) or 0
    return value if text(detail, "subtype") in _WAY else 0
