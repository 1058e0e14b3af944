"""An order as segmentation keeps it: a state that facts join in any order, any number of times.

Each function below is a join: applying a fact twice, late, or before the order itself was seen ends in the same
state. The sale with the highest version wins, the earliest cancellation and deletion stand, refunds are a set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What the newest `order.placed` or `order.changed` says; amounts are minor units of `currency`.

    `goods_minor` is what was paid for goods, gift cards left out; `items` counts the same lines. `edited` orders two
    statements of one version: a change is told after the placement. `month` counts months since year 0 on the
    buyer's calendar.
    """

    customer_id: UUID
    store_id: UUID
    version: int
    edited: bool
    placed_at: datetime
    month: int
    currency: str
    goods_minor: int
    items: int
    discounted: bool
    gift_card_lines: frozenset[UUID] = frozenset()
    fx_to: str | None = None
    fx_rate: Decimal | None = None

    @property
    def rank(self) -> tuple[int, bool]:
        return self.version, self.edited


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money given back once; `goods` holds what was given back for each line, `amount_minor` everything."""

    refund_id: UUID
    version: int
    at: datetime
    currency: str
    amount_minor: int
    goods: tuple[tuple[UUID, int], ...]
    completes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """All that is known about one order; without a `sale` it only waits for one and counts for nothing."""

    order_id: UUID
    owner_id: UUID
    sale: Sale | None = None
    cancelled_at: datetime | None = None
    deleted_at: datetime | None = None
    refunds: Mapping[UUID, Refund] = field(default_factory=dict)

    @property
    def refunded_at(self) -> datetime | None:
        """Since when the order is refunded in full; None while it is not."""
        return min((refund.at for refund in self.refunds.values() if refund.completes), default=None)

    @property
    def counts(self) -> bool:
        """Placed, and neither cancelled nor deleted."""
        return self.sale is not None and self.cancelled_at is None and self.deleted_at is None

    @property
    def qualifies(self) -> bool:
        """Counts, and was not refunded in full: the orders of the repurchase rate."""
        return self.counts and self.refunded_at is None


def told(order: Order, sale: Sale) -> Order:
    """The order with the newer of the two statements about it."""
    if order.sale is not None and order.sale.rank >= sale.rank:
        return order
    return replace(order, sale=sale)


def cancelled(order: Order, at: datetime) -> Order:
    """The order cancelled since the earliest instant that was told."""
    return replace(order, cancelled_at=_earliest(order.cancelled_at, at))


def deleted(order: Order, at: datetime) -> Order:
    """The order as if it had never been."""
    return replace(order, deleted_at=_earliest(order.deleted_at, at))


def refunded(order: Order, refund: Refund) -> Order:
    """The order with this refund in its set; of two statements about one refund the newer stands."""
    known = order.refunds.get(refund.refund_id)
    if known is not None and known.version >= refund.version:
        return order
    return replace(order, refunds={**order.refunds, refund.refund_id: refund})


def _earliest(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)
