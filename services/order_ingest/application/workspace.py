"""All that one batch concerns, in memory: loaded once, changed by the fold, stored once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.contracts.envelope import Cause, Said
from libs.contracts.fact import Fact
from services.order_ingest.domain.changes import OrderContent
from services.order_ingest.domain.dependant import Dependant
from services.order_ingest.domain.fx import Pinned
from services.order_ingest.domain.order import Order
from services.order_ingest.domain.parting import Unmerged
from services.order_ingest.domain.people import People
from services.order_ingest.domain.product import Product
from services.order_ingest.domain.standing import Standing
from services.order_ingest.domain.storefront import Storefront


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One step in an order's life, as its history shows it."""

    order_id: UUID
    merchant_no: int
    cause_id: UUID
    source: str
    version_us: int | None
    facts: tuple[str, ...]
    total_minor: int
    refunded_minor: int
    financial_status: str | None


@dataclass(frozen=True, slots=True)
class StoredContent:
    """An order's content with its JSON document, made once for hash and table."""

    content: OrderContent
    document: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An order that the store's own API must be asked for."""

    storefront: Storefront
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyRequest:
    """What a platform asked for on somebody's behalf; without a customer nobody was found, and nothing is to be done.

    `kind` is erasure, data_export or store_erasure; `source` says who asked.
    """

    request_id: UUID
    kind: str
    storefront: Storefront
    customer_id: UUID | None
    source: str
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """A customer erased for one request; `addresses` are what bodies are searched for that could not be read."""

    customer_id: UUID
    request_id: UUID
    storefront: Storefront
    addresses: tuple[str, ...]
    whole_store: bool
    parted_from: tuple[UUID, ...] = ()
    """Under whose ids deliveries about them may have been noted."""


class Placing(NamedTuple):
    """What decides which rate an order gets: whose it is, in which currency, placed when."""

    merchant_no: int
    from_currency: str
    to_currency: str
    placed_at: datetime


@dataclass(slots=True)
class Workspace:
    """What a batch has loaded and changed. Nothing here awaits."""

    orders: dict[UUID, Order]
    order_stores: dict[UUID, Storefront]
    people: Mapping[int, People]
    products: dict[UUID, Product]
    stored_orders: frozenset[UUID] = frozenset()
    stored_customers: frozenset[UUID] = frozenset()
    stored_products: frozenset[UUID] = frozenset()
    rates: Mapping[Placing, Pinned] = field(default_factory=dict)
    """For each placing of an order in a foreign currency the rate that held then, if one was fed."""
    contents: dict[UUID, StoredContent] = field(default_factory=dict)
    touched_orders: set[UUID] = field(default_factory=set)
    touched_products: dict[UUID, Storefront] = field(default_factory=dict)
    happened: set[bytes] = field(default_factory=set)
    """Digests of happenings that were told before or in this batch."""
    new_happenings: dict[bytes, Storefront] = field(default_factory=dict)
    dependants: dict[UUID, Dependant] = field(default_factory=dict)
    touched_dependants: dict[UUID, Storefront] = field(default_factory=dict)
    windows: dict[UUID, datetime | None] = field(default_factory=dict)
    """Ends of return windows that are new or moved."""
    asked: dict[UUID, Asked] = field(default_factory=dict)
    """What must be asked of stores, by the delivery that made it necessary."""
    concerned: dict[UUID, list[UUID]] = field(default_factory=dict)
    """Whom each delivery was about, by its id: their ids as they were then."""
    unmerged: list[tuple[int, Unmerged]] = field(default_factory=list)
    """Merges undone, with their merchant's number."""
    orders_of_lives: Mapping[UUID, tuple[UUID, ...]] = field(default_factory=dict)
    """By a customer who may be restored: the stored orders that would be theirs again."""
    forgotten: list[Forgotten] = field(default_factory=list)
    data_wanted: dict[UUID, tuple[Storefront, UUID]] = field(default_factory=dict)
    """By request: whose data is to be gathered."""
    privacy_requests: dict[UUID, PrivacyRequest] = field(default_factory=dict)
    standings: dict[int, Standing] = field(default_factory=dict)
    """By number: stores of which the batch says that they left."""
    stores_left: dict[int, datetime] = field(default_factory=dict)
    """Stores by number that ended our access, and when."""
    history: list[HistoryEntry] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)

    def concerns(self, cause_id: UUID, *customer_ids: UUID) -> None:
        """The delivery is about these customers too."""
        self.concerned.setdefault(cause_id, []).extend(customer_ids)

    def tell(self, fact: Fact, storefront: Storefront, occurred_at: datetime, cause: Cause) -> None:
        """The fact will be told with the batch."""
        self.said.append(Said(fact=fact, merchant_id=storefront.merchant_id, occurred_at=occurred_at, cause=cause))
