"""All reads of the HTTP API over one transaction: what `entrypoints/ports.py` asks for, on PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.servicekit.sealing import Vault
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters import delivery_screens, order_screens, people_screens, store_health
from services.order_ingest.domain.customer import Key

_Rows = Sequence[Mapping[str, Any]]
_One = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class PostgresScreens:
    """Rows as mappings; row security keeps to the transaction's merchant."""

    uow: UnitOfWork
    vault: Vault

    async def orders(self, filters: Mapping[str, Any], after: tuple[datetime, UUID] | None, limit: int) -> _Rows:
        return await order_screens.orders_page(self.uow.connection, filters=filters, after=after, limit=limit)

    async def order(self, order_id: UUID) -> _One:
        return await order_screens.order_shown(self.uow.connection, order_id)

    async def order_history(self, order_id: UUID) -> _Rows:
        return await order_screens.order_history(self.uow.connection, order_id)

    async def orders_summary(self) -> Mapping[str, Any]:
        return await order_screens.orders_summary(self.uow.connection)

    async def customers(self, key: Key | None, after: tuple[datetime, UUID] | None, limit: int) -> _Rows:
        return await people_screens.customers_page(self.uow.connection, self.vault, key=key, after=after, limit=limit)

    async def customer(self, customer_id: UUID) -> _One:
        return await people_screens.customer_shown(self.uow.connection, self.vault, customer_id)

    async def identities(self, customer_id: UUID) -> _Rows:
        return await people_screens.identities_of(self.uow.connection, customer_id)

    async def absorbed(self, customer_id: UUID) -> _Rows:
        return await people_screens.absorbed_by(self.uow.connection, customer_id)

    async def products(self, filters: Mapping[str, Any], after: UUID | None, limit: int) -> _Rows:
        return await people_screens.products_page(self.uow.connection, filters=filters, after=after, limit=limit)

    async def deliveries(self, filters: Mapping[str, Any], after: tuple[datetime, int] | None, limit: int) -> _Rows:
        return await delivery_screens.deliveries_page(self.uow.connection, filters=filters, after=after, limit=limit)

    async def delivery(self, delivery_id: UUID) -> tuple[Mapping[str, Any], bytes] | None:
        return await delivery_screens.delivery_shown(self.uow.connection, self.vault, delivery_id)

    async def replay(self, delivery_id: UUID, now: datetime) -> tuple[int, int] | None:
        return await delivery_screens.replay(self.uow.connection, delivery_id, now)

    async def store_health(self, store_id: UUID, now: datetime) -> Mapping[str, Any]:
        return await store_health.store_health(self.uow.connection, store_id, now)

    async def imports(self, after: tuple[datetime, UUID] | None, limit: int) -> _Rows:
        return await delivery_screens.imports_page(self.uow.connection, after=after, limit=limit)

    async def history_import(self, import_id: UUID) -> _One:
        return await delivery_screens.import_shown(self.uow.connection, import_id)

    async def rejected_rows(self, import_id: UUID, after: int, limit: int) -> _Rows:
        return await delivery_screens.rejected_rows(self.uow.connection, import_id, after=after, limit=limit)
