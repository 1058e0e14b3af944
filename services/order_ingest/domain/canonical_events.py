"""One example of every event of our own hook: what the documents show, and what a test reads."""

from collections.abc import Mapping
from typing import Any, Final

from services.order_ingest.domain.canonical import (
    EXAMPLE_CUSTOMER,
    EXAMPLE_FULFILMENT,
    EXAMPLE_ORDER,
    EXAMPLE_PRODUCT,
    EXAMPLE_REFUND,
    EXAMPLE_RETURN,
)

_AT: Final = "2026-05-10T09:30:00Z"
_WHO: Final = {"id": "C-9", "email": "ann@example.com"}
_ABOUT: Final = {"product_id": "P-7", "order_id": "A-1001"}
_OPINION: Final = {**_ABOUT, "rating": 4, "sentiment": "positive", "text": "Keeps the tea warm", "verified": True}
_TICKET: Final = {
    "id": "T-5",
    "at": _AT,
    "customer": _WHO,
    "channel": "email",
    "order_id": "A-1001",
    "topic": "damaged",
}
_SUBSCRIPTION: Final = {
    "subscription_id": "SUB-1",
    "customer": _WHO,
    "recipient": {"email": "kim@example.com", "given_name": "Kim"},
    "product_ids": ["P-7"],
    "interval": "P1M",
    "order_id": "A-1001",
}
_CONTENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "order.created": EXAMPLE_ORDER,
    "order.updated": EXAMPLE_ORDER,
    "order.paid": EXAMPLE_ORDER,
    "order.cancelled": {**EXAMPLE_ORDER, "cancelled_at": "2026-05-03T08:00:00Z", "cancel_reason": "customer"},
    "order.deleted": {"id": "A-1001", "deleted_at": _AT},
    "refund.created": {"order_id": "A-1001", "currency": "USD", **EXAMPLE_REFUND},
    "fulfilment.created": {"order_id": "A-1001", **EXAMPLE_FULFILMENT, "delivered_at": None},
    "fulfilment.updated": {"order_id": "A-1001", **EXAMPLE_FULFILMENT},
    "return.requested": {"order_id": "A-1001", **EXAMPLE_RETURN, "closed_at": None, "outcome": None},
    "return.updated": {"order_id": "A-1001", **EXAMPLE_RETURN, "closed_at": None, "outcome": None},
    "return.closed": {"order_id": "A-1001", **EXAMPLE_RETURN},
    "customer.created": {**EXAMPLE_CUSTOMER, "updated_at": _AT},
    "customer.updated": {**EXAMPLE_CUSTOMER, "updated_at": _AT},
    "customer.erasure_requested": {"at": _AT, "customer": _WHO},
    "customer.data_requested": {"at": _AT, "customer": _WHO},
    "product.created": EXAMPLE_PRODUCT,
    "product.updated": EXAMPLE_PRODUCT,
    "consent.captured": {"customer": _WHO, "channel": "email", "state": "unsubscribed", "at": _AT, "source": "account"},
    "review.posted": {"id": "RV-1", "at": _AT, "customer": _WHO, **_OPINION},
    "feedback.received": {"id": "FB-1", "at": _AT, "customer": _WHO, **_OPINION},
    "buyer_message.received": {**_TICKET, "id": "M-1", "conversation_id": "T-5", "text": "The handle broke."},
    "ticket.opened": _TICKET,
    "ticket.resolved": {**_TICKET, "at": "2026-05-11T15:00:00Z"},
    "social_action.performed": {
        "id": "S-1",
        "at": _AT,
        "customer": _WHO,
        "channel": "instagram",
        "action": "mention",
        "proof": "https://example.com/p/1",
    },
    "customer_event.recorded": {
        "id": "E-1",
        "at": _AT,
        "customer": _WHO,
        "name": "guide_read",
        "properties": {"guide": "brewing", "minutes": 4, "to_the_end": True},
    },
    "checkout.started": {"id": "K-1", "at": _AT, "customer": _WHO, "total_minor": 4418, "currency": "USD"},
    "subscription.started": {"id": "SE-1", "at": _AT, **_SUBSCRIPTION, "next_at": "2026-06-10T09:30:00Z"},
    "subscription.renewed": {
        "id": "SE-2",
        "at": "2026-06-10T09:30:00Z",
        **_SUBSCRIPTION,
        "order_id": "A-1044",
        "next_at": "2026-07-10T09:30:00Z",
    },
    "subscription.ended": {"id": "SE-3", "at": "2026-07-01T08:00:00Z", **_SUBSCRIPTION, "reason": "outgrown"},
    "dependant.recorded": {
        "id": "D-1",
        "at": _AT,
        "customer": _WHO,
        "nickname": "Little Bean",
        "birth_on": "2025-11-03",
        "due_on": None,
        "sex": "female",
        "removed": False,
    },
    "visits.reported": {"day": "2026-05-09", "count": 1204, "at": _AT},
}

EXAMPLE_EVENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    kind: {"type": kind, "timestamp": "2026-05-11T15:00:01Z", "data": content} for kind, content in _CONTENTS.items()
}
"""Whole bodies of the hook, by type."""
