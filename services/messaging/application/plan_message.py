"""Points were earned: a message is planned, once per cause and customer for ever."""

from datetime import datetime

from libs.contracts.commerce import OrderPaidV1
from libs.contracts.envelope import Event
from libs.contracts.loyalty import PointsEarnedV1
from libs.kernel.local_time import local_date
from services.messaging.application.workspace import Merchant, Workspace
from services.messaging.domain.intents import Intent, intent_id
from services.messaging.domain.templates import POINTS_EARNED


def plan_points_message(workspace: Workspace, event: Event[PointsEarnedV1]) -> None:
    """The message is planned; for points of the past (origin other than live) there is nothing to tell.

    Topics have no order among each other: the points may be read before the address and the consent that the customer
    gave with the very order that earned them. So the intent waits until that order's payment was read too.
    """
    if event.origin != "live":
        return
    fact, merchant = event.fact, workspace.merchants[event.merchant_id]
    key = (merchant.merchant_no, intent_id(event.id, fact.customer_id))
    if key in workspace.known_intents:
        return
    order = (merchant.merchant_no, fact.cause.order_id) if fact.cause.order_id else None
    waits = order is not None and order not in workspace.heard_orders
    intent = _intent(workspace, event, merchant, waits=waits)
    workspace.known_intents.add(key)
    workspace.planned.append(intent)
    if order is not None and waits:
        workspace.waiting.setdefault(order, []).append(intent.intent_id)
    else:
        workspace.released.add(key)


def hear_order(workspace: Workspace, event: Event[OrderPaidV1]) -> None:
    """Whatever waited for this order's facts may go on."""
    if event.origin != "live":
        return
    merchant_no = workspace.merchants[event.merchant_id].merchant_no
    order = (merchant_no, event.fact.order_id)
    workspace.heard_orders.add(order)
    workspace.released |= {(merchant_no, waiting) for waiting in workspace.waiting.pop(order, ())}


def _intent(workspace: Workspace, event: Event[PointsEarnedV1], merchant: Merchant, *, waits: bool) -> Intent:
    fact, template = event.fact, merchant.templates[POINTS_EARNED]
    return Intent(
        merchant_no=merchant.merchant_no,
        intent_id=intent_id(event.id, fact.customer_id),
        customer_id=workspace.contact(merchant.merchant_no, fact.customer_id).customer_id,
        cause_fact_id=event.id,
        correlation_id=event.envelope.correlation_id,
        traceparent=event.envelope.traceparent,
        purpose=POINTS_EARNED,
        channel=template.channel,
        topic=template.topic,
        message_class=template.message_class,
        template_id=template.template_id,
        template_version=template.published_version,
        context=_context(fact, merchant.time_zone),
        state="waiting" if waits else "planned",
        planned_at=workspace.now,
        origin=event.origin,
        wait_for_order_id=fact.cause.order_id if waits else None,
    )


def _context(fact: PointsEarnedV1, time_zone: str) -> dict[str, int | str | None]:
    return {
        "points": fact.points,
        "usable_points": fact.balance.usable,
        "pending_points": fact.balance.pending,
        "available_on": _on(fact.available_at, time_zone),
        "expires_on": _on(fact.expires_at, time_zone) if fact.expires_at else None,
    }


def _on(instant: datetime, time_zone: str) -> str:
    return local_date(instant, time_zone).isoformat()
