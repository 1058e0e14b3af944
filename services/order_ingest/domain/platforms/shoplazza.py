"""Shoplazza's (店匠) webhook bodies, translated into canonical changes.

Source: shoplazza.dev, "Webhook", "Supported Webhook Events", "Order Properties"; Shoplazza/shoplazza-cli for what the
status words mean. Amounts are read in the order's own `currency`. A body is wrapped in the resource's name, or bare.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeVar

from services.order_ingest.domain.changes import (
    Cancellation,
    Change,
    OrderContent,
    OrderDeleted,
    OrderSeen,
    Refund,
    Unheeded,
)
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.persons import CustomerSeen
from services.order_ingest.domain.platforms.shoplazza_content import content, difference
from services.order_ingest.domain.platforms.shoplazza_customer import customer, order_person
from services.order_ingest.domain.platforms.shoplazza_departure import UNINSTALLED, left
from services.order_ingest.domain.platforms.shoplazza_goods import order_fulfilments, whole_order
from services.order_ingest.domain.platforms.shoplazza_money import worth
from services.order_ingest.domain.platforms.shoplazza_product import PRODUCT_DELETED, PRODUCT_TOPICS, product
from services.order_ingest.domain.platforms.shoplazza_product import deleted as product_deleted
from services.order_ingest.domain.platforms.spreading import spread
from services.order_ingest.domain.reading import (
    Object,
    instant,
    microseconds,
    own_id,
    record,
    required,
    text,
)
from services.order_ingest.domain.storefront import PULLED, Arrival, Storefront

T = TypeVar("T")

_PAID_TOPIC: Final = "orders/paid"
_FULFILLED_TOPIC: Final = "orders/fulfilled"
ORDER_TOPICS: Final = frozenset(
    f"orders/{event}"
    for event in (
        "create", "update", "paid", "partially_fulfilled", "fulfilled", "finished", "partially_refunded", "refunded",
        "cancelled",
    )
)  # fmt: skip
CUSTOMER_TOPICS: Final = frozenset({"customers/create", "customers/update"})
CUMULATIVE: Final = "cumulative"
"""The one refund that an order has here: Shoplazza says how much went back in all, not when, how often or for what."""

_STATUSES: Final[Mapping[str, str]] = {
    "waiting": "pending",
    "pending": "pending",
    "paying": "pending",
    "authorized": "authorized",
    "partially_paid": "partially_paid",
    "paid": "paid",
    "partially_refunded": "partially_refunded",
    "refunded": "refunded",
    "cancelled": "voided",
    "voided": "voided",
}
"""`failed`, `refunding` and `refund_failed` are no state of ours: the money's last state is not in those words."""
_ONCE_PAID: Final = frozenset({"paid", "partially_refunded", "refunded", "refunding", "refund_failed"})
_MAY_BE_PAID: Final = frozenset({*_ONCE_PAID, "waiting", "pending", "paying", None})
"""What an order says of itself while orders/paid says that its money came in: cash on delivery stays `waiting`."""


def parse(body: Object, arrival: Arrival, storefront: Storefront) -> Change:
    """The change that a delivery of `arrival.topic` tells.

    Raises:
        Malformed: a field is missing, or the body is not what its topic says.
    """
    topic = arrival.topic or ""
    if topic in ORDER_TOPICS or topic == PULLED:
        return _inside(body, "order", lambda order: _order(order, topic, storefront))
    _refuse_order_body(body)
    if topic == "orders/delete":
        return _inside(body, "order", lambda order: _deleted(order, arrival))
    if topic in CUSTOMER_TOPICS:
        return _inside(body, "customer", lambda found: _customer(found, arrival, storefront))
    if topic in PRODUCT_TOPICS:
        return _inside(body, "product", lambda found: product(found, arrival, storefront))
    if topic == PRODUCT_DELETED:
        return _inside(body, "product", product_deleted)
    if topic == UNINSTALLED:
        return left(body, arrival, storefront)
    return Unheeded("ignored", f"nothing here listens to {topic[:64] or 'a delivery without topic'}")


def _inside(body: Object, name: str, read: Callable[[Object], T]) -> T:
    """What `read` makes of the resource, which may be wrapped in its name; a complaint is given its place."""
    inner = record(body, name)
    if inner is None:
        return read(body)
    try:
        return read(inner)
    except Malformed as complaint:
        raise complaint.under(name) from None


def _refuse_order_body(body: Object) -> None:
    # The topic stands in an unsigned header: whoever holds one signed order could send it again as orders/delete.
    if "line_items" in body:
        raise Malformed("is an order's body under another topic", "/line_items")
    if "line_items" in (record(body, "order") or {}):
        raise Malformed("is an order's body under another topic", "/order/line_items")


def _order(body: Object, topic: str, storefront: Storefront) -> OrderSeen | Unheeded:
    order_id = own_id(body)
    if _is_checkout(body):
        return Unheeded("ignored", "the checkout is still open: no order was placed yet")
    updated_at = required(instant(body, "updated_at"), "updated_at")
    # The content follows from the body alone: the same body under two topics is one version with one content.
    seen = content(body, financial_status=_STATUSES.get(text(body, "financial_status") or ""))
    cancelled_at = instant(body, "canceled_at") or instant(body, "cancelled_at")  # versions of the API differ
    unlisted = topic == _FULFILLED_TOPIC and not body.get("fulfillments")
    return OrderSeen(
        external_id=order_id,
        updated_us=microseconds(updated_at),
        content=seen,
        person=order_person(body, storefront.region),
        refunds=_refunds(body, seen, updated_at),
        fulfilments=whole_order(seen, updated_at) if unlisted else order_fulfilments(body, fallback_at=updated_at),
        # Bodies carry no time of payment: the earliest version that was paid stands for it.
        paid_at=updated_at if _is_paid(body, topic) else None,
        cancelled=Cancellation(at=cancelled_at, reason=text(body, "cancel_reason")) if cancelled_at else None,
        remark=difference(body, seen),
    )


def _is_checkout(body: Object) -> bool:
    # The row is made when a buyer enters the checkout; most such rows are abandoned and must not count as sales.
    return text(body, "status") == "opened" and instant(body, "placed_at") is None and not _is_paid(body, "")


def _is_paid(body: Object, topic: str) -> bool:
    status = text(body, "financial_status")
    return status in _ONCE_PAID or (topic == _PAID_TOPIC and status in _MAY_BE_PAID)


def _refunds(body: Object, seen: OrderContent, at: datetime) -> tuple[Refund, ...]:
    amount_minor = worth(body, "total_refund_price", seen.currency)
    if not amount_minor:
        return ()
    cumulative = Refund(external_id=CUMULATIVE, at=at, lines=(), shipping_minor=0, amount_minor=amount_minor)
    return (spread(cumulative, seen),)


def _deleted(body: Object, arrival: Arrival) -> OrderDeleted:
    return OrderDeleted(external_id=own_id(body), at=instant(body, "deleted_at") or arrival.at)


def _customer(body: Object, arrival: Arrival, storefront: Storefront) -> CustomerSeen:
    updated_at = instant(body, "updated_at") or arrival.at
    return CustomerSeen(updated_us=microseconds(updated_at), person=customer(body, updated_at, storefront.region))
