"""Shopify's bodies about goods on their way: fulfilments, what carriers report of them, and returns.

Source: shopify.dev, "Webhooks" (topics fulfillments/*, fulfillment_events/create, returns/*).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from services.order_ingest.domain.changes import FulfilmentSeen, LineQuantity, Movement, ReturnSeen, Unheeded
from services.order_ingest.domain.reading import (
    Object,
    each,
    external_id,
    instant,
    integer,
    own_id,
    record,
    required,
    text,
)
from services.order_ingest.domain.storefront import Arrival

FULFILMENT_TOPICS: Final = frozenset({"fulfillments/create", "fulfillments/update"})
FULFILMENT_EVENT: Final = "fulfillment_events/create"
_SHIPPED: Final = frozenset({"success", None})
_DELIVERED: Final = "delivered"
_RETURN_BEGINS: Final = frozenset({"returns/request", "returns/approve"})
_RETURN_ENDS: Final[Mapping[str, str]] = {
    "returns/close": "closed",
    "returns/decline": "declined",
    "returns/cancel": "cancelled",
}
RETURN_TOPICS: Final = frozenset({*_RETURN_BEGINS, *_RETURN_ENDS})
"""What the others say (`reopen`, `update`, `process`) has no effect: a delta, or a body without content."""


def fulfilment_seen(body: Object) -> FulfilmentSeen | Unheeded:
    """A fulfilment by itself. One that never got as far as the carrier (pending, failed) is no news."""
    order_external_id, found = own_id(body, "order_id"), _movement(body)  # an order's own body names no `order_id`
    if found is None:
        return Unheeded("ignored", f"the fulfilment is {text(body, 'status', length=40)}")
    return FulfilmentSeen(order_external_id=order_external_id, fulfilment=found)


def order_fulfilments(body: Object) -> Iterator[Movement]:
    """The fulfilments that an order carries: the same ids as in their own deliveries."""
    yield from (found for found in each(body, "fulfillments", _movement) if found is not None)


def fulfilment_event(body: Object, arrival: Arrival) -> FulfilmentSeen | Unheeded:
    """What a carrier reports; only the delivery matters."""
    status = text(body, "status", length=40)
    if status != _DELIVERED:
        return Unheeded("ignored", f"the parcel is {status}")
    happened_at = instant(body, "happened_at") or instant(body, "created_at") or arrival.at
    delivered = Movement(external_id=own_id(body, "fulfillment_id"), ended_at=happened_at)
    return FulfilmentSeen(order_external_id=own_id(body, "order_id"), fulfilment=delivered)


def return_seen(body: Object, arrival: Arrival) -> ReturnSeen:
    """One step of a return. The bodies carry no times: that of the delivery stands for it."""
    order = required(record(body, "order"), "order")
    outcome = _RETURN_ENDS.get(arrival.topic or "")
    lines = tuple(line for line in each(body, "return_line_items", _return_line) if line is not None)
    returned = Movement(
        external_id=own_id(body, "id"),
        began_at=None if outcome else arrival.at,
        ended_at=arrival.at if outcome else None,
        lines=lines,
        reason=next((reason for reason in each(body, "return_line_items", _reason) if reason), None),
        outcome=outcome,
    )
    return ReturnSeen(order_external_id=own_id(order, "id"), returned=returned)


def _movement(source: Object) -> Movement | None:
    shipped = text(source, "status") in _SHIPPED
    delivered = text(source, "shipment_status") == _DELIVERED
    if not shipped and not delivered:
        return None
    return Movement(
        external_id=own_id(source, "id"),
        began_at=required(instant(source, "created_at"), "created_at"),
        ended_at=instant(source, "updated_at") if delivered else None,
        lines=tuple(each(source, "line_items", _line)),
    )


def _line(source: Object) -> LineQuantity:
    return LineQuantity(own_id(source, "id"), integer(source, "quantity", least=0))


def _return_line(source: Object) -> LineQuantity | None:
    # `line_item` is null for goods that were never shipped by a fulfilment of this order.
    inner = record(record(source, "fulfillment_line_item") or {}, "line_item")
    line_id = external_id(inner, "id") if inner else None
    return LineQuantity(line_id, integer(source, "quantity", least=0)) if line_id else None


def _reason(source: Object) -> str | None:
    return text(source, "return_reason", length=100)
