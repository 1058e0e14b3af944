"""Amazon's orders, as its API gives them, and the notifications that name them, translated into canonical changes.

Source: amzn/selling-partner-api-models, `orders_2026-01-01.json` (Orders API v2026-01-01). Neither says when an order
was paid or cancelled, and neither tells refunds: none are told here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from services.order_ingest.domain.changes import Cancellation, Change, OrderSeen, Unheeded
from services.order_ingest.domain.platforms.amazon_buyer import order_person
from services.order_ingest.domain.platforms.amazon_content import content, difference, placed_at
from services.order_ingest.domain.platforms.amazon_hook import notification
from services.order_ingest.domain.platforms.amazon_items import Item, items
from services.order_ingest.domain.platforms.amazon_parcels import fulfilments
from services.order_ingest.domain.platforms.amazon_parts import inside, order_currency
from services.order_ingest.domain.reading import Object, instant, microseconds, own_id, record, required, text
from services.order_ingest.domain.storefront import PULLED, Arrival, Storefront

_ELSEWHERE: Final = "NON_AMAZON"
_CANCELLED: Final = "CANCELLED"
_PENDING: Final = frozenset({"PENDING", "PENDING_AVAILABILITY"})
_STATUSES: Final[Mapping[str, str]] = {
    "PENDING": "pending",
    "PENDING_AVAILABILITY": "pending",
    "PARTIALLY_SHIPPED": "paid",
    "SHIPPED": "paid",
    _CANCELLED: "voided",
}
"""Amazon takes the money when the goods leave: every other state has it authorised and no more."""


def parse(body: Object, arrival: Arrival, storefront: Storefront) -> Change:
    """The change that an order pulled from the API, or else a notification, tells.

    Raises:
        Malformed: a field is missing or is not what it should be.
    """
    if arrival.topic == PULLED:
        return _order(body, storefront)
    return notification(body, arrival, storefront)


def _order(body: Object, storefront: Storefront) -> OrderSeen | Unheeded:
    status = required(inside(body, "fulfillment", _status), "fulfillment")
    if text(record(body, "salesChannel") or {}, "channelName") == _ELSEWHERE:
        return Unheeded("ignored", "a parcel that Amazon sends for another shop, which tells the order itself")
    currency = order_currency(body, storefront.currency)
    found = items(body, currency)
    if status in _PENDING and not _priced(found):
        return Unheeded("ignored", "the order is pending: Amazon tells its prices later")
    return _order_seen(body, storefront, found, currency=currency, status=_overall(status, found))


def _status(fulfillment: Object) -> str:
    return required(text(fulfillment, "fulfillmentStatus"), "fulfillmentStatus")


def _priced(found: Sequence[Item]) -> bool:
    standing = [item for item in found if not item.cancelled]
    return bool(standing) and all(item.proceeds is not None for item in standing)


def _overall(status: str, found: Sequence[Item]) -> str:
    """The order's status; one of which every item was called off is cancelled, whatever it says of itself."""
    return _CANCELLED if found and all(item.cancelled for item in found) else status


def _order_seen(
    body: Object, storefront: Storefront, found: Sequence[Item], *, currency: str, status: str
) -> OrderSeen:
    updated_at = required(instant(body, "lastUpdatedTime"), "lastUpdatedTime")
    financial_status = _STATUSES.get(status, "authorized")
    seen = content(body, found, currency=currency, financial_status=financial_status)
    return OrderSeen(
        external_id=own_id(body, "orderId"),
        updated_us=microseconds(updated_at),
        content=seen,
        person=order_person(body, storefront.region),
        fulfilments=fulfilments(body, found, status=status, at=updated_at),
        # Nothing tells when it was paid: the order is nearer than its last change, months later perhaps.
        paid_at=placed_at(body) if financial_status == "paid" else None,
        cancelled=_cancellation(found, updated_at) if status == _CANCELLED else None,
        remark=difference(body, seen),
    )


def _cancellation(found: Sequence[Item], at: datetime) -> Cancellation:
    reasons = (item.cancel_reason for item in found if item.cancel_reason)
    return Cancellation(at=at, reason=next(reasons, None))
