"""What the routes reach through: each port is opened inside the request's own transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.application.connect_store import Store, Stores
from services.order_ingest.application.feed_rates import FxRates
from services.order_ingest.application.ports import Addresses, Seals
from services.order_ingest.application.register_merchant import Merchant, Merchants
from services.order_ingest.domain.customer import Key

Rows = Sequence[Mapping[str, Any]]
"""Rows for the screen: column values by name, checked by the schema that shows them."""


class ListedMerchants(Merchants, Protocol):
    async def page(self, *, after: UUID | None, limit: int) -> Sequence[Merchant]: ...


class ListedStores(Stores, Protocol):
    async def page(self, *, after: UUID | None, limit: int) -> Sequence[Store]: ...


class Screens(Protocol):
    """Reads; lists come newest first unless they say otherwise, `after` is the last item of the page before."""

    async def orders(self, filters: Mapping[str, Any], after: tuple[datetime, UUID] | None, limit: int) -> Rows: ...
    async def order(self, order_id: UUID) -> Mapping[str, Any] | None: ...
    async def order_history(self, order_id: UUID) -> Rows: ...
    async def orders_summary(self) -> Mapping[str, Any]: ...
    async def customers(self, key: Key | None, after: tuple[datetime, UUID] | None, limit: int) -> Rows: ...
    async def customer(self, customer_id: UUID) -> Mapping[str, Any] | None: ...
    async def identities(self, customer_id: UUID) -> Rows: ...
    async def absorbed(self, customer_id: UUID) -> Rows: ...
    async def products(self, filters: Mapping[str, Any], after: UUID | None, limit: int) -> Rows: ...
    async def deliveries(self, filters: Mapping[str, Any], after: tuple[datetime, int] | None, limit: int) -> Rows: ...
    async def delivery(self, delivery_id: UUID) -> tuple[Mapping[str, Any], bytes] | None: ...
    async def replay(self, delivery_id: UUID, now: datetime) -> tuple[int, int] | None: ...
    async def store_health(self, store_id: UUID, now: datetime) -> Mapping[str, Any]: ...
    async def imports(self, after: tuple[datetime, UUID] | None, limit: int) -> Rows: ...
    async def history_import(self, import_id: UUID) -> Mapping[str, Any] | None: ...
    async def rejected_rows(self, import_id: UUID, after: int, limit: int) -> Rows: ...


class Accesses(Protocol):
    """How stores' own APIs are asked."""

    async def put(self, store_id: UUID, *, origin: str | None, secrets: Mapping[str, str], now: datetime) -> None: ...
    async def remove(self, store_id: UUID) -> bool: ...
    async def shown(self, store_id: UUID) -> Mapping[str, Any] | None: ...
    async def pull(self, store_id: UUID, *, since: datetime | None, now: datetime) -> None: ...


class ListedFxRates(FxRates, Protocol):
    async def page(self, filters: Mapping[str, Any], after: tuple[datetime, int] | None, limit: int) -> Rows: ...


class Uploads(Protocol):
    """Where an upload is kept, whole lines at a time."""

    async def create(
        self, import_id: UUID, *, store_id: UUID, options: Mapping[str, Any], now: datetime
    ) -> UUID | None: ...
    async def add_chunk(
        self, import_id: UUID, attempt: UUID, *, chunk_no: int, first_row: int, lines: Sequence[bytes]
    ) -> None: ...
    async def queue(self, import_id: UUID, attempt: UUID, *, rows: int, job_id: UUID) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """One per application."""

    merchants: Callable[[UnitOfWork], ListedMerchants]
    stores: Callable[[UnitOfWork], ListedStores]
    accesses: Callable[[UnitOfWork], Accesses]
    fx_rates: Callable[[UnitOfWork], ListedFxRates]
    screens: Callable[[UnitOfWork], Screens]
    uploads: Callable[[UnitOfWork], Uploads]
    addresses: Addresses
    seals: Seals
    public_url: str
    import_backlog: int
    """Facts on their way at most while an import runs, unless it says less."""
