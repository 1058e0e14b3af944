"""A message that we mean to send: planned once per cause and customer for ever, settled exactly once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from libs.kernel.identifiers import derived_id

State = Literal["waiting", "planned", "claimed", "handed_off", "suppressed", "failed", "unknown"]
Outcome = Literal["handed_off", "suppressed", "failed", "unknown"]
MessageClass = Literal["transactional", "service", "marketing"]

OPEN: tuple[State, ...] = ("waiting", "planned", "claimed")
WAIT = timedelta(minutes=10)
"""How long an intent waits for the facts that came before its cause; then it is judged by what is known."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One message to one customer for one cause. `context` holds what the template may say, nothing personal."""

    merchant_no: int
    intent_id: UUID
    customer_id: UUID
    cause_fact_id: UUID
    correlation_id: str
    purpose: str
    channel: str
    topic: str
    message_class: MessageClass
    template_id: UUID
    template_version: int
    context: Mapping[str, int | str | None]
    state: State
    planned_at: datetime
    origin: str = "live"
    wait_for_order_id: UUID | None = None
    traceparent: str | None = None


def intent_id(cause_fact_id: UUID, customer_id: UUID) -> UUID:
    """The one intent that this cause may make for this customer, as the cause names them."""
    return derived_id(cause_fact_id, "intent", str(customer_id))


def message_id(intent: UUID) -> UUID:
    """The one message that this intent may become."""
    return derived_id(intent, "message")
