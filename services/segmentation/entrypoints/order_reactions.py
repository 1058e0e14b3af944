"""Reactions to what happens to an order."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.contracts.commerce import (
    OrderCancelledV1,
    OrderChangedV1,
    OrderDeletedV1,
    OrderPaidV1,
    OrderPlacedV1,
    OrderRefundedV1,
)
from libs.contracts.envelope import Event
from services.segmentation.application.record_order import record_order
from services.segmentation.application.workspace import Workspace
from services.segmentation.domain.order import cancelled, deleted, refunded, told
from services.segmentation.domain.timeline import Entry, entry_id
from services.segmentation.entrypoints.order_facts import refund_of, sale_of

OrderFact = OrderPlacedV1 | OrderChangedV1 | OrderPaidV1 | OrderCancelledV1 | OrderDeletedV1 | OrderRefundedV1


def on_order_placed(workspace: Workspace, event: Event[OrderPlacedV1]) -> None:
    fact, sale = event.fact, sale_of(event.fact)
    record_order(workspace, event, fact.order_id, fact.customer_id, lambda order: told(order, sale))
    _note(workspace, event, "order.placed", fact.placed_at, _figures(fact, sale.items))


def on_order_changed(workspace: Workspace, event: Event[OrderChangedV1]) -> None:
    fact, sale = event.fact, sale_of(event.fact)
    record_order(workspace, event, fact.order_id, fact.customer_id, lambda order: told(order, sale))
    at = event.envelope.occurred_at
    _note(workspace, event, "order.changed", at, _figures(fact, sale.items), str(fact.version))


def on_order_paid(workspace: Workspace, event: Event[OrderPaidV1]) -> None:
    fact = event.fact
    # Nothing counts differently; but the order is known from now on, so that the entry follows it to its owner.
    record_order(workspace, event, fact.order_id, fact.customer_id, lambda order: order)
    _note(workspace, event, "order.paid", fact.at, {}, fact.at.isoformat())


def on_order_cancelled(workspace: Workspace, event: Event[OrderCancelledV1]) -> None:
    fact = event.fact
    record_order(workspace, event, fact.order_id, fact.customer_id, lambda order: cancelled(order, fact.at))
    # Told again with another instant it is another line: which of the two came first is not known here.
    _note(workspace, event, "order.cancelled", fact.at, {"reason": fact.reason}, fact.at.isoformat())


def on_order_deleted(workspace: Workspace, event: Event[OrderDeletedV1]) -> None:
    fact = event.fact
    record_order(workspace, event, fact.order_id, fact.customer_id, lambda order: deleted(order, fact.at))
    _note(workspace, event, "order.deleted", fact.at, {"reason": fact.reason}, fact.at.isoformat())


def on_order_refunded(workspace: Workspace, event: Event[OrderRefundedV1]) -> None:
    fact, refund = event.fact, refund_of(event.fact)
    record_order(workspace, event, fact.order_id, fact.customer_id, lambda order: refunded(order, refund))
    details = {
        "refund_id": str(fact.refund_id),
        "amount_minor": fact.amount_minor,
        "currency": fact.currency,
        "fully_refunded": fact.fully_refunded,
    }
    _note(workspace, event, "order.refunded", fact.at, details, str(fact.refund_id))


def _figures(fact: OrderPlacedV1 | OrderChangedV1, items: int) -> Mapping[str, Any]:
    return {
        "external_order_id": fact.external_order_id,
        "number": fact.number,
        "items": items,
        "total_minor": fact.total_minor,
        "currency": fact.currency,
    }


def _note(
    workspace: Workspace, event: Event[OrderFact], kind: str, at: datetime, details: Mapping[str, Any], *parts: str
) -> None:
    order_id: UUID = event.fact.order_id
    entry = Entry(entry_id(order_id, kind, *parts), event.fact.customer_id, at, kind, order_id, details)
    workspace.shop(event.merchant_id).note(entry)
