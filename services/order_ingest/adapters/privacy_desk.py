"""Requests about privacy as a merchant makes and sees them, inside the merchant's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.sealing import Vault
from libs.servicekit.timers import Due, schedule
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.books_privacy import ALLOWED
from services.order_ingest.adapters.columns import sql
from services.order_ingest.adapters.erasures import ASKED_ERASURE, ASKED_EXPORT, OPERATOR
from services.order_ingest.adapters.privacy_answers import Answer, data_place
from services.order_ingest.application.apply_privacy import DATA_EXPORT, ERASURE, STORE_ERASURE

EXPORTS_KEPT: Final = timedelta(days=30)
_DUE_KINDS: Final = {ERASURE: ASKED_ERASURE, DATA_EXPORT: ASKED_EXPORT, STORE_ERASURE: STORE_ERASURE}
_OF_CUSTOMER = text(
    """
    SELECT s.store_no FROM customer c JOIN store s USING (merchant_no, store_id) WHERE c.customer_id = :customer_id
    """
)
_OF_STORE = text("SELECT store_no FROM store WHERE store_id = :store_id")
_ASK = text(
    """
    INSERT INTO privacy_request (merchant_no, request_id, kind, store_no, customer_id, source, asked_at, due_at)
    VALUES (:merchant_no, :request_id, :kind, :store_no, :customer_id, :source, :now, :due_at)
    """
)
_COLUMNS: Final = """r.request_id, r.kind, s.store_id, r.customer_id, r.source, r.asked_at, r.due_at, r.closed_at"""
_FROM: Final = "privacy_request r JOIN store s USING (merchant_no, store_no)"
_PAGE = sql(
    """
    SELECT {columns} FROM {tables}
    WHERE (CAST(:kind AS text) IS NULL OR r.kind = :kind)
      AND (CAST(:is_open AS bool) IS NULL OR (r.closed_at IS NULL) = :is_open)
      AND (CAST(:customer_id AS uuid) IS NULL OR r.customer_id = :customer_id)
      AND (CAST(:after_at AS timestamptz) IS NULL OR (r.asked_at, r.request_id) < (:after_at, CAST(:after_id AS uuid)))
    ORDER BY r.asked_at DESC, r.request_id DESC LIMIT :limit
    """,
    columns=_COLUMNS,
    tables=_FROM,
)
_SHOW = sql("SELECT {columns} FROM {tables} WHERE r.request_id = :request_id", columns=_COLUMNS, tables=_FROM)
_ANSWERED = text(
    """
    SELECT request_id, service, max(answered_at) AS answered_at FROM privacy_answer
    WHERE request_id = ANY(CAST(:requests AS uuid[])) GROUP BY request_id, service HAVING count(*) >= max(parts)
    ORDER BY request_id, service
    """
)
_DATA = text(
    """
    SELECT merchant_no, service, part, parts, data_enc FROM privacy_answer
    WHERE request_id = :request_id AND data_enc IS NOT NULL ORDER BY service, part
    """
)
_FORGET_DATA = text("UPDATE privacy_answer SET data_enc = NULL WHERE data_enc IS NOT NULL AND answered_at < :before")


@dataclass(frozen=True, slots=True)
class PostgresPrivacy:
    """Row security keeps to the transaction's merchant."""

    uow: UnitOfWork
    vault: Vault

    async def ask_of_customer(self, kind: str, request_id: UUID, customer_id: UUID, now: datetime) -> None:
        """The request is on record and will be carried out as soon as the clock comes by."""
        store_no = await self.uow.connection.scalar(_OF_CUSTOMER, {"customer_id": customer_id})
        await self._ask(kind, request_id, store_no=store_no, customer_id=customer_id, now=now)

    async def ask_of_store(self, request_id: UUID, store_id: UUID, now: datetime) -> None:
        """All people of the store are to be forgotten."""
        store_no = await self.uow.connection.scalar(_OF_STORE, {"store_id": store_id})
        await self._ask(STORE_ERASURE, request_id, store_no=store_no, customer_id=None, now=now)

    async def _ask(
        self, kind: str, request_id: UUID, *, store_no: Any, customer_id: UUID | None, now: datetime
    ) -> None:
        values = {
            "merchant_no": self.uow.tenant,
            "request_id": request_id,
            "kind": kind,
            "store_no": store_no,
            "customer_id": customer_id,
            "source": OPERATOR,
            "now": now,
            "due_at": now + ALLOWED,
        }
        await self.uow.connection.execute(_ASK, values)
        payload = {"store_no": store_no} | ({"customer_id": str(customer_id)} if customer_id else {})
        await schedule(self.uow.connection, [Due(self.uow.tenant, _DUE_KINDS[kind], str(request_id), now, payload)])

    async def page(
        self, filters: Mapping[str, Any], after: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """Requests, the newest first, each with the services that have answered in full."""
        after_at, after_id = after or (None, None)
        values = {**filters, "after_at": after_at, "after_id": after_id, "limit": limit}
        rows = (await self.uow.connection.execute(_PAGE, values)).all()
        answered = await self._answered([row.request_id for row in rows])
        return [{**row._mapping, "answers": answered.get(row.request_id, [])} for row in rows]

    async def shown(self, request_id: UUID) -> Mapping[str, Any] | None:
        """One request."""
        row = (await self.uow.connection.execute(_SHOW, {"request_id": request_id})).one_or_none()
        answered = await self._answered([request_id])
        return {**row._mapping, "answers": answered.get(request_id, [])} if row else None

    async def _answered(self, requests: Sequence[UUID]) -> dict[UUID, list[Mapping[str, Any]]]:
        found: dict[UUID, list[Mapping[str, Any]]] = {}
        for row in await self.uow.connection.execute(_ANSWERED, {"requests": list(requests)}):
            found.setdefault(row.request_id, []).append({"service": row.service, "answered_at": row.answered_at})
        return found

    async def data(self, request_id: UUID) -> Mapping[str, Sequence[str]]:
        """By service: the texts of its answer's parts, in order; nothing once they were kept long enough."""
        found: dict[str, list[str]] = {}
        for row in await self.uow.connection.execute(_DATA, {"request_id": request_id}):
            answer = Answer(row.merchant_no, request_id, DATA_EXPORT, row.service, row.part, row.parts)
            found.setdefault(row.service, []).append(self.vault.decrypt(row.data_enc, data_place(answer)).decode())
        return found


async def forget_exports(connection: AsyncConnection, now: datetime) -> int:
    """Exports older than 30 days are gone (worker role); how many parts."""
    return (await connection.execute(_FORGET_DATA, {"before": now - EXPORTS_KEPT})).rowcount
