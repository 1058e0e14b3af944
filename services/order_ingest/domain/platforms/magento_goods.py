"""What went back and what went out: the credit memos and the shipments of a Magento order.

Source: developer.adobe.com/commerce/webapi, "Order processing tutorial", steps 9 and 10;
`Magento\\Sales\\Api\\Data\\CreditmemoInterface`, `ShipmentInterface`. Nothing says that a shipment was delivered.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple, TypeVar

from services.order_ingest.domain.changes import Line, LineQuantity, Movement, OrderContent, Refund, RefundLine
from services.order_ingest.domain.platforms.amounts import amount, decimal, minor, total
from services.order_ingest.domain.platforms.magento_parts import pieces, quantity, utc_instant
from services.order_ingest.domain.platforms.magento_rows import Sold, Worth, stated_worth
from services.order_ingest.domain.platforms.spreading import spread
from services.order_ingest.domain.reading import Object, each, external_id, own_id

T = TypeVar("T")

_REFUNDED: Final = frozenset({"2", None})
"""A memo may also be open (1) and, only then, become cancelled (3): in both no money has moved."""


class _Back(NamedTuple):
    """One row of a credit memo; `discount` is with the tax inside it."""

    number: Decimal
    worth: Worth
    discount: Decimal


def refunds(
    document: Object, sold: Sequence[Sold], content: OrderContent, *, fallback_at: datetime
) -> tuple[Refund, ...]:
    """The credit memos by which money went back."""
    found = each(document, "creditmemos", lambda memo: _refund(memo, sold, content, fallback_at))
    return tuple(refund for refund in found if refund is not None)


def shipments(document: Object, sold: Sequence[Sold], *, fallback_at: datetime) -> tuple[Movement, ...]:
    """The parcels that have left, with what was sold in them."""
    return tuple(each(document, "shipments", lambda shipment: _movement(shipment, sold, fallback_at)))


def _refund(memo: Object, sold: Sequence[Sold], content: OrderContent, fallback_at: datetime) -> Refund | None:
    memo_id = own_id(memo, "entity_id")
    if external_id(memo, "state") not in _REFUNDED:
        return None
    rows = _by_order_row(memo, _back)
    back = [
        (each_sold, [part for row in each_sold.bearers for part in rows.get(row.item_id, ())]) for each_sold in sold
    ]
    refund = Refund(
        external_id=memo_id,
        at=utc_instant(memo, "created_at") or fallback_at,
        lines=tuple(_refund_lines(back, content)),
        shipping_minor=_shipping(memo, [part for _, parts in back for part in parts], content.currency),
        # Adjustments, which belong to no line, are in it.
        amount_minor=max(0, amount(memo, "grand_total", content.currency)),
    )
    return refund if refund.lines or refund.shipping_minor else spread(refund, content)


def _refund_lines(back: Sequence[tuple[Sold, Sequence[_Back]]], content: OrderContent) -> Iterator[RefundLine]:
    for (sold, parts), line in zip(back, content.lines, strict=True):
        refunded = _refund_line(sold, parts, line, content.currency)
        if refunded.quantity or refunded.amount_minor or refunded.tax_minor:
            yield refunded


def _refund_line(sold: Sold, parts: Sequence[_Back], line: Line, currency: str) -> RefundLine:
    back = max(0, minor(total(part.worth.goods - part.worth.off for part in parts), currency, "row_total"))
    return RefundLine(
        line_id=line.external_id,
        quantity=_whole(line, back) if sold.is_priced_by_parts else pieces(total(part.number for part in parts)),
        amount_minor=back,
        tax_minor=max(0, minor(total(part.worth.tax for part in parts), currency, "tax_amount")),
    )


def _whole(line: Line, back_minor: int) -> int:
    # The bundle's own row says all its pieces even if one part came back; the money says how many did as a whole.
    return min(line.quantity, line.quantity * back_minor // line.total_minor) if line.total_minor > 0 else 0


def _shipping(memo: Object, parts: Sequence[_Back], currency: str) -> int:
    """Shipping that went back: the memo's discount, below zero, is that of its rows and of shipping together."""
    stated = decimal(memo, "shipping_amount")
    if not stated:
        return 0
    off = max(Decimal(0), abs(decimal(memo, "discount_amount")) - total(part.discount for part in parts))
    tax_inside = decimal(memo, "shipping_discount_tax_compensation_amount")
    return max(0, minor(stated - off + tax_inside, currency, "shipping_amount"))


def _movement(shipment: Object, sold: Sequence[Sold], fallback_at: datetime) -> Movement:
    # The parts of a bundle are left alone: the bundle's own row stands beside them, even if they are sent one by one.
    sent = _by_order_row(shipment, lambda item: quantity(item, "qty"))
    counts = ((each_sold.row.item_id, total(sent.get(each_sold.row.item_id, ()))) for each_sold in sold)
    return Movement(
        external_id=own_id(shipment, "entity_id"),
        began_at=utc_instant(shipment, "created_at") or fallback_at,
        lines=tuple(LineQuantity(item_id, pieces(count)) for item_id, count in counts if count),
    )


def _back(source: Object) -> _Back:
    return _Back(quantity(source, "qty"), stated_worth(source), decimal(source, "discount_amount"))


def _by_order_row(source: Object, read: Callable[[Object], T]) -> Mapping[str, Sequence[T]]:
    """What `read` makes of the `items`, by the id of the order's row that they are about."""
    found: defaultdict[str, list[T]] = defaultdict(list)
    for row_id, item in each(source, "items", lambda item: (external_id(item, "order_item_id"), read(item))):
        if row_id is not None:
            found[row_id].append(item)
    return found
