"""Says what happened to an order in the words of the contracts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from libs.contracts.commerce import (
    Acquisition,
    Fx,
    OrderCancelledV1,
    OrderChangedV1,
    OrderDeletedV1,
    OrderLine,
    OrderPaidV1,
    OrderPlacedV1,
    OrderRefundedV1,
    RefundLine,
)
from libs.contracts.fact import Fact
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.tell_goods import goods_fact
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain import changes
from services.order_ingest.domain.changes import Line, OrderContent
from services.order_ingest.domain.order import (
    Cancelled,
    Changed,
    Completed,
    Deleted,
    Delivered,
    Fulfilled,
    Order,
    OrderNews,
    Paid,
    Placed,
    Refunded,
    ReturnClosed,
    ReturnRequested,
)
from services.order_ingest.domain.reading import moment, required
from services.order_ingest.domain.storefront import Storefront

# Keyword arguments for a contract's class: their types are the class's own and checked by it.
_Words = dict[str, Any]


def tell(workspace: Workspace, entry: Entry, order: Order, news: Sequence[OrderNews]) -> list[str]:
    """The news is said in the workspace; the types of the facts that it made."""
    told = []
    for each in news:
        fact, occurred_at = _fact(workspace, entry.storefront, order, each)
        workspace.tell(fact, entry.storefront, occurred_at, entry.cause)
        told.append(fact.TYPE)
    return told


def _fact(workspace: Workspace, storefront: Storefront, order: Order, news: OrderNews) -> tuple[Fact, datetime]:
    words = _common(storefront, order)
    match news:
        case Placed():
            content = workspace.contents[order.order_id].content
            return OrderPlacedV1(**words, **_state(storefront, order, content)), content.placed_at
        case Changed():
            content = workspace.contents[order.order_id].content
            return OrderChangedV1(**words, **_state(storefront, order, content)), moment(words["version"])
        case Paid(at=at):
            return OrderPaidV1(**words, at=at), at
        case Cancelled(cancellation=cancellation):
            return OrderCancelledV1(**words, at=cancellation.at, reason=cancellation.reason), cancellation.at
        case Deleted(at=at):
            return OrderDeletedV1(**words, at=at), at
        case Refunded():
            return _refunded(words, storefront, order, news), news.refund.at
        case Fulfilled() | Delivered() | ReturnRequested() | ReturnClosed() | Completed():
            return goods_fact(storefront, order, news)


def _common(storefront: Storefront, order: Order) -> _Words:
    return {
        "customer_id": order.customer_id,
        "order_id": order.order_id,
        "store_id": storefront.store_id,
        "currency": order.currency,
        "version": required(order.version, "version").updated_us,
    }


def _state(storefront: Storefront, order: Order, content: OrderContent) -> _Words:
    source = content.acquisition_source
    fx = Fx(to=order.fx.to, rate=order.fx.rate, source=order.fx.source, at=order.fx.at) if order.fx else None
    acquired = Acquisition(source=source, cost_minor=content.acquisition_cost_minor) if source else None
    return {
        "external_order_id": order.external_id,
        "number": content.number,
        "placed_at": content.placed_at,
        "channel": content.channel,
        "acquisition": acquired,
        "subtotal_minor": sum(line.total_minor for line in content.lines),
        "discount_minor": content.discount_minor,
        "tax_minor": content.tax_minor,
        "tax_included": content.tax_included,
        "shipping_minor": content.shipping_minor,
        "gift_card_minor": content.gift_card_minor,
        "total_minor": content.total_minor,
        "financial_status": content.financial_status,
        "points_used": content.points_used,
        "coupon_codes": content.coupon_codes,
        "return_window_ends_at": order.window_ends_at,
        "time_zone": storefront.time_zone,
        "fx": fx,
        "lines": tuple(_line(storefront, order.external_id, line) for line in content.lines),
    }


def _line(storefront: Storefront, order_external_id: str, line: Line) -> OrderLine:
    return OrderLine(
        line_id=storefront.line_id(order_external_id, line.external_id),
        product_id=storefront.product_id(line.product_id) if line.product_id else None,
        variant=line.variant,
        title=line.title,
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        discount_minor=line.discount_minor,
        tax_minor=line.tax_minor,
        total_minor=line.total_minor,
        unit_cost_minor=line.unit_cost_minor,
        gift_card=line.gift_card,
        brand=line.brand,
        category_path=line.category_path,
        material=line.material,
        category_type=line.category_type,
        units=line.units,
    )


def _refunded(words: _Words, storefront: Storefront, order: Order, news: Refunded) -> OrderRefundedV1:
    refund, cumulative = news.refund, news.cumulative
    return OrderRefundedV1(
        **words,
        refund_id=storefront.refund_id(order.external_id, refund.external_id),
        at=refund.at,
        lines=_refund_lines(storefront, order, refund.lines),
        shipping_minor=refund.shipping_minor,
        amount_minor=refund.amount_minor,
        cumulative_lines=_refund_lines(storefront, order, cumulative.lines),
        cumulative_shipping_minor=cumulative.shipping_minor,
        cumulative_amount_minor=cumulative.amount_minor,
        fully_refunded=order.is_fully_refunded,
        reason=refund.reason,
    )


def _refund_lines(storefront: Storefront, order: Order, lines: Iterable[changes.RefundLine]) -> tuple[RefundLine, ...]:
    return tuple(
        RefundLine(
            line_id=storefront.line_id(order.external_id, line.line_id),
            quantity=line.quantity,
            amount_minor=line.amount_minor,
            tax_minor=line.tax_minor,
        )
        for line in lines
    )
