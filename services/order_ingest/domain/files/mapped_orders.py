"""Orders in columns that the file's owner names: one row per product, what belongs to the order on every row.

Made for WooCommerce, which has no export of its own: every plugin writes other headers. Times may be written in
several ways in one row. Customer 0 is a guest.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from libs.kernel.money import allocate
from services.order_ingest.domain.files.amounts import Tender
from services.order_ingest.domain.files.cells import (
    figure,
    identifier,
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
from services.order_ingest.domain.files.mapping import Columns
from services.order_ingest.domain.files.options import Options
from services.order_ingest.domain.files.order_parts import Draft, latest, refunds, region, stamp, tender, truth
from services.order_ingest.domain.files.rows import Row
from services.order_ingest.domain.files.settling import Bill, Settled, settle

_STATUSES: Final[Mapping[str, str]] = {
    "pending": "pending",
    "pending payment": "pending",
    "on-hold": "pending",
    "on hold": "pending",
    "processing": "paid",
    "completed": "paid",
    "refunded": "refunded",
    "cancelled": "voided",
    "failed": "voided",
}


def mapped_order(rows: Sequence[Row], options: Options) -> Draft:
    """The canonical order that the rows tell.

    Raises:
        Unconvertible: a cell cannot be read, the rows state different totals, or their figures do not make the total.
    """
    head, columns = rows[0], Columns(options.mapping)
    columns.refuse_absent(head)
    money = tender(text(head, columns["currency"]), options)
    bill = _bill(rows, columns, money, options)
    settled = settle(bill, money)
    status, times = _status(head, columns), _times(head, columns, options)
    returned = not_negative_minor(head, columns["refunds.amount_minor"], money)
    return {
        "id": required_identifier(head, columns["id"]),
        "number": text(head, columns["number"]) or None,
        **times,
        "financial_status": status,
        "currency": money.currency,
        "tax_included": settled.tax_included,
        "channel": text(head, columns["channel"]) or None,
        "discount_codes": [code] if (code := text(head, columns["discount_codes"])) else [],
        "shipping_minor": settled.shipping,
        "tax_minor": bill.tax,
        "total_minor": bill.total,
        "customer": _customer(head, columns, options),
        "lines": _lines(rows, columns, bill, settled),
        # The status alone says that everything went back.
        "refunds": refunds(returned or (bill.total if status == "refunded" else 0), times["updated_at"]),
    }


def _word(head: Row, columns: Columns) -> str:
    return text(head, columns["financial_status"]).lower().removeprefix("wc-")


def _status(head: Row, columns: Columns) -> str | None:
    if "financial_status" not in columns:
        return None
    try:
        return _STATUSES[_word(head, columns)]
    except KeyError:
        raise Unconvertible("is none of WooCommerce's for a placed order", columns["financial_status"]) from None


def _times(head: Row, columns: Columns, options: Options) -> Draft:
    placed_at = required_instant(head, columns["placed_at"], options)
    paid_at, cancelled_at = (instant(head, columns[field], options) for field in ("paid_at", "cancelled_at"))
    updated_at = instant(head, columns["updated_at"], options) or latest(placed_at, paid_at, cancelled_at)
    if cancelled_at is None and _word(head, columns) == "cancelled":
        cancelled_at = updated_at
    return {
        "placed_at": stamp(placed_at),
        "paid_at": stamp(paid_at),
        "cancelled_at": stamp(cancelled_at),
        "updated_at": stamp(updated_at),
    }


def _bill(rows: Sequence[Row], columns: Columns, money: Tender, options: Options) -> Bill:
    head = rows[0]
    totals = {required_minor(row, columns["total_minor"], money) for row in rows}
    if len(totals) > 1:
        stated = " and ".join(money.words(total) for total in sorted(totals))
        raise Unconvertible(f"differs between the rows of the order: {stated}", columns["total_minor"])
    total, shipping = totals.pop(), minor(head, columns["shipping_minor"], money)
    tax = minor(head, columns["tax_minor"], money)
    goods = total - shipping - (0 if options.tax_included else tax)
    return Bill(
        gross=tuple(_gross(rows, columns, money, goods)),
        line_discounts=tuple(not_negative_minor(row, columns["lines.discount_minor"], money) for row in rows),
        discount=not_negative_minor(head, columns["discount_minor"], money),
        shipping=shipping,
        tax=tax,
        total=total,
        tax_included=options.tax_included,
    )


def _gross(rows: Sequence[Row], columns: Columns, money: Tender, goods: int) -> list[int]:
    """The price of each row before its discount. A file without prices has what the goods cost shared by pieces."""
    if "lines.total_minor" in columns:
        paid = [required_minor(row, columns["lines.total_minor"], money) for row in rows]
        less = [minor(row, columns["lines.discount_minor"], money) for row in rows]
        return [total + discount for total, discount in zip(paid, less, strict=True)]
    pieces = [_pieces(row, columns) for row in rows]
    if "lines.unit_price_minor" not in columns:
        return allocate(goods, pieces)
    prices = [figure(row, columns["lines.unit_price_minor"], money) or Decimal(0) for row in rows]
    return [money.minor(price * count) for price, count in zip(prices, pieces, strict=True)]


def _pieces(row: Row, columns: Columns) -> int:
    return quantity(row, columns["lines.quantity"]) if "lines.quantity" in columns else 1


def _lines(rows: Sequence[Row], columns: Columns, bill: Bill, settled: Settled) -> list[Draft]:
    return [
        {
            "id": identifier(row, columns["lines.id"]) or str(number),
            "product_id": identifier(row, columns["lines.product_id"]),
            "title": required_text(row, columns["lines.title"]),
            "variant": text(row, columns["lines.variant"]) or None,
            "brand": text(row, columns["lines.brand"]) or None,
            "quantity": _pieces(row, columns),
            "discount_minor": discount,
            "total_minor": gross - discount,
        }
        for number, (row, gross, discount) in enumerate(zip(rows, bill.gross, settled.discounts, strict=True), start=1)
    ]


def _customer(head: Row, columns: Columns, options: Options) -> Draft | None:
    named = {
        "id": identifier(head, columns["customer.id"]),
        "email": text(head, columns["customer.email"]) or None,
        "phone": unguarded(head, columns["customer.phone"]) or None,
    }
    if named["id"] == "0":
        named["id"] = None
    if not any(named.values()):
        return None
    return {
        **named,
        "given_name": text(head, columns["customer.given_name"]) or None,
        "family_name": text(head, columns["customer.family_name"]) or None,
        "region": region(text(head, columns["customer.region"]), options),
        "accepts_marketing": truth(text(head, columns["customer.accepts_marketing"])),
    }
