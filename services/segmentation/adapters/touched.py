"""Which rows a batch of events may touch, read off the facts before anything is loaded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from libs.contracts.commerce import (
    CustomerDataRequestedV1,
    CustomerErasedV1,
    CustomerMergedV1,
    CustomerUnmergedV1,
    MerchantRegisteredV1,
    OrderCancelledV1,
    OrderChangedV1,
    OrderDeletedV1,
    OrderPaidV1,
    OrderPlacedV1,
    OrderRefundedV1,
    StoreErasedV1,
    StoreUpsertedV1,
)
from libs.contracts.envelope import Event

_ORDER_FACTS = (OrderPlacedV1, OrderChangedV1, OrderPaidV1, OrderCancelledV1, OrderDeletedV1, OrderRefundedV1)


@dataclass(slots=True)
class Touched:
    """Ids of one merchant's rows. `is_news`: no row of the merchant can be here yet.

    `families` are customers whose whole families are needed: those that a fact erases, and those of a merge, since
    either of the two may have been erased before.
    """

    orders: set[UUID] = field(default_factory=set)
    customers: set[UUID] = field(default_factory=set)
    absorbed: set[UUID] = field(default_factory=set)
    families: set[UUID] = field(default_factory=set)
    registers: bool = False
    is_news: bool = False

    @property
    def has_a_past(self) -> bool:
        """The merchant is registered in this batch, and facts of it came before."""
        return self.registers and not self.is_news


def touched_by(events: Sequence[Event[Any]]) -> dict[UUID, Touched]:
    """By merchant, the rows that the events name."""
    found: dict[UUID, Touched] = {}
    for event in events:
        touched = found.get(event.merchant_id)
        if touched is None:
            touched = found[event.merchant_id] = Touched()
        _add(touched, event.fact)
    return found


def _add(touched: Touched, fact: Any) -> None:
    """`fact` is one of the subscribed classes; which one is only known here."""
    if isinstance(fact, MerchantRegisteredV1):
        touched.registers = True
        return
    if isinstance(fact, StoreUpsertedV1 | StoreErasedV1 | CustomerDataRequestedV1):
        return
    touched.customers.add(fact.customer_id)
    if isinstance(fact, _ORDER_FACTS):
        touched.orders.add(fact.order_id)
    elif isinstance(fact, CustomerMergedV1):
        touched.absorbed.add(fact.customer_id)
        touched.customers.add(fact.into_customer_id)
        touched.families |= {fact.customer_id, fact.into_customer_id}
    elif isinstance(fact, CustomerUnmergedV1):
        touched.customers |= {fact.restored_customer_id, fact.survivor_customer_id}
        touched.orders |= set(fact.order_ids)
    elif isinstance(fact, CustomerErasedV1):
        touched.families.add(fact.customer_id)


def sorted_pairs(by_merchant: Iterable[tuple[int, Iterable[UUID]]]) -> tuple[list[int], list[UUID]]:
    """Two columns (merchant number, id) in the one order in which rows are locked."""
    pairs = sorted((number, each) for number, ids in by_merchant for each in ids)
    return [number for number, _ in pairs], [each for _, each in pairs]
