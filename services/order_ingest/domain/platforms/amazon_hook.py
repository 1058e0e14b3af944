"""Amazon's notifications, which a bridge from their queue posts to our hook.

Source: amzn/selling-partner-api-models, `OrderChangeNotification.json`; "Notification Type Values". ORDER_CHANGE names
an order and tells no price and no buyer: the order is asked for then. The queue may be fed through SNS, which wraps
what it passes on: docs.aws.amazon.com/sns, "HTTP/HTTPS notification JSON format".
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from services.order_ingest.domain.changes import OrderTouched, Unheeded
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.amazon_parts import inside
from services.order_ingest.domain.reading import Object, instant, load, own_id, record, required, text
from services.order_ingest.domain.storefront import Arrival, Storefront

_HEEDED: Final = "ORDER_CHANGE"
_SELLER_ID: Final = re.compile("A[0-9A-Z]{9,20}")
_LONGEST: Final = 2**20
_SNS: Final = frozenset({"Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"})


def notification(body: Object, arrival: Arrival, storefront: Storefront) -> OrderTouched | Unheeded:
    """The order that the notification names; notifications of other types are unheeded.

    Raises:
        Malformed: a field is missing, or the notification is another seller's.
    """
    wrapping = text(body, "Type")
    if wrapping not in _SNS:
        return _notification(body, arrival, storefront)
    if wrapping != "Notification":
        return Unheeded("ignored", f"SNS speaks of the subscription, not of orders: {wrapping}")
    return _unwrapped(body, lambda inner: _notification(inner, arrival, storefront))


def _unwrapped(body: Object, read: Callable[[Object], OrderTouched | Unheeded]) -> OrderTouched | Unheeded:
    written = required(text(body, "Message", length=_LONGEST), "Message")
    try:
        return read(load(written.encode()))
    except Malformed as complaint:
        raise complaint.under("Message") from None


def _notification(body: Object, arrival: Arrival, storefront: Storefront) -> OrderTouched | Unheeded:
    # Newer types begin all their names with a small letter.
    kind = required(text(body, "NotificationType") or text(body, "notificationType"), "NotificationType")
    if kind != _HEEDED:
        return Unheeded("ignored", f"nothing here listens to {kind[:64]}")

    def read(change: Object) -> tuple[str, datetime | None]:
        return _named(change, storefront.account)

    payload = inside(body, "Payload", lambda found: inside(found, "OrderChangeNotification", read))
    order_id, changed_at = required(payload, "Payload/OrderChangeNotification")
    return OrderTouched(external_id=order_id, at=changed_at or instant(body, "EventTime") or arrival.at)


def _named(change: Object, account: str) -> tuple[str, datetime | None]:
    """The order, and when it changed: null where the change itself has no time."""
    _refuse_other_seller(change, account)
    trigger = record(change, "OrderChangeTrigger") or {}
    return own_id(change, "AmazonOrderId"), instant(trigger, "TimeOfOrderChange")


def _refuse_other_seller(change: Object, account: str) -> None:
    # A store may be named otherwise than by its seller's id: then only the hook's own secret tells sellers apart.
    if _SELLER_ID.fullmatch(account) and required(text(change, "SellerId"), "SellerId") != account:
        raise Malformed("is not the store's seller", "/SellerId")
