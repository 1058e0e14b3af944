"""What a delivery or an import line says, once its platform's words are translated: a canonical change."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

from services.order_ingest.domain.catalogue import ProductSeen
from services.order_ingest.domain.happenings import Happening
from services.order_ingest.domain.persons import (
    CustomerSeen,
    CustomersJoined,
    DataAsked,
    DependantSeen,
    ErasureAsked,
    Person,
    UnmergeAsked,
)


class Version(NamedTuple):
    """The order of two states of one resource, by the platform's own clock; arrival plays no part.

    `source_rank` puts a re-fetch above a hook that carries the same second; the body's hash breaks what is left,
    so that two workers can never disagree.
    """

    updated_us: int
    source_rank: int
    triggered_us: int
    body_hash: str


HOOK_RANK = 0
FETCH_RANK = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line as it was sold; `total_minor` is what was paid for its goods after its discounts."""

    external_id: str
    product_id: str | None
    title: str
    quantity: int
    unit_price_minor: int
    total_minor: int
    discount_minor: int = 0
    tax_minor: int = 0
    gift_card: bool = False
    variant: str | None = None
    unit_cost_minor: int | None = None
    brand: str | None = None
    category_path: tuple[str, ...] = ()
    material: str | None = None
    category_type: str | None = None
    units: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderContent:
    """The whole order as one version tells it, milestones and refunds apart."""

    number: str | None
    placed_at: datetime
    currency: str
    tax_included: bool
    financial_status: str | None
    shipping_minor: int
    tax_minor: int
    discount_minor: int
    lines: tuple[Line, ...]
    channel: str | None = None
    acquisition_source: str | None = None
    acquisition_cost_minor: int | None = None
    coupon_codes: tuple[str, ...] = ()
    points_used: int = 0

    @property
    def goods_minor(self) -> int:
        """What was paid for goods: gift cards are money moved, not revenue."""
        return sum(line.total_minor for line in self.lines if not line.gift_card)

    @property
    def gift_card_minor(self) -> int:
        return sum(line.total_minor for line in self.lines if line.gift_card)

    @property
    def total_minor(self) -> int:
        tax = 0 if self.tax_included else self.tax_minor
        return sum(line.total_minor for line in self.lines) + self.shipping_minor + tax


class RefundLine(NamedTuple):
    """What one refund gave back for one line."""

    line_id: str
    quantity: int
    amount_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """One refund; `amount_minor` is the money that moved, which the lines need not add up to."""

    external_id: str
    at: datetime
    lines: tuple[RefundLine, ...]
    shipping_minor: int
    amount_minor: int
    reason: str | None = None


class LineQuantity(NamedTuple):
    """So many pieces of one line."""

    line_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Goods on their way. A fulfilment: shipped, then delivered; a return: requested, then closed.

    What a sighting does not know is None or empty: a carrier's event knows the delivery and no lines.
    """

    external_id: str
    began_at: datetime | None = None
    ended_at: datetime | None = None
    lines: tuple[LineQuantity, ...] = ()
    reason: str | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSeen:
    """A version of a whole order."""

    external_id: str
    updated_us: int
    content: OrderContent
    person: Person
    refunds: tuple[Refund, ...] = ()
    fulfilments: tuple[Movement, ...] = ()
    returns: tuple[Movement, ...] = ()
    paid_at: datetime | None = None
    cancelled: Cancellation | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDeleted:
    """The platform has deleted the order."""

    external_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundSeen:
    """A refund told by itself."""

    order_external_id: str
    refund: Refund


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentSeen:
    """A fulfilment told by itself."""

    order_external_id: str
    fulfilment: Movement


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnSeen:
    """A return told by itself."""

    order_external_id: str
    returned: Movement


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowClosed:
    """The clock says that the order's return window is over, unless the order's own state says otherwise by now."""

    order_external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTouched:
    """Something happened to the order, and the store must be asked what: thin hooks say no more."""

    external_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLeft:
    """The store has ended our access to it."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreErasureAsked:
    """All people of the store are to be forgotten."""

    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Unheeded:
    """Understood, and deliberately without effect: a test order, a topic that nothing here needs."""

    outcome: str
    reason: str


PartOfOrder: TypeAlias = RefundSeen | FulfilmentSeen | ReturnSeen | WindowClosed
"""What concerns one order, which need not have come yet."""

Change: TypeAlias = (
    OrderSeen
    | OrderDeleted
    | OrderTouched
    | PartOfOrder
    | CustomerSeen
    | CustomersJoined
    | ProductSeen
    | Happening
    | DependantSeen
    | ErasureAsked
    | DataAsked
    | UnmergeAsked
    | StoreLeft
    | StoreErasureAsked
    | Unheeded
)
