"""The canonical order: what all deliveries about it together say, in whatever order they came.

Every part merges so that order and repetition cannot matter: the content is that of the highest version, refunds
grow by maximum, milestones (paid, shipped, delivered, cancelled, deleted) are the earliest ever stated and are never
taken back. Facts follow from the difference between what the order is and what was told of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from services.order_ingest.domain import movements, refunds
from services.order_ingest.domain.changes import Cancellation, Movement, OrderContent, OrderSeen, Refund, Version
from services.order_ingest.domain.fx import Pinned
from services.order_ingest.domain.movements import NO_MOVEMENTS, Movements
from services.order_ingest.domain.refunds import NO_REFUNDS, Cumulative, Refunds


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the other services have heard of the order."""

    placed: bool = False
    paid: bool = False
    cancelled: bool = False
    deleted: bool = False
    completed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One canonical order; without `version` it is a shell that waits for its content.

    `return_window_days` is what the store granted when the order's content was first seen: later changes of the
    store leave it alone.
    """

    order_id: UUID
    external_id: str
    customer_id: UUID | None = None
    version: Version | None = None
    content_hash: bytes | None = None
    placed_at: datetime | None = None
    currency: str | None = None
    total_minor: int = 0
    return_window_days: int | None = None
    fx: Pinned | None = None
    financial_status: str | None = None
    paid_at: datetime | None = None
    cancelled: Cancellation | None = None
    deleted_at: datetime | None = None
    completed_at: datetime | None = None
    refunds: Refunds = field(default_factory=lambda: NO_REFUNDS)
    fulfilments: Movements = field(default_factory=lambda: NO_MOVEMENTS)
    returns: Movements = field(default_factory=lambda: NO_MOVEMENTS)
    told: Told = field(default_factory=Told)
    origin_id: UUID | None = field(default=None, compare=False)
    """Whose the order was before that customer's life ended in `customer_id`'s: no part of what the order is."""

    @property
    def is_shell(self) -> bool:
        return self.version is None

    @property
    def window_ends_at(self) -> datetime | None:
        """When the return window closes; None for a shell."""
        return self.placed_at + timedelta(days=self.return_window_days or 0) if self.placed_at else None

    @property
    def is_fully_refunded(self) -> bool:
        if self.financial_status == "refunded":
            return True
        return 0 < self.total_minor <= refunds.amount_minor(self.refunds)


@dataclass(frozen=True, slots=True)
class Placed:
    pass


@dataclass(frozen=True, slots=True)
class Changed:
    pass


@dataclass(frozen=True, slots=True)
class Paid:
    at: datetime


@dataclass(frozen=True, slots=True)
class Refunded:
    refund: Refund
    cumulative: Cumulative


@dataclass(frozen=True, slots=True)
class Fulfilled:
    fulfilment: Movement


@dataclass(frozen=True, slots=True)
class Delivered:
    fulfilment: Movement


@dataclass(frozen=True, slots=True)
class ReturnRequested:
    returned: Movement


@dataclass(frozen=True, slots=True)
class ReturnClosed:
    returned: Movement


@dataclass(frozen=True, slots=True)
class Cancelled:
    cancellation: Cancellation


@dataclass(frozen=True, slots=True)
class Deleted:
    at: datetime


@dataclass(frozen=True, slots=True)
class Completed:
    at: datetime


OrderNews: TypeAlias = (
    Placed
    | Changed
    | Paid
    | Fulfilled
    | Delivered
    | ReturnRequested
    | ReturnClosed
    | Refunded
    | Cancelled
    | Deleted
    | Completed
)


def see(order: Order, seen: OrderSeen, *, version: Version, content_hash: bytes) -> Order:
    """The order after a version of it was seen; an older version still adds refunds, movements, milestones."""
    newer = order.version is None or version > order.version
    merged = replace(
        order,
        refunds=refunds.merge(order.refunds, seen.refunds),
        fulfilments=movements.merge(order.fulfilments, seen.fulfilments),
        returns=movements.merge(order.returns, seen.returns),
        paid_at=_earliest(order.paid_at, seen.paid_at),
        cancelled=_earlier(order.cancelled, seen.cancelled),
    )
    return _with_content(merged, seen.content, version, content_hash) if newer else merged


def belonging(order: Order, customer_id: UUID, *, named: UUID | None = None) -> Order:
    """The order, owned by the customer; whose it was is remembered, or whom it `named` when it came."""
    was = order.customer_id or named
    origin_id = order.origin_id or (was if was != customer_id else None)
    return replace(order, customer_id=customer_id, origin_id=origin_id)


def see_refund(order: Order, refund: Refund) -> Order:
    """The order with the refund, which may have come before the order itself."""
    return replace(order, refunds=refunds.merge(order.refunds, (refund,)))


def see_fulfilment(order: Order, fulfilment: Movement) -> Order:
    """The order with the fulfilment, which may have come before the order itself."""
    return replace(order, fulfilments=movements.merge(order.fulfilments, (fulfilment,)))


def see_return(order: Order, returned: Movement) -> Order:
    """The order with the return, which may have come before the order itself."""
    return replace(order, returns=movements.merge(order.returns, (returned,)))


def see_window_closed(order: Order, now: datetime) -> Order:
    """The order, completed if its return window is over and it still stands; the clock alone decides nothing."""
    ends_at = order.window_ends_at
    if ends_at is None or now < ends_at or order.cancelled or order.deleted_at or order.completed_at:
        return order
    return replace(order, completed_at=ends_at)


def see_deletion(order: Order, at: datetime) -> Order:
    """The order, deleted. Content and version stay: a delete moves nothing back and empties nothing."""
    return replace(order, deleted_at=_earliest(order.deleted_at, at))


def tell(before: Order, after: Order) -> tuple[Order, tuple[OrderNews, ...]]:
    """`after` as told, and what has to be said so that it is; a shell has nothing to say yet."""
    if after.is_shell:
        return after, ()
    news = tuple(_news(before, after))
    told = Told(
        placed=True,
        paid=after.paid_at is not None,
        cancelled=after.cancelled is not None,
        deleted=after.deleted_at is not None,
        completed=after.completed_at is not None,
    )
    settled = replace(
        after,
        told=told,
        refunds=refunds.all_told(after.refunds),
        fulfilments=movements.all_told(after.fulfilments),
        returns=movements.all_told(after.returns),
    )
    return settled, news


def _news(before: Order, after: Order) -> Iterable[OrderNews]:
    if not after.told.placed:
        yield Placed()
    elif after.content_hash != before.content_hash:
        yield Changed()
    if after.paid_at is not None and not after.told.paid:
        yield Paid(after.paid_at)
    yield from map(Fulfilled, movements.begun(after.fulfilments))
    yield from map(Delivered, movements.ended(after.fulfilments))
    yield from map(ReturnRequested, movements.begun(after.returns))
    for refund in refunds.untold(after.refunds):
        yield Refunded(refund, refunds.cumulative(after.refunds, refund))
    yield from map(ReturnClosed, movements.ended(after.returns))
    if after.cancelled is not None and not after.told.cancelled:
        yield Cancelled(after.cancelled)
    if after.deleted_at is not None and not after.told.deleted:
        yield Deleted(after.deleted_at)
    if after.completed_at is not None and not after.told.completed:
        yield Completed(after.completed_at)


def _with_content(order: Order, content: OrderContent, version: Version, content_hash: bytes) -> Order:
    return replace(
        order,
        version=version,
        content_hash=content_hash,
        placed_at=content.placed_at,
        currency=content.currency,
        total_minor=content.total_minor,
        financial_status=content.financial_status,
    )


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((at for at in (one, other) if at is not None), default=None)


def _earlier(one: Cancellation | None, other: Cancellation | None) -> Cancellation | None:
    return min((each for each in (one, other) if each is not None), key=lambda c: (c.at, c.reason or ""), default=None)
