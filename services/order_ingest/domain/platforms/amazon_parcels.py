"""What has left for the buyer of an Amazon order.

Source: amzn/selling-partner-api-models, `orders_2026-01-01.json`, "OrderPackage", "PackageStatus": packages are told of
orders that the merchant sends. Of those that Amazon sends only the pieces that left are known, neither when nor in
which parcel: one movement holds them all, and the earliest version that tells it stands for the time. When a parcel
was delivered is not told either: again the earliest version that says so stands for it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from services.order_ingest.domain.changes import LineQuantity, Movement
from services.order_ingest.domain.platforms.amazon_items import Item
from services.order_ingest.domain.reading import Object, each, instant, integer, own_id, record, text

WHOLE_ORDER: Final = "order"
_DELIVERED: Final = "DELIVERED"
_LEFT: Final = frozenset({"IN_TRANSIT", "SHIPPED", "UNDELIVERABLE", _DELIVERED})
_SENT: Final = frozenset({"SHIPPED", "PARTIALLY_SHIPPED"})


def fulfilments(body: Object, items: Iterable[Item], *, status: str, at: datetime) -> tuple[Movement, ...]:
    """The parcels that have left; `at`: when the version was made that tells them."""
    found = tuple(each(body, "packages", lambda package: _parcel(package, at)))
    parcels = tuple(parcel for parcel in found if parcel is not None)
    # The merchant's own parcels come with their packages: without any, nothing is known to have left.
    if parcels or text(record(body, "fulfillment") or {}, "fulfilledBy") == "MERCHANT":
        return parcels
    return tuple(_all_that_left(items, status, at))


def _parcel(source: Object, at: datetime) -> Movement | None:
    status = text(record(source, "packageStatus") or {}, "status")
    ship_time = instant(source, "shipTime")
    if status not in _LEFT and not (status is None and ship_time):
        return None
    began_at = ship_time or instant(source, "createdTime") or at
    return Movement(
        external_id=own_id(source, "packageReferenceId"),
        began_at=began_at,
        # A day of sending may be written that lies ahead: nothing arrives before it leaves.
        ended_at=max(at, began_at) if status == _DELIVERED else None,
        lines=tuple(each(source, "packageItems", _pieces)),
    )


def _pieces(source: Object) -> LineQuantity:
    return LineQuantity(own_id(source, "orderItemId"), integer(source, "quantity", least=0))


def _all_that_left(items: Iterable[Item], status: str, at: datetime) -> Iterator[Movement]:
    if status not in _SENT:
        return
    figures = ((item, _sent(item, status)) for item in items)
    lines = tuple(LineQuantity(item.external_id, sent) for item, sent in figures if sent)
    if lines:
        yield Movement(external_id=WHOLE_ORDER, began_at=at, lines=lines)


def _sent(item: Item, status: str) -> int:
    if item.sent is not None:
        return item.sent
    return item.quantity if status == "SHIPPED" and not item.cancelled else 0
