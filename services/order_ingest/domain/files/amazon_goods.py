"""The goods of an Amazon order: one item per row, every amount for the whole quantity of its row.

Promotions are written with either sign, depending on the report: they always take off. Where prices hold the tax is a
matter of the marketplace: in the United States and Canada taxes come on top, elsewhere they are inside, unless
`tax_included` says otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.order_ingest.domain.files.amounts import Tender
from services.order_ingest.domain.files.cells import first_text, identifier, minor, quantity, required_minor, text
from services.order_ingest.domain.files.errors import Unconvertible
from services.order_ingest.domain.files.options import Options
from services.order_ingest.domain.files.order_parts import Draft, tender
from services.order_ingest.domain.files.rows import Row

_TAX_ON_TOP: Final = frozenset({"USD", "CAD"})


@dataclass(frozen=True, slots=True)
class Item:
    """One row; `number` is its place in the order, counted before cancelled items are dropped."""

    number: int
    row: Row


def goods(rows: Sequence[Row], items: Sequence[Item], options: Options, *, quantity_column: str) -> Draft:
    """The part of a canonical order that tells what was bought for how much; `items`: those of `rows` that count.

    Raises:
        Unconvertible: a cell cannot be read, or the rows name several currencies.
    """
    money = _tender(rows, options)
    by_default = money.currency not in _TAX_ON_TOP
    included = by_default if options.tax_included is None else options.tax_included
    lines = [_line(item, money, quantity_column) for item in items]
    shipping = sum(_paid(item.row, "shipping-price", "ship-promotion-discount", money) for item in items)
    tax = sum(line["tax_minor"] for line in lines) + sum(minor(item.row, "shipping-tax", money) for item in items)
    return {
        "currency": money.currency,
        "tax_included": included,
        "shipping_minor": shipping,
        "tax_minor": tax,
        "total_minor": sum(line["total_minor"] for line in lines) + shipping + (0 if included else tax),
        "lines": lines,
    }


def _tender(rows: Sequence[Row], options: Options) -> Tender:
    named = {text(row, "currency") for row in rows} - {""}
    if len(named) > 1:
        raise Unconvertible("differs between the items of the order", "currency")
    return tender(named.pop() if named else "", options)


def _line(item: Item, money: Tender, quantity_column: str) -> Draft:
    row, pieces = item.row, quantity(item.row, quantity_column)
    price = required_minor(row, "item-price", money)
    paid = _paid(row, "item-price", "item-promotion-discount", money)
    return {
        "id": identifier(row, "order-item-id") or str(item.number),
        "product_id": identifier(row, "asin") or identifier(row, "sku"),
        "title": first_text(row, "product-name", "asin", "sku") or "-",
        "quantity": pieces,
        "unit_price_minor": price // max(pieces, 1),
        "discount_minor": price - paid,
        "tax_minor": minor(row, "item-tax", money) + minor(row, "gift-wrap-tax", money),
        "total_minor": paid + minor(row, "gift-wrap-price", money),
    }


def _paid(row: Row, price_column: str, promotion_column: str, money: Tender) -> int:
    paid = minor(row, price_column, money) - abs(minor(row, promotion_column, money))
    if paid < 0:
        raise Unconvertible(f"is more than {price_column}", promotion_column)
    return paid
