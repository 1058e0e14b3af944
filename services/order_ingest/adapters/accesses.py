"""A merchant's own view of how its stores' APIs are asked, inside the merchant's transaction."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from libs.servicekit.sealing import Vault
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.pulls import pull_soon
from services.order_ingest.adapters.store_access import access_place

# What was known of hooks is forgotten: another app's token may be shown others.
_PUT: Final = text(
    """
    INSERT INTO store_access (merchant_no, store_no, origin, secrets_enc, pulled_until, swept_at, updated_at)
    SELECT merchant_no, store_no, :origin, :secrets_enc, :now, :now, :now FROM store WHERE store_id = :store_id
    ON CONFLICT (store_no, merchant_no) DO UPDATE SET origin = excluded.origin, secrets_enc = excluded.secrets_enc,
        last_failure = NULL, last_failure_at = NULL, pulling_since = NULL, subscriptions_since = NULL,
        hooks_known = NULL, updated_at = excluded.updated_at
    RETURNING store_no
    """
)
_REMOVE: Final = text(
    "DELETE FROM store_access a USING store s WHERE s.store_no = a.store_no AND s.store_id = :store_id"
)
_CONNECTED: Final = text("UPDATE store SET disconnected_at = NULL, connected_at = :now WHERE store_id = :store_id")
_SHOW: Final = text(
    """
    SELECT a.origin, a.pulled_until, a.pulling_since, a.orders, a.last_success_at, a.last_failure_at, a.last_failure,
           a.updated_at
    FROM store_access a JOIN store s USING (merchant_no, store_no) WHERE s.store_id = :store_id
    """
)
_PULL: Final = text(
    """
    UPDATE store_access a SET pulled_until = least(a.pulled_until, CAST(:since AS timestamptz)) FROM store s
    WHERE s.store_no = a.store_no AND s.store_id = :store_id RETURNING a.store_no
    """
)


@dataclass(frozen=True, slots=True)
class PostgresAccesses:
    """Row security keeps to the transaction's merchant."""

    uow: UnitOfWork
    vault: Vault

    async def put(self, store_id: UUID, *, origin: str | None, secrets: Mapping[str, str], now: datetime) -> None:
        """The store is reached so from now on; how far it was asked stays as it was."""
        place = access_place(self.uow.tenant, store_id)
        sealed = self.vault.encrypt(json.dumps(dict(secrets)).encode(), place)
        values = {"store_id": store_id, "origin": origin, "secrets_enc": sealed, "now": now}
        # The store first, as where a departure is noted: one of the two waits for the other.
        await self.uow.connection.execute(_CONNECTED, {"store_id": store_id, "now": now})
        store_no = (await self.uow.connection.execute(_PUT, values)).scalar_one()
        await pull_soon(self.uow.connection, self.uow.tenant, store_no, store_id, now)

    async def remove(self, store_id: UUID) -> bool:
        """The store is asked no more; False if it never was."""
        return bool((await self.uow.connection.execute(_REMOVE, {"store_id": store_id})).rowcount)

    async def shown(self, store_id: UUID) -> Mapping[str, Any] | None:
        """Everything but the secrets."""
        row = (await self.uow.connection.execute(_SHOW, {"store_id": store_id})).one_or_none()
        return dict(row._mapping) if row else None

    async def pull(self, store_id: UUID, *, since: datetime | None, now: datetime) -> None:
        """The store, which has access, is asked as soon as the clock comes by; for more of the past, if `since`."""
        store_no = (await self.uow.connection.execute(_PULL, {"store_id": store_id, "since": since})).scalar_one()
        await pull_soon(self.uow.connection, self.uow.tenant, store_no, store_id, now)
