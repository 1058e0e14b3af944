"""Says in the words of the contracts where an order's goods are: shipped, delivered, coming back, kept for good."""

from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from libs.contracts.commerce import (
    MovedLine,
    OrderCompletedV1,
    OrderDeliveredV1,
    OrderFulfilledV1,
    ReturnClosedV1,
    ReturnRequestedV1,
)
from libs.contracts.fact import Fact
from services.order_ingest.domain.changes import Movement
from services.order_ingest.domain.order import Completed, Delivered, Fulfilled, Order, ReturnClosed, ReturnRequested
from services.order_ingest.domain.reading import required
from services.order_ingest.domain.storefront import Storefront

GoodsNews: TypeAlias = Fulfilled | Delivered | ReturnRequested | ReturnClosed | Completed

# Keyword arguments for a contract's class: their types are the class's own and checked by it.
_Words = dict[str, Any]


def goods_fact(storefront: Storefront, order: Order, news: GoodsNews) -> tuple[Fact, datetime]:
    """The fact, and when it happened."""
    words = {
        "customer_id": order.customer_id,
        "order_id": order.order_id,
        "store_id": storefront.store_id,
        "version": required(order.version, "version").updated_us,
    }
    match news:
        case Completed(at=at):
            return OrderCompletedV1(**words, at=at), at
        case Fulfilled(fulfilment=moved):
            at = required(moved.began_at, "began_at")
            lines = _lines(storefront, order, moved)
            return OrderFulfilledV1(**words, fulfilment_id=_parcel(storefront, order, moved), at=at, lines=lines), at
        case Delivered(fulfilment=moved):
            at = required(moved.ended_at, "ended_at")
            return OrderDeliveredV1(**words, fulfilment_id=_parcel(storefront, order, moved), at=at), at
        case ReturnRequested(returned=moved):
            at = required(moved.began_at, "began_at")
            return ReturnRequestedV1(**words, **_returned(storefront, order, moved), at=at), at
        case ReturnClosed(returned=moved):
            at = required(moved.ended_at, "ended_at")
            returned = _returned(storefront, order, moved)
            return ReturnClosedV1(**words, **returned, at=at, outcome=moved.outcome or "closed"), at


def _parcel(storefront: Storefront, order: Order, moved: Movement) -> UUID:
    return storefront.fulfilment_id(order.external_id, moved.external_id)


def _returned(storefront: Storefront, order: Order, moved: Movement) -> _Words:
    return {
        "return_id": storefront.return_id(order.external_id, moved.external_id),
        "lines": _lines(storefront, order, moved),
        "reason": moved.reason,
    }


def _lines(storefront: Storefront, order: Order, moved: Movement) -> tuple[MovedLine, ...]:
    return tuple(
        MovedLine(line_id=storefront.line_id(order.external_id, line.line_id), quantity=line.quantity)
        for line in moved.lines
    )
