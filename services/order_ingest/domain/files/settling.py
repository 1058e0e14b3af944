"""An order's total, explained by its parts: which discount counts, where it fell, and whether prices hold the tax.

Exports state an order's discount, its lines' discounts and its taxes, but not how they go together: the order's
discount may contain those of the lines or come on top, it may have been taken off shipping, taxes may be inside the
prices. Only a reading that makes the stated total to the last minor unit is taken.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from libs.kernel.money import allocate
from services.order_ingest.domain.files.amounts import Tender
from services.order_ingest.domain.files.errors import Unconvertible


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a file says of one order's money, in minor units. `gross`: price times quantity of each line.

    `subtotal`: the goods after all discounts, if the file tells; `tax_included` None: the file does not say.
    """

    gross: tuple[int, ...]
    line_discounts: tuple[int, ...]
    discount: int
    shipping: int
    tax: int
    total: int
    subtotal: int | None = None
    tax_included: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The bill's one reading: the discount of each line, and shipping after what was taken off it."""

    discounts: tuple[int, ...]
    shipping: int
    tax_included: bool


@dataclass(frozen=True, slots=True)
class _Reading:
    off_goods: int
    off_shipping: int
    tax_included: bool


def settle(bill: Bill, tender: Tender) -> Settled:
    """The reading that makes the total: one that makes the subtotal too, then one that leaves shipping alone, then
    the largest discount, then taxes on top.

    Raises:
        Unconvertible: no reading makes the total, with both figures.
    """
    if min(bill.gross, default=0) < 0:
        raise Unconvertible("a line's price is negative")
    goods = sum(bill.gross)
    readings = sorted(
        _readings(bill), key=lambda each: (goods - each.off_goods != bill.subtotal, each.off_shipping > 0)
    )
    if not readings:
        raise Unconvertible(_difference(bill, tender))
    best = readings[0]
    return Settled(
        discounts=_per_line(bill, best.off_goods),
        shipping=bill.shipping - best.off_shipping,
        tax_included=best.tax_included,
    )


def _readings(bill: Bill) -> Iterator[_Reading]:
    of_lines = sum(bill.line_discounts)
    for taken in sorted({bill.discount + of_lines, bill.discount, of_lines, 0}, reverse=True):
        for tax_included in _ways_of_tax(bill):
            if _total(bill, taken, tax_included) == bill.total:
                yield from _places(bill, taken, tax_included)


def _ways_of_tax(bill: Bill) -> tuple[bool, ...]:
    if bill.tax_included is not None:
        return (bill.tax_included,)
    return (False, True) if bill.tax else (False,)


def _total(bill: Bill, taken: int, tax_included: bool) -> int:
    return sum(bill.gross) - taken + bill.shipping + (0 if tax_included else bill.tax)


def _places(bill: Bill, taken: int, tax_included: bool) -> Iterator[_Reading]:
    """Off the goods alone, and so that the goods come to the stated subtotal; none may end below zero."""
    goods = sum(bill.gross)
    for off_goods in {min(taken, goods), goods - bill.subtotal if bill.subtotal is not None else taken}:
        if 0 <= off_goods <= min(taken, goods) and taken - off_goods <= max(bill.shipping, 0):
            yield _Reading(off_goods, taken - off_goods, tax_included)


def _per_line(bill: Bill, off_goods: int) -> tuple[int, ...]:
    """The lines' own discounts, and the rest shared by the largest remainder over what is left of each price."""
    own = bill.line_discounts
    if sum(own) > off_goods or any(less > price for less, price in zip(own, bill.gross, strict=True)):
        own = (0,) * len(bill.gross)
    left = [price - less for price, less in zip(bill.gross, own, strict=True)]
    rest = off_goods - sum(own)
    shares = allocate(rest, left) if rest else [0] * len(left)
    return tuple(less + share for less, share in zip(own, shares, strict=True))


def _difference(bill: Bill, tender: Tender) -> str:
    likely = _total(bill, max(bill.discount, sum(bill.line_discounts)), tax_included=bill.tax_included or False)
    return (
        f"the stated total is {tender.words(bill.total)}, "
        f"but lines, discounts, shipping and taxes make {tender.words(likely)}"
    )
