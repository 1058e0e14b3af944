"""Shopify's orders_export.csv: one row per line, what belongs to the order only on its first row.

Source: files of 75 columns (2021) and 79 (2026). `Subtotal` is what the goods cost after discounts; `Discount Amount`
mostly contains the `Lineitem discount` of the lines. Customers have no id in it. Phones in addresses may be a
recipient's: as in the hooks, they never identify the customer.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from services.order_ingest.domain.files.amounts import Tender
from services.order_ingest.domain.files.cells import (
    figure,
    first_text,
    instant,
    minor,
    not_negative_minor,
    quantity,
    required_identifier,
    required_instant,
    required_minor,
    required_text,
    text,
    unguarded,
)
from services.order_ingest.domain.files.errors import Unconvertible
from services.order_ingest.domain.files.grouping import Grouping
from services.order_ingest.domain.files.options import Options
from services.order_ingest.domain.files.order_parts import Draft, latest, names, refunds, region, stamp, tender, truth
from services.order_ingest.domain.files.rows import Row
from services.order_ingest.domain.files.settling import Bill, Settled, settle

HEADERS: Final = frozenset(
    (
        *("Name", "Id", "Email", "Financial Status", "Paid at", "Cancelled at", "Created at", "Currency"),
        *("Subtotal", "Shipping", "Taxes", "Total", "Discount Amount"),
        *("Lineitem name", "Lineitem quantity", "Lineitem price"),
    )
)
GROUPING: Final = Grouping(by="Name", head="Id")

_STATUSES: Final[Mapping[str, str]] = {
    "pending": "pending",
    "unpaid": "pending",
    "authorized": "authorized",
    "expired": "voided",
    "partially_paid": "partially_paid",
    "paid": "paid",
    "partially_refunded": "partially_refunded",
    "refunded": "refunded",
    "voided": "voided",
}


def shopify_order(rows: Sequence[Row], options: Options) -> Draft:
    """The canonical order that the rows tell.

    Raises:
        Unconvertible: a cell cannot be read, or no reading of the discounts and taxes makes the stated total.
    """
    head = rows[0]
    order_id = required_identifier(head, "Id")
    money = tender(required_text(head, "Currency"), options)
    sold = [(no, row) for no, row in enumerate(rows, start=1) if first_text(row, "Lineitem name", "Lineitem price")]
    bill = _bill(head, [row for _, row in sold], money, options)
    settled, times = settle(bill, money), _times(head, options)
    return {
        "id": order_id,
        "number": text(head, "Name"),
        **times,
        "financial_status": _status(head),
        "currency": money.currency,
        "tax_included": settled.tax_included,
        "channel": text(head, "Source") or None,
        "discount_codes": [code] if (code := text(head, "Discount Code")) else [],
        "shipping_minor": settled.shipping,
        "tax_minor": bill.tax,
        "total_minor": bill.total,
        "customer": _customer(head, options),
        "lines": _lines(sold, bill, settled, money),
        "refunds": refunds(not_negative_minor(head, "Refunded Amount", money), times["updated_at"]),
    }


def _times(head: Row, options: Options) -> Draft:
    created_at = required_instant(head, "Created at", options)
    paid_at, cancelled_at = instant(head, "Paid at", options), instant(head, "Cancelled at", options)
    return {
        "placed_at": stamp(created_at),
        "paid_at": stamp(paid_at),
        "cancelled_at": stamp(cancelled_at),
        "updated_at": stamp(latest(created_at, paid_at, cancelled_at, instant(head, "Fulfilled at", options))),
    }


def _status(head: Row) -> str:
    try:
        return _STATUSES[text(head, "Financial Status").lower()]
    except KeyError:
        raise Unconvertible("is none of Shopify's", "Financial Status") from None


def _bill(head: Row, sold: Sequence[Row], money: Tender, options: Options) -> Bill:
    return Bill(
        gross=tuple(_gross(row, money) for row in sold),
        line_discounts=tuple(not_negative_minor(row, "Lineitem discount", money) for row in sold),
        discount=not_negative_minor(head, "Discount Amount", money),
        # Duties are in the total and never in the prices: with shipping they are counted whether taxes are or not.
        shipping=minor(head, "Shipping", money) + minor(head, "Duties", money),
        tax=_taxes(head, money),
        total=required_minor(head, "Total", money),
        subtotal=required_minor(head, "Subtotal", money) if text(head, "Subtotal") else None,
        tax_included=options.tax_included,
    )


def _gross(row: Row, money: Tender) -> int:
    price = figure(row, "Lineitem price", money)
    if price is None:
        raise Unconvertible("is empty", "Lineitem price")
    return money.minor(price * quantity(row, "Lineitem quantity"))


def _taxes(head: Row, money: Tender) -> int:
    if text(head, "Taxes"):
        return minor(head, "Taxes", money)
    return sum(minor(head, f"Tax {number} Value", money) for number in range(1, 6))


def _lines(sold: Sequence[tuple[int, Row]], bill: Bill, settled: Settled, money: Tender) -> list[Draft]:
    return [
        {
            "id": str(row_no),
            "title": first_text(row, "Lineitem name", "Lineitem sku") or "-",
            "quantity": quantity(row, "Lineitem quantity"),
            "unit_price_minor": minor(row, "Lineitem price", money),
            "discount_minor": discount,
            "total_minor": gross - discount,
            "brand": text(row, "Vendor") or None,
        }
        for (row_no, row), gross, discount in zip(sold, bill.gross, settled.discounts, strict=True)
    ]


def _customer(head: Row, options: Options) -> Draft | None:
    email, phone = text(head, "Email"), unguarded(head, "Phone")
    if not email and not phone:
        return None
    return {
        "email": email or None,
        "phone": phone or None,
        "region": region(first_text(head, "Billing Country", "Shipping Country"), options),
        "accepts_marketing": truth(text(head, "Accepts Marketing")),
        **names(first_text(head, "Billing Name", "Shipping Name")),
    }
