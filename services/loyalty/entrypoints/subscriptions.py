"""What loyalty listens to: each fact, and the use case that answers it."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from libs.contracts.commerce import (
    CustomerDataRequestedV1,
    CustomerErasedV1,
    CustomerMergedV1,
    CustomerRegisteredV1,
    CustomerUnmergedV1,
    Fx,
    MerchantRegisteredV1,
    OrderCancelledV1,
    OrderChangedV1,
    OrderDeletedV1,
    OrderPaidV1,
    OrderPlacedV1,
    OrderRefundedV1,
    RefundLine,
    StoreErasedV1,
)
from libs.contracts.envelope import Event
from libs.contracts.fact import Fact
from libs.eventbus.subscriptions import Reaction, Subscriptions
from libs.servicekit.erasure import customer_forgotten, store_forgotten
from services.loyalty.application.enrol_member import enrol_member
from services.loyalty.application.erase_member import erase_member
from services.loyalty.application.merge_members import merge_members
from services.loyalty.application.needs import eligible_of_lines
from services.loyalty.application.register_merchant import register_merchant
from services.loyalty.application.settle_order import hear_of_order, tell_order
from services.loyalty.application.telling import Heard
from services.loyalty.application.unmerge_members import unmerge_members
from services.loyalty.application.workspace import Workspace
from services.loyalty.domain import orders

TOPICS: Final = ("commerce",)
OWN_TOPIC: Final = "loyalty"


def on_merchant_registered(workspace: Workspace, event: Event[MerchantRegisteredV1]) -> None:
    fact = event.fact
    register_merchant(
        workspace,
        _heard(workspace, event),
        name=fact.name,
        currency=fact.currency,
        time_zone=fact.time_zone,
        registered_at=fact.registered_at,
    )


def on_customer_registered(workspace: Workspace, event: Event[CustomerRegisteredV1]) -> None:
    """Guests collect points too, but are members only once they are somebody: a merge brings the points along."""
    fact = event.fact
    if not fact.anonymous:
        enrol_member(
            workspace,
            _heard(workspace, event),
            customer_id=fact.customer_id,
            source=f"store:{fact.store_id}" if fact.store_id else "unknown",
            at=fact.registered_at,
        )


def on_customer_merged(workspace: Workspace, event: Event[CustomerMergedV1]) -> None:
    fact = event.fact
    merge_members(
        workspace,
        _heard(workspace, event),
        absorbed_id=fact.customer_id,
        survivor_id=fact.into_customer_id,
        identity_version=fact.identity_version,
    )


def on_customer_unmerged(workspace: Workspace, event: Event[CustomerUnmergedV1]) -> None:
    fact = event.fact
    unmerge_members(
        workspace,
        _heard(workspace, event),
        told_under=fact.customer_id,
        restored_id=fact.restored_customer_id,
        order_ids=fact.order_ids,
        identity_version=fact.identity_version,
    )


def on_customer_erased(workspace: Workspace, event: Event[CustomerErasedV1]) -> None:
    """Amounts stay, under an id that names nobody; what was parked about the person goes, since we listen."""
    erase_member(
        workspace,
        workspace.merchant(event.merchant_id).merchant_no,
        customer_id=event.fact.customer_id,
        at=event.fact.erased_at,
    )
    workspace.said.extend(customer_forgotten(event, topic=OWN_TOPIC))


def on_customer_data_requested(workspace: Workspace, event: Event[CustomerDataRequestedV1]) -> None:
    """Answered by a timer, which may look through the tables."""
    workspace.data_requests.append(event)


def on_store_erased(workspace: Workspace, event: Event[StoreErasedV1]) -> None:
    """Nothing about stores is kept here."""
    workspace.said.append(store_forgotten(event, topic=OWN_TOPIC))


def on_order_told(workspace: Workspace, event: Event[OrderPlacedV1] | Event[OrderChangedV1]) -> None:
    fact = event.fact
    tell_order(
        workspace,
        _heard(workspace, event),
        customer_id=fact.customer_id,
        order_id=fact.order_id,
        terms=_terms(fact),
        reason="order changed",
    )


def on_order_paid(workspace: Workspace, event: Event[OrderPaidV1]) -> None:
    fact = event.fact
    hear_of_order(
        workspace,
        _heard(workspace, event),
        customer_id=fact.customer_id,
        order_id=fact.order_id,
        reason="order paid",
        change=lambda order: order.pay(fact.at),
    )


def on_order_refunded(workspace: Workspace, event: Event[OrderRefundedV1]) -> None:
    fact = event.fact
    cumulative = _per_line(fact.cumulative_lines)
    hear_of_order(
        workspace,
        _heard(workspace, event),
        customer_id=fact.customer_id,
        order_id=fact.order_id,
        reason="order refunded",
        change=lambda order: order.refund(cumulative),
    )


def on_order_cancelled(workspace: Workspace, event: Event[OrderCancelledV1]) -> None:
    fact = event.fact
    hear_of_order(
        workspace,
        _heard(workspace, event),
        customer_id=fact.customer_id,
        order_id=fact.order_id,
        reason="order cancelled",
        change=lambda order: order.cancel(fact.at),
    )


def on_order_deleted(workspace: Workspace, event: Event[OrderDeletedV1]) -> None:
    fact = event.fact
    hear_of_order(
        workspace,
        _heard(workspace, event),
        customer_id=fact.customer_id,
        order_id=fact.order_id,
        reason="order deleted",
        change=lambda order: order.delete(fact.at),
    )


def _heard(workspace: Workspace, event: Event[Any]) -> Heard:
    return Heard(workspace.merchant(event.merchant_id), event.envelope.occurred_at, event.as_cause())


def _terms(fact: OrderPlacedV1 | OrderChangedV1) -> orders.OrderTerms:
    return orders.OrderTerms(
        version=fact.version,
        placed_at=fact.placed_at,
        currency=fact.currency,
        eligible=eligible_of_lines(fact.lines),
        window_ends_at=fact.return_window_ends_at,
        fx=_fx(fact.fx),
        gift_lines=frozenset(line.line_id for line in fact.lines if line.gift_card),
    )


def _fx(fx: Fx | None) -> orders.Fx | None:
    return orders.Fx(fx.to, fx.rate) if fx else None


def _per_line(lines: tuple[RefundLine, ...]) -> Mapping[UUID, int]:
    amounts: dict[UUID, int] = {}
    for line in lines:
        amounts[line.line_id] = amounts.get(line.line_id, 0) + line.amount_minor
    return amounts


_REACTIONS: dict[type[Fact], Reaction[Workspace]] = {
    MerchantRegisteredV1: on_merchant_registered,
    CustomerRegisteredV1: on_customer_registered,
    CustomerMergedV1: on_customer_merged,
    CustomerUnmergedV1: on_customer_unmerged,
    CustomerErasedV1: on_customer_erased,
    CustomerDataRequestedV1: on_customer_data_requested,
    StoreErasedV1: on_store_erased,
    OrderPlacedV1: on_order_told,
    OrderChangedV1: on_order_told,
    OrderPaidV1: on_order_paid,
    OrderRefundedV1: on_order_refunded,
    OrderCancelledV1: on_order_cancelled,
    OrderDeletedV1: on_order_deleted,
}

SUBSCRIPTIONS: Subscriptions[Workspace] = _REACTIONS
"""The complete answer to "what does this service listen to?"."""
