"""What the routes take and answer."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.contracts.commerce import ConsentChannel, ConsentState
from services.messaging.domain.templates import DEFAULT_CONTENT, SAMPLE

CUSTOMER_ID = "0197a1c2-7b1e-7c64-9f1a-3f0b6a6d2e11"
INTENT_ID = "3d6f0a6e-52b5-5c1d-8a55-0d6f1c9e2b47"
MESSAGE_ID = "0c8f3f0e-9d7a-5b53-8f6e-6a4f1f0f9a10"
TEMPLATE_ID = "8a5e2c1d-5c1d-5b53-9d7a-0d6f1c9e2b47"
CAUSE_ID = "0197a1c2-8000-7000-8000-000000000001"
ENTRY_ID = "5b538f6e-6a4f-5f0f-9a10-0c8f3f0e9d7a"
INSTANT = "2026-01-31T09:30:00Z"

MessageState = Literal["waiting", "planned", "claimed", "handed_off", "suppressed", "failed", "unknown"]
Context = dict[str, int | str | None]


class Out(BaseModel):
    """Answers are read from the views of the application."""

    model_config = ConfigDict(from_attributes=True)


class In(BaseModel):
    """Requests say what they mean: an unknown field is refused."""

    model_config = ConfigDict(extra="forbid")


class ConsentOut(Out):
    """A consent that holds, and the statement that decided it."""

    channel: str = Field(examples=["email"])
    topic: str = Field(examples=["marketing"])
    state: str = Field(examples=["subscribed"])
    source: str = Field(examples=["checkout"])
    at: datetime = Field(examples=[INSTANT])


class ContactOut(Out):
    """A customer as this service knows them. The address is masked; `customer_id` is the survivor of all merges."""

    customer_id: UUID = Field(examples=[CUSTOMER_ID])
    asked_customer_id: UUID = Field(examples=[CUSTOMER_ID])
    email_masked: str | None = Field(examples=["a***@shop.example"])
    locale: str | None = Field(examples=["en-US"])
    time_zone: str | None = Field(examples=["America/New_York"])
    anonymous: bool = Field(examples=[False])
    erased_at: datetime | None = Field(examples=[INSTANT])
    consents: list[ConsentOut]
    suppressed: list[str] = Field(examples=[[]], description="reasons why the address must not be written to")


class StatementOut(Out):
    """One entry of the consent log. `made`: here, act (elsewhere, by the customer) or snapshot (a platform's state)."""

    entry_id: UUID = Field(examples=[ENTRY_ID])
    channel: str = Field(examples=["email"])
    topic: str = Field(examples=["marketing"])
    state: str = Field(examples=["subscribed"])
    made: str = Field(examples=["act"])
    source: str = Field(examples=["checkout"])
    text_version: str | None = Field(examples=["2026-01"])
    at: datetime = Field(examples=[INSTANT])
    recorded_at: datetime = Field(examples=[INSTANT])


class ConsentIn(In):
    """What a customer said to us, now."""

    channel: ConsentChannel = Field("email", examples=["email"])
    topic: str = Field("marketing", min_length=1, max_length=50, pattern=r"^[a-z0-9_]+$", examples=["marketing"])
    state: ConsentState = Field(examples=["unsubscribed"])
    source: str = Field(min_length=1, max_length=100, examples=["phone_call"])
    text_version: str | None = Field(None, max_length=100, examples=["2026-01"])


class ConsentsOut(BaseModel):
    """The consents that hold."""

    items: list[ConsentOut]


class MessageOut(Out):
    """A message that was meant, and its one outcome: null while it is open."""

    message_id: UUID = Field(examples=[MESSAGE_ID])
    intent_id: UUID = Field(examples=[INTENT_ID])
    customer_id: UUID = Field(examples=[CUSTOMER_ID])
    cause_fact_id: UUID = Field(examples=[CAUSE_ID], description="the fact that it answers")
    purpose: str = Field(examples=["points_earned"])
    channel: str = Field(examples=["email"])
    topic: str = Field(examples=["marketing"])
    message_class: str = Field(examples=["marketing"])
    template_id: UUID = Field(examples=[TEMPLATE_ID])
    template_version: int = Field(examples=[1])
    origin: str = Field(examples=["live"])
    state: MessageState = Field(examples=["suppressed"])
    outcome: str | None = Field(examples=["suppressed"])
    reason: str | None = Field(examples=["consent"])
    context: Context = Field(examples=[{"points": 59, "usable_points": 120}])
    planned_at: datetime = Field(examples=[INSTANT])
    settled_at: datetime | None = Field(examples=[INSTANT])


class OutcomeCountOut(Out):
    """How many messages ended this way."""

    origin: str = Field(examples=["live"])
    outcome: str = Field(examples=["handed_off"])
    reason: str = Field(examples=["accepted"])
    count: int = Field(examples=[1204])


class SummaryOut(Out):
    """All messages by origin, outcome and reason. History (origin backfill) makes none."""

    total: int = Field(examples=[2546])
    open: int = Field(examples=[0], description="waiting, planned or under way")
    outcomes: list[OutcomeCountOut]


class TemplateOut(Out):
    """What a purpose is said with."""

    template_id: UUID = Field(examples=[TEMPLATE_ID])
    purpose: str = Field(examples=["points_earned"])
    name: str = Field(examples=["You earned points"])
    channel: str = Field(examples=["email"])
    message_class: str = Field(examples=["marketing"])
    topic: str = Field(examples=["marketing"])
    published_version: int = Field(examples=[1])


class TemplatesOut(BaseModel):
    """Every template."""

    items: list[TemplateOut]


class ContentIn(In):
    """A version's Liquid.

    It may use points, usable_points, pending_points, available_on, expires_on, given_name and merchant_name.
    """

    subject: str = Field(min_length=1, max_length=1000, examples=[DEFAULT_CONTENT.subject])
    html: str = Field(min_length=1, max_length=100_000, examples=[DEFAULT_CONTENT.html])


class VersionOut(Out):
    """One version; a published one never changes. A draft's ETag header is needed to change it."""

    template_id: UUID = Field(examples=[TEMPLATE_ID])
    version: int = Field(examples=[2])
    state: str = Field(examples=["published"])
    subject: str = Field(examples=[DEFAULT_CONTENT.subject])
    html: str = Field(examples=[DEFAULT_CONTENT.html])
    created_at: datetime = Field(examples=[INSTANT])
    published_at: datetime | None = Field(examples=[INSTANT])


class VersionsOut(BaseModel):
    """Every version of a template, the newest first."""

    items: list[VersionOut]


class PreviewIn(In):
    """Values for the preview; what is left out has a sample value."""

    context: Context = Field(default_factory=lambda: dict(SAMPLE), examples=[dict(SAMPLE)], max_length=50)


class PreviewOut(Out):
    """The message as a customer would read it, without the unsubscribe footer that every mail gets."""

    subject: str = Field(examples=["You earned 59 points at Cloud Leaf"])
    html: str = Field(examples=["<p>You earned <strong>59 points</strong>.</p>"])
    text: str = Field(examples=["You earned 59 points.\n"])


class SuppressionIn(In):
    """An address that must not be written to, blocked by hand."""

    channel: Literal["email"] = Field("email", examples=["email"])
    email: str = Field(min_length=3, max_length=254, examples=["ada@shop.example"])


class SuppressionOut(Out):
    """A suppressed address, by its keyed hash: the address itself is not kept."""

    suppression_id: UUID = Field(examples=[ENTRY_ID])
    channel: str = Field(examples=["email"])
    address_hash: str = Field(examples=["5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"])
    reason: str = Field(examples=["manual"])
    at: datetime = Field(examples=[INSTANT])


class CapOut(Out):
    """At most `messages` marketing messages to one customer in any `days` days."""

    messages: int = Field(examples=[3])
    days: int = Field(examples=[7])


class CapIn(In):
    """The cap from the next message on."""

    messages: int = Field(ge=0, le=1000, examples=[3])
    days: int = Field(ge=1, le=365, examples=[7])
