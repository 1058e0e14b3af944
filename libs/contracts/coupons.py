"""Facts about coupons: loyalty issues them, order-ingest makes their codes known to the shop where they are spent."""

from decimal import Decimal
from typing import ClassVar, Literal
from uuid import UUID

from libs.contracts.fact import Currency, Fact, Instant, Part

DiscountKind = Literal["amount", "percentage", "free_shipping"]


class Discount(Part):
    """What a coupon takes off an order: minor units of the coupon's currency, or percent (0 < percent <= 100)."""

    kind: DiscountKind
    amount_minor: int | None = None
    percent: Decimal | None = None


class CouponIssuedV1(Fact):
    """A customer was given a code, good for one order. `code_sealed` opens to `{code}`.

    `store_id` is the store whose own checkout must know the code; without one nobody else needs to. `minimum_minor` is
    the least sum of goods that it may be spent on. `cost_minor` is what it costs the merchant when spent, if known.
    """

    TYPE: ClassVar[str] = "coupon.issued.v1"
    TOPIC: ClassVar[str] = "loyalty"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    coupon_id: UUID
    reward_id: UUID | None = None
    store_id: UUID | None = None
    code_hash: str
    code_sealed: str
    discount: Discount
    currency: Currency
    minimum_minor: int | None = None
    cost_minor: int | None = None
    order_id: UUID | None = None
    starts_at: Instant
    ends_at: Instant | None = None
    issued_at: Instant


class CouponPublishedV1(Fact):
    """The store's checkout takes the code from now on; `external_id` is the store's name for it."""

    TYPE: ClassVar[str] = "coupon.published.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    coupon_id: UUID
    store_id: UUID
    external_id: str | None = None
    published_at: Instant


class CouponPublicationFailedV1(Fact):
    """The store's checkout does not know the code and will not; `reason` is for whoever can mend it."""

    TYPE: ClassVar[str] = "coupon.publication_failed.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    coupon_id: UUID
    store_id: UUID
    reason: str
    failed_at: Instant


COMMERCE_FACTS: tuple[type[Fact], ...] = (CouponPublishedV1, CouponPublicationFailedV1)
LOYALTY_FACTS: tuple[type[Fact], ...] = (CouponIssuedV1,)
