"""What the screens show: read straight from the tables, past the domain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.messaging.domain.admission import SuppressionReason


@dataclass(frozen=True, slots=True)
class ContactView:
    """A contact as a screen may show it: the address is masked."""

    customer_id: UUID
    asked_customer_id: UUID
    email_masked: str | None
    locale: str | None
    time_zone: str | None
    anonymous: bool
    erased_at: datetime | None
    consents: Sequence["ConsentView"]
    suppressed: Sequence[SuppressionReason]


@dataclass(frozen=True, slots=True)
class ConsentView:
    """A consent that holds, with the statement that decided it."""

    channel: str
    topic: str
    state: str
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StatementView:
    """One entry of the consent log."""

    entry_id: UUID
    channel: str
    topic: str
    state: str
    made: str
    source: str
    text_version: str | None
    at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class MessageView:
    """An intent and what became of it: `outcome` and `reason` are null while it is open."""

    message_id: UUID
    intent_id: UUID
    customer_id: UUID
    cause_fact_id: UUID
    purpose: str
    channel: str
    topic: str
    message_class: str
    template_id: UUID
    template_version: int
    origin: str
    state: str
    outcome: str | None
    reason: str | None
    context: Mapping[str, int | str | None]
    planned_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages a list shows; None: all."""

    state: str | None = None
    reason: str | None = None
    customer_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """How many intents of one origin ended one way."""

    origin: str
    outcome: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Summary:
    """All intents, by how they ended; `open` ones have not."""

    open: int
    outcomes: Sequence[OutcomeCount]


@dataclass(frozen=True, slots=True)
class SuppressionView:
    """A suppressed address, by its keyed hash."""

    suppression_id: UUID
    channel: str
    address_hash: str
    reason: str
    at: datetime
