"""Shoplazza's amounts, and its discounts: they are known for the whole order only.

Source: shoplazza.dev, "Order Properties", "discount_application".
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, NamedTuple

from libs.kernel.money import allocate
from services.order_ingest.domain.changes import Line
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.amounts import amount, decimal, minor, total
from services.order_ingest.domain.reading import Object, each, load, text

_APPLICATIONS: Final = "discount_applications"
_LONGEST: Final = 2**20


class Discount(NamedTuple):
    """What was taken off an order, in minor units."""

    goods: int
    shipping: int


def worth(source: Object, name: str, currency: str) -> int:
    """The amount under `name` in minor units; one below zero is refused."""
    value = amount(source, name, currency)
    if value < 0:
        raise Malformed("must not be below zero", f"/{name}")
    return value


def order_discount(body: Object, currency: str, *, goods: int, shipping: int) -> Discount:
    """The discount's two parts: shipping bears what is named as its own and what the goods cannot bear."""
    off = worth(body, "total_discount", currency)
    named = minor(total(each(_applications(body), _APPLICATIONS, _off_shipping)), currency, _APPLICATIONS)
    off_goods = min(off - min(max(named, 0), off, shipping), goods)
    return Discount(off_goods, min(off - off_goods, shipping))


def discounted(lines: Sequence[Line], discount_minor: int) -> tuple[Line, ...]:
    """The lines, each less its share of the discount in the proportion of their worth, to the last minor unit."""
    if not discount_minor:
        return tuple(lines)
    shares = allocate(discount_minor, [line.total_minor for line in lines])
    return tuple(
        replace(line, total_minor=line.total_minor - share, discount_minor=share)
        for line, share in zip(lines, shares, strict=True)
    )


def _off_shipping(application: Object) -> Decimal:
    return decimal(application, "discount_amount") if application.get("target_type") == "shipping_line" else Decimal(0)


def _applications(body: Object) -> Object:
    """`discount_applications` as a list: Shoplazza sends JSON as text inside its JSON."""
    if not isinstance(body.get(_APPLICATIONS), str):
        return body
    written = text(body, _APPLICATIONS, length=_LONGEST)
    if written is None:
        return {}
    try:
        # As the one field of an object it is read with the same care as a body.
        found = load(f'{{"{_APPLICATIONS}":{written}}}'.encode())
    except Malformed as complaint:
        raise Malformed(complaint.detail, f"/{_APPLICATIONS}") from None
    if len(found) != 1:
        raise Malformed("not JSON", f"/{_APPLICATIONS}")
    return found
