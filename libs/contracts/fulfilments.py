"""Facts of order-ingest about an order's goods on their way: out, at the customer's, back, and kept for good."""

from typing import ClassVar
from uuid import UUID

from libs.contracts.fact import Fact, Instant, Part


class MovedLine(Part):
    """So many pieces of one order line."""

    line_id: UUID
    quantity: int


class OrderFulfilledV1(Fact):
    """A parcel left. One fact per fulfilment, told again only if more goods turn out to be in it."""

    TYPE: ClassVar[str] = "order.fulfilled.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    order_id: UUID
    store_id: UUID
    fulfilment_id: UUID
    at: Instant
    version: int
    lines: tuple[MovedLine, ...] = ()


class OrderDeliveredV1(Fact):
    """A parcel is with the customer, as the carrier or the shop says. One fact per fulfilment."""

    TYPE: ClassVar[str] = "order.delivered.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    order_id: UUID
    store_id: UUID
    fulfilment_id: UUID
    at: Instant
    version: int


class OrderCompletedV1(Fact):
    """The order's return window has closed; what was neither cancelled nor given back by then stays sold."""

    TYPE: ClassVar[str] = "order.completed.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    order_id: UUID
    store_id: UUID
    at: Instant
    version: int


class ReturnRequestedV1(Fact):
    """The customer wants to give goods back. Told again only if more goods are named."""

    TYPE: ClassVar[str] = "return.requested.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    order_id: UUID
    store_id: UUID
    return_id: UUID
    at: Instant
    version: int
    lines: tuple[MovedLine, ...] = ()
    reason: str | None = None


class ReturnClosedV1(Fact):
    """The return came to its end; `outcome`: closed (goods dealt with), declined or cancelled."""

    TYPE: ClassVar[str] = "return.closed.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    order_id: UUID
    store_id: UUID
    return_id: UUID
    at: Instant
    version: int
    lines: tuple[MovedLine, ...] = ()
    reason: str | None = None
    outcome: str


FACTS: tuple[type[Fact], ...] = (
    OrderFulfilledV1,
    OrderDeliveredV1,
    OrderCompletedV1,
    ReturnRequestedV1,
    ReturnClosedV1,
)
