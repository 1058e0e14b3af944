"""A customer's profile: sums and edges that change by the difference between what an order adds now and before."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.segmentation.domain.contribution import NOTHING, Contribution, Counters


@dataclass(frozen=True, slots=True)
class Edges:
    """Instants at the ends of a customer's orders.

    First and last over the counted orders; `first_qualifying_at` over the qualifying ones, and
    `second_qualifying_at` the next qualifying instant strictly after it.
    """

    first_order_at: datetime | None = None
    last_order_at: datetime | None = None
    first_qualifying_at: datetime | None = None
    second_qualifying_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer as told, and the profile that follows from the orders.

    `merged_into` makes the row an alias: all that it had belongs to that customer. `recount` says that an order
    left, so that the edges must be read again from the orders that remain.
    """

    customer_id: UUID
    identity_version: int = 0
    anonymous: bool = False
    store_id: UUID | None = None
    time_zone: str | None = None
    locale: str | None = None
    registered_at: datetime | None = None
    erased_at: datetime | None = None
    merged_into: UUID | None = None
    merged_version: int = 0
    counters: Counters = NOTHING
    edges: Edges = Edges()
    month_mask: bytes = b""
    recount: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A customer as order-ingest describes it; a higher `version` tells the later state."""

    version: int
    anonymous: bool
    store_id: UUID | None
    time_zone: str | None
    locale: str | None


def described(customer: Customer, description: Description) -> Customer:
    """The customer as the newest description has it; of who was erased only whether it is a guest."""
    if customer.identity_version >= description.version:
        return customer
    known = replace(customer, identity_version=description.version, anonymous=description.anonymous)
    if customer.erased_at is not None:
        return known
    return replace(
        known,
        store_id=description.store_id,
        time_zone=description.time_zone,
        locale=description.locale,
    )


def erased(customer: Customer, at: datetime) -> Customer:
    """The customer without anything that describes a person; of two erasures the earlier stands."""
    first = at if customer.erased_at is None else min(customer.erased_at, at)
    return replace(customer, erased_at=first, store_id=None, time_zone=None, locale=None)


def gained(customer: Customer, added: Contribution) -> Customer:
    """The customer with one more contribution; the edges are exact, since adding only widens them."""
    return replace(customer, counters=customer.counters + added.counters, edges=widened(customer.edges, added))


def lost(customer: Customer, taken: Contribution) -> Customer:
    """The customer without a contribution; where it stood at an edge the edges must be recounted."""
    return replace(customer, counters=customer.counters - taken.counters, recount=True)


def revalued(customer: Customer, *, before: Contribution, after: Contribution) -> Customer:
    """The customer after one of its orders adds something else than before."""
    if (before.placed_at, before.qualifies) != (after.placed_at, after.qualifies):
        return gained(lost(customer, before), after)
    return replace(customer, counters=customer.counters - before.counters + after.counters)


def absorbed(survivor: Customer, other: Customer) -> Customer:
    """The survivor with all that the other had."""
    return replace(survivor, counters=survivor.counters + other.counters, recount=True)


def emptied(customer: Customer) -> Customer:
    """The customer with nothing left."""
    return replace(customer, counters=NOTHING, edges=Edges(), month_mask=b"", recount=False)


def widened(edges: Edges, added: Contribution) -> Edges:
    """The edges after one more order."""
    at = added.placed_at
    first = at if edges.first_order_at is None else min(edges.first_order_at, at)
    last = at if edges.last_order_at is None else max(edges.last_order_at, at)
    if not added.qualifies:
        return Edges(first, last, edges.first_qualifying_at, edges.second_qualifying_at)
    return Edges(first, last, *_first_two(edges.first_qualifying_at, edges.second_qualifying_at, at))


def _first_two(first: datetime | None, second: datetime | None, at: datetime) -> tuple[datetime, datetime | None]:
    """The two earliest distinct instants of the three."""
    if first is None or at == first:
        return at, second
    if at < first:
        return at, first
    if second is None or at < second:
        return first, at
    return first, second
