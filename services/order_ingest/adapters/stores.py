"""Merchants, stores and their secrets on PostgreSQL, inside a merchant's (or the platform's) transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError

from libs.servicekit.sealing import Vault
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.columns import sql
from services.order_ingest.adapters.hook_stores import secret_place
from services.order_ingest.application.connect_store import Credential, Store, StoreExists
from services.order_ingest.application.register_merchant import Merchant

_NAMES: Final = (
    "store_id",
    "platform",
    "account",
    "site",
    "domain",
    "name",
    "currency",
    "time_zone",
    "locale",
    "policy_pack",
    "return_window_days",
    "endpoint_token",
    "version",
    "created_at",
    "updated_at",
)
_CHANGED: Final = ("domain", "name", "locale", "policy_pack", "return_window_days", "version", "updated_at")
_ADD = sql(
    "INSERT INTO store (merchant_no, {names}) VALUES (:merchant_no, {values})",
    names=", ".join(_NAMES),
    values=", ".join(f":{name}" for name in _NAMES),
)
_FIND = sql("SELECT {names} FROM store WHERE store_id = :store_id", names=", ".join(_NAMES))
_LIST = sql(
    """
    SELECT {names} FROM store WHERE CAST(:after AS uuid) IS NULL OR store_id > :after ORDER BY store_id LIMIT :limit
    """,
    names=", ".join(_NAMES),
)
_CHANGE = sql(
    "UPDATE store SET {sets} WHERE store_id = :store_id", sets=", ".join(f"{name} = :{name}" for name in _CHANGED)
)
_ADD_SECRET = text(
    """
    INSERT INTO store_secret (merchant_no, store_no, secret_id, secret_enc, created_at)
    SELECT merchant_no, store_no, :secret_id, :secret_enc, :now FROM store WHERE store_id = :store_id
    """
)
_SECRETS = text(
    """
    SELECT k.secret_id, k.created_at, k.not_after FROM store_secret k JOIN store s USING (merchant_no, store_no)
    WHERE s.store_id = :store_id ORDER BY k.created_at DESC, k.secret_id DESC
    """
)
_END_SECRET = text(
    """
    UPDATE store_secret k SET not_after = least(k.not_after, :not_after) FROM store s
    WHERE (s.merchant_no, s.store_no) = (k.merchant_no, k.store_no)
      AND s.store_id = :store_id AND k.secret_id = :secret_id
    """
)
_ADD_MERCHANT = text(
    """
    INSERT INTO merchant (merchant_id, name, currency, time_zone, registered_at)
    VALUES (:merchant_id, :name, :currency, :time_zone, :registered_at)
    """
)
_MERCHANTS = text(
    """
    SELECT merchant_id, name, currency, time_zone, registered_at FROM merchant
    WHERE CAST(:after AS uuid) IS NULL OR merchant_id > :after ORDER BY merchant_id LIMIT :limit
    """
)


class PostgresMerchants:
    """Merchants, inside the platform's transaction."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._connection = uow.connection

    async def add(self, merchant: Merchant) -> None:
        """The merchant has a row, and with it a local number."""
        values = {
            "merchant_id": merchant.merchant_id,
            "name": merchant.name,
            "currency": merchant.currency,
            "time_zone": merchant.time_zone,
            "registered_at": merchant.registered_at,
        }
        await self._connection.execute(_ADD_MERCHANT, values)

    async def page(self, *, after: UUID | None, limit: int) -> Sequence[Merchant]:
        """Merchants by id, those behind `after`."""
        rows = await self._connection.execute(_MERCHANTS, {"after": after, "limit": limit})
        return [Merchant(**row._mapping) for row in rows]


class PostgresStores:
    """`Stores` inside a merchant's transaction; row security keeps to that merchant."""

    def __init__(self, uow: UnitOfWork, vault: Vault) -> None:
        self._uow = uow
        self._connection = uow.connection
        self._vault = vault

    async def add(self, store: Store) -> None:
        """The store has a row.

        Raises:
            StoreExists: this account on this platform and site has one.
        """
        try:
            await self._connection.execute(_ADD, {"merchant_no": self._uow.tenant, **_values(store)})
        except IntegrityError as error:
            raise StoreExists(f"{store.platform} {store.account}") from error

    async def find(self, store_id: UUID) -> Store | None:
        row = (await self._connection.execute(_FIND, {"store_id": store_id})).one_or_none()
        return _store(row) if row else None

    async def page(self, *, after: UUID | None, limit: int) -> Sequence[Store]:
        """Stores by id, those behind `after`."""
        rows = await self._connection.execute(_LIST, {"after": after, "limit": limit})
        return [_store(row) for row in rows]

    async def change(self, store: Store) -> None:
        await self._connection.execute(_CHANGE, _values(store))

    async def add_secret(self, store_id: UUID, *, secret_id: UUID, secret: str, now: datetime) -> None:
        sealed = self._vault.encrypt(secret.encode(), secret_place(self._uow.tenant, secret_id))
        await self._connection.execute(
            _ADD_SECRET, {"store_id": store_id, "secret_id": secret_id, "secret_enc": sealed, "now": now}
        )

    async def secrets(self, store_id: UUID) -> Sequence[Credential]:
        rows = await self._connection.execute(_SECRETS, {"store_id": store_id})
        return [Credential(**row._mapping) for row in rows]

    async def end_secret(self, store_id: UUID, secret_id: UUID, not_after: datetime) -> None:
        await self._connection.execute(
            _END_SECRET, {"store_id": store_id, "secret_id": secret_id, "not_after": not_after}
        )


def _values(store: Store) -> dict[str, Any]:
    return {name: getattr(store, name) for name in _NAMES}


def _store(row: Row[Any]) -> Store:
    return Store(**row._mapping)
