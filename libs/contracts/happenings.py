"""Facts of order-ingest about what customers say and do besides ordering; each is told once, whatever comes twice."""

from collections.abc import Mapping
from datetime import date
from typing import ClassVar
from uuid import UUID

from libs.contracts.fact import Currency, Fact, Instant

Property = str | int | bool
"""What a property of an event may be: numbers with a point are for nobody to add up."""


class ReviewPostedV1(Fact):
    """A customer reviewed a product in public; `rating` counts from 1 to 5."""

    TYPE: ClassVar[str] = "review.posted.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    store_id: UUID
    review_id: UUID
    product_id: UUID | None = None
    order_id: UUID | None = None
    rating: int | None = None
    sentiment: str | None = None
    text: str | None = None
    verified: bool | None = None
    at: Instant


class FeedbackReceivedV1(Fact):
    """A customer told the shop, not the public, what they think; `rating` counts from 1 to 5."""

    TYPE: ClassVar[str] = "feedback.received.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    store_id: UUID
    feedback_id: UUID
    product_id: UUID | None = None
    order_id: UUID | None = None
    rating: int | None = None
    sentiment: str | None = None
    text: str | None = None
    verified: bool | None = None
    at: Instant


class BuyerMessageReceivedV1(Fact):
    """A customer wrote to the shop; the words are sealed."""

    TYPE: ClassVar[str] = "buyer_message.received.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    store_id: UUID
    message_id: UUID
    conversation_id: UUID
    channel: str
    text_sealed: str | None = None
    order_id: UUID | None = None
    topic: str | None = None
    at: Instant


class TicketOpenedV1(Fact):
    """A customer needs help; `topic` says with what."""

    TYPE: ClassVar[str] = "ticket.opened.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    store_id: UUID
    ticket_id: UUID
    channel: str
    order_id: UUID | None = None
    topic: str | None = None
    at: Instant


class TicketResolvedV1(Fact):
    """The shop has dealt with a ticket."""

    TYPE: ClassVar[str] = "ticket.resolved.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    store_id: UUID
    ticket_id: UUID
    channel: str
    order_id: UUID | None = None
    topic: str | None = None
    at: Instant


class SocialActionPerformedV1(Fact):
    """A customer followed, shared or mentioned the shop; `proof` is where that can be seen."""

    TYPE: ClassVar[str] = "social_action.performed.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    store_id: UUID
    action_id: UUID
    channel: str
    action: str
    proof: str | None = None
    at: Instant


class CustomerEventRecordedV1(Fact):
    """A customer logged in, looked, used a product, read something: whatever the shop reports under a name."""

    TYPE: ClassVar[str] = "customer_event.recorded.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    store_id: UUID
    event_id: UUID
    name: str
    properties: Mapping[str, Property] = {}
    at: Instant


class CheckoutStartedV1(Fact):
    """A customer began to check out; whether an order came of it is told by the order."""

    TYPE: ClassVar[str] = "checkout.started.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    store_id: UUID
    checkout_id: UUID
    total_minor: int | None = None
    currency: Currency | None = None
    properties: Mapping[str, Property] = {}
    at: Instant


class VisitsReportedV1(Fact):
    """How many people came to the store on a local day; a later report of the same day replaces an earlier one."""

    TYPE: ClassVar[str] = "visits.reported.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "store_id"

    store_id: UUID
    day: date
    count: int
    at: Instant


FACTS: tuple[type[Fact], ...] = (
    ReviewPostedV1,
    FeedbackReceivedV1,
    BuyerMessageReceivedV1,
    TicketOpenedV1,
    TicketResolvedV1,
    SocialActionPerformedV1,
    CustomerEventRecordedV1,
    CheckoutStartedV1,
    VisitsReportedV1,
)
