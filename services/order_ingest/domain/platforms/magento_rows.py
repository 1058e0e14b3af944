"""The rows of a Magento order: which of them were sold, and which of them bear the money.

A configurable product is a row with its price and a child row with none; so is a bundle with a price of its own. A
bundle that is priced by its parts has children with prices, taxes and discounts, and the sum once more in its own row
(without the discounts); no field tells the two kinds of bundle apart. Source: "Order processing tutorial", step 7;
magento/magento2#11957; `Magento\\Sales\\Model\\Order\\Item::isDummy`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from libs.kernel.money import exponent
from services.order_ingest.domain.changes import Line
from services.order_ingest.domain.platforms.amounts import decimal, minor, total
from services.order_ingest.domain.platforms.magento_parts import pieces, quantity
from services.order_ingest.domain.reading import Object, each, linked_id, own_id, text

_BUNDLE: Final = "bundle"
_CONFIGURABLE: Final = "configurable"
_GIFT_CARD: Final = "giftcard"


class Worth(NamedTuple):
    """A row's money: its goods without tax, what was taken off them, their tax; `fixed_tax` is a part of `tax`."""

    goods: Decimal
    off: Decimal
    tax: Decimal
    fixed_tax: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One of an order's `items`; `cancelled` is what of it was, while the rest of the order goes on."""

    item_id: str
    parent_id: str | None
    product_id: str | None
    kind: str | None
    title: str
    sku: str | None
    ordered: Decimal
    cancelled: Decimal
    worth: Worth
    is_priced: bool

    @property
    def kept(self) -> Decimal:
        return self.ordered - min(self.ordered, self.cancelled)

    def left(self, of: Decimal) -> Decimal:
        """The part of a sum of the row that belongs to the pieces which were not cancelled."""
        return of * self.kept / self.ordered if self.cancelled and self.ordered else of


@dataclass(frozen=True, slots=True)
class Sold:
    """A row that was sold, and the rows that bear its money: itself, or the parts that a bundle is priced by."""

    row: Row
    bearers: tuple[Row, ...]

    @property
    def is_priced_by_parts(self) -> bool:
        return self.bearers != (self.row,)

    @property
    def worth(self) -> Worth:
        """What was sold is worth, after what was cancelled."""
        sums = (total(row.left(row.worth[place]) for row in self.bearers) for place in range(len(Worth._fields)))
        return Worth(*sums)


def sold_rows(order: Object, currency: str, *, part_cancelled: bool) -> tuple[Sold, ...]:
    """The rows that were sold. One whose parent is not in the order stands for itself."""
    rows = tuple(each(order, "items", lambda item: _row(item, currency, part_cancelled=part_cancelled)))
    ids = {row.item_id for row in rows}
    return tuple(_sold(row, rows) for row in rows if row.parent_id not in ids or row.parent_id == row.item_id)


def line(sold: Sold, currency: str) -> Line:
    """What was sold, as an order's line."""
    row, worth = sold.row, sold.worth
    count = pieces(row.kept)
    paid = minor(worth.goods - worth.off, currency, "row_total")
    discount = max(0, minor(worth.off, currency, "discount_amount"))
    return Line(
        external_id=row.item_id,
        product_id=row.product_id,
        title=row.title,
        quantity=count,
        # Rounded down: a price of three for 10.00 is a description, never the base of a sum.
        unit_price_minor=(paid + discount) // max(count, 1),
        total_minor=paid,
        discount_minor=discount,
        tax_minor=minor(worth.tax, currency, "tax_amount"),
        gift_card=row.kind == _GIFT_CARD,
        # A configurable row has its own product's id and its child's sku.
        variant=row.sku if row.kind == _CONFIGURABLE else None,
    )


def stated_worth(source: Object) -> Worth:
    """The money as a row states it, which is right for the rows of credit memos.

    Where prices hold tax, a discount takes the tax inside it off as well: `discount_tax_compensation_amount` says how
    much of the discount that was. A fixed product tax (WEEE) is not inside `tax_amount`.
    """
    fixed_tax = decimal(source, "weee_tax_applied_row_amount")
    return Worth(
        goods=decimal(source, "row_total"),
        off=decimal(source, "discount_amount") - decimal(source, "discount_tax_compensation_amount"),
        tax=decimal(source, "tax_amount") + fixed_tax,
        fixed_tax=fixed_tax,
    )


def _row(source: Object, currency: str, *, part_cancelled: bool) -> Row:
    return Row(
        item_id=own_id(source, "item_id"),
        parent_id=linked_id(source, "parent_item_id"),
        product_id=linked_id(source, "product_id"),
        kind=text(source, "product_type"),
        title=text(source, "name") or "-",
        sku=text(source, "sku"),
        ordered=quantity(source, "qty_ordered"),
        cancelled=quantity(source, "qty_canceled") if part_cancelled else Decimal(0),
        worth=stated_worth(source)._replace(goods=_goods(source, currency)),
        # From 2.4.8 on an answer copies a bundle's `price` into children without one; `base_price` is left as it is.
        is_priced=bool(decimal(source, "price" if source.get("base_price") is None else "base_price")),
    )


def _goods(source: Object, currency: str) -> Decimal:
    """What a row's goods cost before discounts.

    The `row_total` of an order's row is what is documented up to 2.2; later versions answer it less `discount_amount`
    and not below zero, and 2.4.8 that of one piece. So the price times the quantity decides which of them it is, and
    stands for it if it is neither: where prices hold tax, it is off by what the price was rounded.
    Source: `Magento\\Sales\\Model\\Order\\Webapi\\ChangeOutputArray`; magento/magento2#39984.
    """
    stated = decimal(source, "row_total")
    if source.get("price") is None:
        return stated
    count = quantity(source, "qty_ordered")
    reckoned = decimal(source, "price") * count
    nearest = min(stated, stated + decimal(source, "discount_amount"), key=lambda found: abs(found - reckoned))
    # Half a unit for each rounded price, and one for the sum.
    return nearest if abs(nearest - reckoned) <= (count / 2 + 1).scaleb(-exponent(currency)) else reckoned


def _sold(row: Row, rows: Sequence[Row]) -> Sold:
    parts = tuple(part for part in rows if part.parent_id == row.item_id and part is not row)
    by_parts = row.kind == _BUNDLE and any(part.is_priced for part in parts)
    return Sold(row, parts if by_parts else (row,))
