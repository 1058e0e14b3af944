"""Amazon's order reports: tab-separated, no quoting, one row per item, amounts for the whole quantity of a row.

Source: report types GET_FLAT_FILE_ALL_ORDERS_DATA_* (no buyer in it) and GET_FLAT_FILE_ORDER_REPORT_DATA_SHIPPING.
Neither states a total, so an order is the sum of its rows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.order_ingest.domain.files.amazon_goods import Item, goods
from services.order_ingest.domain.files.cells import (
    instant,
    required_identifier,
    required_instant,
    text,
    unguarded,
)
from services.order_ingest.domain.files.errors import Unconvertible
from services.order_ingest.domain.files.grouping import Grouping
from services.order_ingest.domain.files.options import Options
from services.order_ingest.domain.files.order_parts import Draft, latest, names, region, stamp
from services.order_ingest.domain.files.rows import Row

ALL_ORDERS_HEADERS: Final = frozenset(
    (
        *("amazon-order-id", "purchase-date", "last-updated-date", "order-status"),
        *("product-name", "item-status", "quantity", "currency", "item-price"),
    )
)
ALL_ORDERS_GROUPING: Final = Grouping(by="amazon-order-id")
SHIPPING_HEADERS: Final = frozenset(
    (
        *("order-id", "purchase-date", "payments-date", "buyer-email", "buyer-name"),
        *("order-item-id", "product-name", "quantity-purchased", "currency", "item-price"),
    )
)
SHIPPING_GROUPING: Final = Grouping(by="order-id")

_CANCELLED: Final = ("cancelled", "canceled")
_PAID: Final = ("shipped", "shipping", "partiallyshipped", "partially shipped", "complete")


def all_orders_order(rows: Sequence[Row], options: Options) -> Draft:
    """The canonical order, without a customer and without its cancelled items.

    Raises:
        Unconvertible: a cell cannot be read, the order is pending, or it is another shop's parcel.
    """
    head = rows[0]
    status = text(head, "order-status").lower()
    _refuse_other_shops(head)
    updated_at = latest(*(required_instant(row, "last-updated-date", options) for row in rows))
    cancelled = status in _CANCELLED or all(_is_cancelled(row) for row in rows)
    items = [Item(number, row) for number, row in enumerate(rows, start=1) if _counts(row, cancelled)]
    _refuse_pending(status, items)
    placed_at = required_instant(head, "purchase-date", options)
    paid = status.startswith(_PAID) and not cancelled
    return {
        "id": required_identifier(head, "amazon-order-id"),
        "placed_at": stamp(placed_at),
        "updated_at": stamp(updated_at),
        # No column tells when it was paid: the purchase is nearer than the last update, months later perhaps.
        "paid_at": stamp(placed_at if paid else None),
        "cancelled_at": stamp(updated_at if cancelled else None),
        "financial_status": "voided" if cancelled else "paid" if paid else "authorized",
        "channel": text(head, "sales-channel") or None,
        "customer": None,
        **goods(rows, items, options, quantity_column="quantity"),
    }


def shipping_order(rows: Sequence[Row], options: Options) -> Draft:
    """The canonical order, its customer under the alias that Amazon gives the buyer's address.

    Raises:
        Unconvertible: a cell cannot be read.
    """
    head = rows[0]
    placed_at = required_instant(head, "purchase-date", options)
    paid_ats = [instant(row, "payments-date", options) for row in rows]
    paid_at: datetime | None = max((at for at in paid_ats if at is not None), default=None)
    items = [Item(number, row) for number, row in enumerate(rows, start=1)]
    return {
        "id": required_identifier(head, "order-id"),
        "placed_at": stamp(placed_at),
        "updated_at": stamp(latest(placed_at, paid_at)),
        "paid_at": stamp(paid_at),
        "cancelled_at": None,
        "financial_status": "paid" if paid_at else "authorized",
        "channel": text(head, "sales-channel") or None,
        "customer": _buyer(head, options),
        **goods(rows, items, options, quantity_column="quantity-purchased"),
    }


def _is_cancelled(row: Row) -> bool:
    return text(row, "item-status").lower() in _CANCELLED


def _counts(row: Row, cancelled: bool) -> bool:
    # What is left of a cancelled order may have lost its prices; of any other order the cancelled items go.
    return bool(text(row, "item-price")) if cancelled else not _is_cancelled(row)


def _refuse_other_shops(head: Row) -> None:
    if text(head, "sales-channel").lower().startswith("non-amazon"):
        raise Unconvertible(
            "is a parcel that Amazon sent for another shop, which tells the order itself", "sales-channel"
        )


def _refuse_pending(status: str, items: Sequence[Item]) -> None:
    if status in ("pending", "pendingavailability"):
        raise Unconvertible("the order is pending: Amazon tells its prices later", "order-status")
    if any(not text(item.row, "item-price") for item in items):
        raise Unconvertible("is empty although the order is not pending", "item-price")


def _buyer(head: Row, options: Options) -> Draft | None:
    email, name = text(head, "buyer-email"), text(head, "buyer-name")
    phone = _phone(head, name)
    if not email and not phone:
        return None
    country = region(text(head, "ship-country"), options)
    return {"email": email or None, "phone": phone, "region": country, **names(name)}


def _phone(head: Row, buyer_name: str) -> str | None:
    """The buyer's phone: the parcel's only if it goes to the buyer, and never one of Amazon's own with an extension,
    behind which many buyers stand."""
    own = unguarded(head, "buyer-phone-number")
    to_the_buyer = buyer_name and text(head, "recipient-name").casefold() == buyer_name.casefold()
    found = own or (unguarded(head, "ship-phone-number") if to_the_buyer else "")
    return found if found and "ext" not in found.lower() else None
