"""Facts of order-ingest about what happens to an order.

All amounts are integers in minor units of the fact's `currency`. `version` is the platform's update time in
microseconds since the epoch: of two facts about one order the higher version tells the later state.
"""

from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from libs.contracts.fact import Currency, Fact, Instant, Part
from libs.contracts.stores import CategoryType


class OrderLine(Part):
    """One line as it was sold, product words as known at the order.

    `total_minor` is what was paid for this line's goods after its discounts (tax inside only when the store's
    prices include it). A `gift_card` line is money moved into a card, never revenue from goods.
    """

    line_id: UUID
    product_id: UUID | None = None
    variant: str | None = None
    title: str
    quantity: int
    unit_price_minor: int
    discount_minor: int = 0
    tax_minor: int = 0
    total_minor: int
    unit_cost_minor: int | None = None
    gift_card: bool = False
    brand: str | None = None
    category_path: tuple[str, ...] = ()
    material: str | None = None
    category_type: CategoryType | None = None
    units: int | None = None


class RefundLine(Part):
    """What was given back for one line: in one refund, or in all refunds so far."""

    line_id: UUID
    quantity: int
    amount_minor: int
    tax_minor: int = 0


class Acquisition(Part):
    """Where the order came from and what that cost, in the order's currency."""

    source: str
    cost_minor: int | None = None


class Fx(Part):
    """The exchange rate pinned in the order: one unit of the order's currency is `rate` units of `to`."""

    to: Currency
    rate: Decimal
    source: str
    at: Instant


class _OrderState(Fact):
    """An order's whole state; `order.placed` and `order.changed` tell the same fields."""

    customer_id: UUID
    order_id: UUID
    store_id: UUID
    external_order_id: str
    number: str | None = None
    placed_at: Instant
    version: int
    channel: str | None = None
    acquisition: Acquisition | None = None
    currency: Currency
    subtotal_minor: int
    discount_minor: int = 0
    tax_minor: int = 0
    tax_included: bool = False
    shipping_minor: int = 0
    gift_card_minor: int = 0
    total_minor: int
    financial_status: str | None = None
    points_used: int = 0
    coupon_codes: tuple[str, ...] = ()
    recipient_customer_id: UUID | None = None
    return_window_ends_at: Instant
    time_zone: str
    fx: Fx | None = None
    lines: tuple[OrderLine, ...]


class OrderPlacedV1(_OrderState):
    """An order was seen for the first time."""

    TYPE: ClassVar[str] = "order.placed.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"


class OrderChangedV1(_OrderState):
    """An order's lines, amounts or customer are different now: the full state, with a higher `version`."""

    TYPE: ClassVar[str] = "order.changed.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"


class OrderPaidV1(Fact):
    """The order was paid in full at `at`."""

    TYPE: ClassVar[str] = "order.paid.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    order_id: UUID
    store_id: UUID
    currency: Currency
    at: Instant
    version: int


class OrderCancelledV1(Fact):
    """The order was cancelled at `at`; it counts for nothing from then on."""

    TYPE: ClassVar[str] = "order.cancelled.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    order_id: UUID
    store_id: UUID
    currency: Currency
    at: Instant
    version: int
    reason: str | None = None


class OrderDeletedV1(Fact):
    """The platform deleted the order: it is treated as if it had never been."""

    TYPE: ClassVar[str] = "order.deleted.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    order_id: UUID
    store_id: UUID
    currency: Currency
    at: Instant
    version: int
    reason: str | None = None


class OrderRefundedV1(Fact):
    """Money went back; the cumulative figures hold all refunds so far, so that losing or repeating one is harmless."""

    TYPE: ClassVar[str] = "order.refunded.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    order_id: UUID
    store_id: UUID
    refund_id: UUID
    at: Instant
    version: int
    currency: Currency
    lines: tuple[RefundLine, ...] = ()
    shipping_minor: int = 0
    amount_minor: int
    cumulative_lines: tuple[RefundLine, ...] = ()
    cumulative_shipping_minor: int = 0
    cumulative_amount_minor: int
    fully_refunded: bool
    reason: str | None = None


FACTS: tuple[type[Fact], ...] = (
    OrderPlacedV1,
    OrderChangedV1,
    OrderPaidV1,
    OrderCancelledV1,
    OrderDeletedV1,
    OrderRefundedV1,
)
