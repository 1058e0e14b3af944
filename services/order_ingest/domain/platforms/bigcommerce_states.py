"""What a BigCommerce order's status and payment status say; a store may rename a status, never its number.

Source: developer.bigcommerce.com, "Orders V2", "Get All Order Statuses", "Get an Order" (`payment_status`).
"""

from collections.abc import Sequence
from typing import Final

from services.order_ingest.domain.platforms.amounts import decimal
from services.order_ingest.domain.reading import Object, flag, integer, text

_INCOMPLETE: Final = 0
_PENDING: Final = 1
SHIPPED: Final = 2
_PARTIALLY_SHIPPED: Final = 3
_REFUNDED: Final = 4
_CANCELLED: Final = 5
_DECLINED: Final = 6
_COMPLETED: Final = 10
_AWAITING_FULFILMENT: Final = 11
_DISPUTED: Final = 13
_PARTIALLY_REFUNDED: Final = 14

_PAID_STATUSES: Final = frozenset({_REFUNDED, _COMPLETED, _AWAITING_FULFILMENT, _DISPUTED, _PARTIALLY_REFUNDED})
"""Those by which the money came, or had come. Goods are shipped, and wait to be, without it too: paid on delivery."""
_PAID_PAYMENTS: Final = frozenset({"captured", "paid", "partially refunded", "refunded"})
_RESERVED: Final = frozenset({"authorized", "capture pending"})
_VOID: Final = frozenset({"void", "void pending"})
_UNSETTLED: Final = _RESERVED | _VOID | {"declined", "held for review"}
"""The gateway knows that the money did not come, whatever the status is. `pending` and nothing are no such knowledge:
so stay payments that no gateway sees, as by bank transfer, and then the seller's status counts."""


def is_placed(order: Object) -> bool:
    """False for a checkout that was begun only: an order without money whose buyer did not complete it."""
    return _status(order) not in (_INCOMPLETE, _PENDING) or _payment(order) in _PAID_PAYMENTS


def is_paid(order: Object) -> bool:
    """True once the money came, though it may have gone back."""
    payment = _payment(order)
    return payment in _PAID_PAYMENTS or (payment not in _UNSETTLED and _status(order) in _PAID_STATUSES)


def is_cancelled(order: Object) -> bool:
    """True if the seller cancelled or declined the order."""
    return _status(order) in (_CANCELLED, _DECLINED)


def is_shipped(order: Object) -> bool:
    """True if the seller says that all of it was shipped."""
    return _status(order) == SHIPPED


def financial_status(order: Object) -> str:
    """The state of the order's money in our words."""
    status, payment = _status(order), _payment(order)
    if status == _REFUNDED or payment == "refunded":
        return "refunded"
    if is_paid(order):
        partly = status == _PARTIALLY_REFUNDED or payment == "partially refunded"
        return "partially_refunded" if partly else "paid"
    if is_cancelled(order) or payment in _VOID:
        return "voided"
    return "authorized" if payment in _RESERVED else "pending"


def has_refunds(order: Object, products: Sequence[Object]) -> bool:
    """True if anything says that money went back. `refunded_amount` alone would not do: it is said to be always 0."""
    return (
        _status(order) in (_REFUNDED, _PARTIALLY_REFUNDED)
        or _payment(order) in ("refunded", "partially refunded")
        or decimal(order, "refunded_amount") != 0
        or any(flag(product, "is_refunded") or integer(product, "quantity_refunded", 0) for product in products)
    )


def has_shipments(order: Object, products: Sequence[Object]) -> bool:
    """True if anything says that a parcel left."""
    return (
        _status(order) in (SHIPPED, _PARTIALLY_SHIPPED)
        or integer(order, "items_shipped", 0) != 0
        or text(order, "date_shipped") is not None
        or any(integer(product, "quantity_shipped", 0) for product in products)
    )


def has_coupons(order: Object) -> bool:
    """True if a coupon took something off."""
    return decimal(order, "coupon_discount") != 0


def _status(order: Object) -> int:
    return integer(order, "status_id")


def _payment(order: Object) -> str | None:
    return text(order, "payment_status", length=64)
