"""Order facts in segmentation's own words."""

from libs.contracts.commerce import OrderChangedV1, OrderPlacedV1, OrderRefundedV1
from libs.kernel.local_time import local_date, month_index
from services.segmentation.domain.order import Refund, Sale


def sale_of(fact: OrderPlacedV1 | OrderChangedV1) -> Sale:
    """The order's state; gift cards are money moved, not goods bought."""
    goods = [line for line in fact.lines if not line.gift_card]
    return Sale(
        customer_id=fact.customer_id,
        store_id=fact.store_id,
        version=fact.version,
        edited=isinstance(fact, OrderChangedV1),
        placed_at=fact.placed_at,
        month=month_index(local_date(fact.placed_at, fact.time_zone)),
        currency=fact.currency,
        goods_minor=sum(line.total_minor for line in goods),
        items=sum(line.quantity for line in goods),
        discounted=fact.discount_minor > 0 or any(line.discount_minor > 0 for line in goods),
        gift_card_lines=frozenset(line.line_id for line in fact.lines if line.gift_card),
        fx_to=fact.fx.to if fact.fx else None,
        fx_rate=fact.fx.rate if fact.fx else None,
    )


def refund_of(fact: OrderRefundedV1) -> Refund:
    """What this one refund gave back, by line."""
    return Refund(
        refund_id=fact.refund_id,
        version=fact.version,
        at=fact.at,
        currency=fact.currency,
        amount_minor=fact.amount_minor,
        goods=tuple((line.line_id, line.amount_minor) for line in fact.lines),
        completes=fact.fully_refunded,
    )
