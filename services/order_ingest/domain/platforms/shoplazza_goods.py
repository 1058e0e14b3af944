"""The parcels inside a Shoplazza order.

Source: shoplazza.dev, "Fulfillment properties", "Fulfill orders"; Shoplazza/shoplazza-cli: to complete a fulfilment,
which makes it `finished`, is to mark it as delivered. The money in its lines ("12.34 USD") is never read.
"""

from datetime import datetime
from typing import Final

from services.order_ingest.domain.changes import LineQuantity, Movement, OrderContent
from services.order_ingest.domain.reading import Object, each, instant, integer, own_id, text

WHOLE_ORDER: Final = "order"
_DELIVERED: Final = "finished"
_SHIPPED: Final = frozenset({"shipped", _DELIVERED, None})


def order_fulfilments(body: Object, *, fallback_at: datetime) -> tuple[Movement, ...]:
    """The parcels that have left; one that still waits, or was cancelled before anyone saw it leave, is no news."""
    found = each(body, "fulfillments", lambda item: _movement(item, fallback_at))
    return tuple(movement for movement in found if movement is not None)


def whole_order(seen: OrderContent, at: datetime) -> tuple[Movement, ...]:
    """One parcel with everything: all that is known of an order that is said to be fulfilled and lists no parcels."""
    lines = tuple(LineQuantity(line.external_id, line.quantity) for line in seen.lines)
    return (Movement(external_id=WHOLE_ORDER, began_at=at, lines=lines),)


def _movement(source: Object, fallback_at: datetime) -> Movement | None:
    status = text(source, "status")
    if status not in _SHIPPED:
        return None
    updated_at = instant(source, "updated_at") or fallback_at
    return Movement(
        external_id=own_id(source),
        began_at=instant(source, "created_at") or fallback_at,
        ended_at=updated_at if status == _DELIVERED else None,
        lines=tuple(each(source, "line_items", _line)),
    )


def _line(source: Object) -> LineQuantity:
    return LineQuantity(own_id(source), integer(source, "quantity", least=0))
