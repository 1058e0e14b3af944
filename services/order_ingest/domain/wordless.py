"""Orders of people who were forgotten: what somebody wrote about a refund, a return or a cancellation is left out.

Such words may name the person. They are dropped before they meet what is kept, so that a late delivery is no news.
"""

from dataclasses import replace

from services.order_ingest.domain import movements, refunds
from services.order_ingest.domain.changes import (
    Cancellation,
    FulfilmentSeen,
    Movement,
    OrderDeleted,
    OrderSeen,
    PartOfOrder,
    RefundSeen,
    ReturnSeen,
)
from services.order_ingest.domain.order import Order


def wordless_order(order: Order) -> Order:
    """The order without anybody's words."""
    return replace(
        order,
        refunds=refunds.wordless(order.refunds),
        fulfilments=movements.wordless(order.fulfilments),
        returns=movements.wordless(order.returns),
        cancelled=_cancellation(order.cancelled),
    )


def wordless_version(seen: OrderSeen) -> OrderSeen:
    """What a version tells, without anybody's words."""
    return replace(
        seen,
        refunds=tuple(replace(each, reason=None) for each in seen.refunds),
        fulfilments=tuple(map(_movement, seen.fulfilments)),
        returns=tuple(map(_movement, seen.returns)),
        cancelled=_cancellation(seen.cancelled),
    )


def wordless_part(part: PartOfOrder | OrderDeleted) -> PartOfOrder | OrderDeleted:
    """What is told of a part of an order, without anybody's words."""
    match part:
        case RefundSeen(refund=refund):
            return replace(part, refund=replace(refund, reason=None))
        case FulfilmentSeen(fulfilment=fulfilment):
            return replace(part, fulfilment=_movement(fulfilment))
        case ReturnSeen(returned=returned):
            return replace(part, returned=_movement(returned))
        case _:
            return part


def _movement(movement: Movement) -> Movement:
    return replace(movement, reason=None)


def _cancellation(cancelled: Cancellation | None) -> Cancellation | None:
    return replace(cancelled, reason=None) if cancelled else None
