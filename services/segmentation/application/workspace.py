"""What one batch of facts works on: rows loaded before, changed in memory, stored after."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from libs.contracts.customers import CustomerDataRequestedV1
from libs.contracts.envelope import Event, Said
from services.segmentation.domain.contribution import Contribution
from services.segmentation.domain.identity import resolved
from services.segmentation.domain.order import Order
from services.segmentation.domain.profile import Customer
from services.segmentation.domain.segment import Segment, Stay
from services.segmentation.domain.timeline import Entry


@dataclass(frozen=True, slots=True)
class Registration:
    """A merchant's own description."""

    name: str
    currency: str
    time_zone: str
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class Store:
    """The compact copy of a store; the higher version stands."""

    store_id: UUID
    version: int
    platform: str
    account: str
    site: str | None
    name: str | None
    currency: str
    time_zone: str


@dataclass(slots=True)
class MonthSums:
    """What a batch adds to one customer's month."""

    orders: int = 0
    spend_minor: int = 0


@dataclass(slots=True)
class Shop:
    """One merchant's part of the batch. `currency` is None until the merchant was registered here.

    `was_*` keep the rows as loaded: values are frozen, so that what is no longer the same object has changed.
    Customer ids in it may be absorbed ones: `owner` says whom they stand for when the workspace is stored.
    """

    merchant_id: UUID
    merchant_no: int
    currency: str | None
    segments: dict[UUID, Segment] = field(default_factory=dict)
    customers: dict[UUID, Customer] = field(default_factory=dict)
    orders: dict[UUID, Order] = field(default_factory=dict)
    stays: dict[tuple[UUID, UUID], Stay] = field(default_factory=dict)
    was_customers: Mapping[UUID, Customer] = field(default_factory=dict)
    was_orders: Mapping[UUID, Order] = field(default_factory=dict)
    was_stays: Mapping[tuple[UUID, UUID], Stay] = field(default_factory=dict)
    months: dict[tuple[UUID, int], MonthSums] = field(default_factory=dict)
    entries: dict[UUID, Entry] = field(default_factory=dict)
    ended: list[Stay] = field(default_factory=list)
    absorbed: list[UUID] = field(default_factory=list)
    returned: dict[UUID, UUID] = field(default_factory=dict)
    """Absorbed and restored in this batch: with whom the sums of its stored rows were in between."""
    stores: dict[UUID, Store] = field(default_factory=dict)
    erased_stores: set[UUID] = field(default_factory=set)
    registration: Registration | None = None
    new_segments: list[Segment] = field(default_factory=list)

    def owner(self, customer_id: UUID) -> UUID:
        """Whom the id stands for now."""
        return resolved(customer_id, self.customers)

    def note(self, entry: Entry) -> None:
        """The entry stands once in the timeline."""
        self.entries.setdefault(entry.entry_id, entry)

    def put_store(self, store: Store) -> None:
        """The newer of the two descriptions stands."""
        known = self.stores.get(store.store_id)
        if known is None or known.version < store.version:
            self.stores[store.store_id] = store

    def erase_store(self, store_id: UUID) -> None:
        """Nothing tells whose store it is; only a newer description, should it be connected again, will."""
        self.erased_stores.add(store_id)
        if store_id in self.stores:
            self.stores[store_id] = replace(self.stores[store_id], account="", site=None, name=None)

    def add_to_month(self, customer_id: UUID, added: Contribution, times: int) -> None:
        """The contribution's month has `times` (1 or -1) of it more."""
        sums = self.months.setdefault((customer_id, added.month), MonthSums())
        sums.orders += times
        sums.spend_minor += times * added.counters.spend_minor


@dataclass(slots=True)
class Workspace:
    """All shops that a batch touches, and what it has to tell."""

    shops: dict[UUID, Shop]
    said: list[Said] = field(default_factory=list)
    data_requests: list[Event[CustomerDataRequestedV1]] = field(default_factory=list)
    """Answered later: a reaction looks through no tables."""

    def shop(self, merchant_id: UUID) -> Shop:
        """The merchant's part."""
        return self.shops[merchant_id]
