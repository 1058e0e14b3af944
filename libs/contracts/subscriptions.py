"""Facts of order-ingest about subscriptions: who pays for what how often, and who gets it."""

from typing import ClassVar
from uuid import UUID

from libs.contracts.fact import Fact, Instant


class SubscriptionStartedV1(Fact):
    """A customer subscribed: `interval` is an ISO 8601 duration of days or longer.

    `next_at` is when the subscription goes on, if the shop says so. `recipient_customer_id` is who gets the goods: null
    if the payer does, or if somebody was named without an address or id.
    """

    TYPE: ClassVar[str] = "subscription.started.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    store_id: UUID
    subscription_id: UUID
    recipient_customer_id: UUID | None = None
    product_ids: tuple[UUID, ...] = ()
    interval: str
    next_at: Instant | None = None
    order_id: UUID | None = None
    at: Instant


class SubscriptionRenewedV1(Fact):
    """A subscription went on for another interval; `order_id` is the order of this time. Fields as when it started."""

    TYPE: ClassVar[str] = "subscription.renewed.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    store_id: UUID
    subscription_id: UUID
    recipient_customer_id: UUID | None = None
    product_ids: tuple[UUID, ...] = ()
    interval: str
    next_at: Instant | None = None
    order_id: UUID | None = None
    at: Instant


class SubscriptionEndedV1(Fact):
    """A subscription is over; `reason` is the shop's word for why."""

    TYPE: ClassVar[str] = "subscription.ended.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    store_id: UUID
    subscription_id: UUID
    recipient_customer_id: UUID | None = None
    product_ids: tuple[UUID, ...] = ()
    interval: str | None = None
    reason: str | None = None
    order_id: UUID | None = None
    at: Instant


FACTS: tuple[type[Fact], ...] = (SubscriptionStartedV1, SubscriptionRenewedV1, SubscriptionEndedV1)
