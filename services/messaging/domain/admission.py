"""May this message be sent, now? One question, asked of fixed facts, answered with the first reason against it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.messaging.domain.address import is_deliverable
from services.messaging.domain.consent import State
from services.messaging.domain.intents import MessageClass

Reason = Literal["erased", "consent", "no_address", "invalid_address", "suppression", "stale", "cap"]
SuppressionReason = Literal["unsubscribed", "bounced", "complained", "manual"]

USEFUL_FOR = timedelta(days=3)
"""A message that could not go out for so long is news no more."""


@dataclass(frozen=True, slots=True)
class CapRule:
    """At most `messages` marketing messages to one customer in any `days` days."""

    messages: int = 3
    days: int = 7

    @property
    def window(self) -> timedelta:
        return timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the customer and the intent at the moment of the question."""

    message_class: MessageClass
    erased: bool
    consent: State
    email: str | None
    suppressed: frozenset[SuppressionReason]
    planned_at: datetime
    sent_in_window: int
    cap: CapRule


def refusal(standing: Standing, *, now: datetime) -> Reason | None:
    """Why the message must not be sent; None: it may.

    Marketing needs a consent that was given and respects caps; what a customer ordered (transactional) or needs to
    know (service) goes out without, but never to an address that bounced, complained or was blocked by hand.
    """
    marketing = standing.message_class == "marketing"
    if standing.erased:
        return "erased"
    if marketing and standing.consent != "subscribed":
        return "consent"
    if not standing.email:
        return "no_address"
    if not is_deliverable(standing.email):
        return "invalid_address"
    if standing.suppressed - (frozenset() if marketing else {"unsubscribed"}):
        return "suppression"
    if now - standing.planned_at > USEFUL_FOR:
        return "stale"
    if marketing and standing.sent_in_window >= standing.cap.messages:
        return "cap"
    return None
