"""All that this service keeps about a customer, gathered when somebody asked to see it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import zstandard
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.data_export import Kept, parts_of
from libs.servicekit.errors import SealBroken
from libs.servicekit.sealing import Vault
from libs.servicekit.timers import Due
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.intake_log import BODY_LIMIT, delivery_place
from services.order_ingest.adapters.people_rows import customer_of
from services.order_ingest.adapters.privacy_answers import OURS, Answer, close_answered, data_place, keep_answers
from services.order_ingest.application.apply_privacy import DATA_EXPORT
from services.order_ingest.domain.reading import moment

# The living customer behind the id, and everybody who was merged into them: a life may have ended since it was asked.
_LIVES = text(
    """
    WITH RECURSIVE ahead AS (
        SELECT merchant_no, customer_id, merged_into FROM customer
        WHERE merchant_no = :merchant_no AND customer_id = :customer_id
        UNION
        SELECT c.merchant_no, c.customer_id, c.merged_into FROM ahead CROSS JOIN LATERAL (
            SELECT merchant_no, customer_id, merged_into FROM customer c
            WHERE c.merchant_no = ahead.merchant_no AND c.customer_id = ahead.merged_into OFFSET 0) c
    ), life AS (
        SELECT merchant_no, customer_id FROM ahead WHERE merged_into IS NULL
        UNION
        SELECT c.merchant_no, c.customer_id FROM life CROSS JOIN LATERAL (
            SELECT merchant_no, customer_id FROM customer c
            WHERE c.merged_into = life.customer_id AND c.merchant_no + 0 = life.merchant_no OFFSET 0) c
    )
    SELECT c.* FROM life CROSS JOIN LATERAL (SELECT * FROM customer c
        WHERE c.merchant_no = life.merchant_no AND c.customer_id = life.customer_id OFFSET 0) c ORDER BY c.customer_id
    """
)
_IDENTITIES = text(
    """
    SELECT i.strength, i.store_no, i.value FROM unnest(CAST(:customers AS uuid[])) w(customer_id)
    CROSS JOIN LATERAL (SELECT strength, store_no, value FROM identity i
        WHERE i.merchant_no = :merchant_no AND i.customer_id = w.customer_id OFFSET 0) i
    ORDER BY i.strength, i.store_no, i.value
    """
)
_ORDERS = text(
    """
    SELECT o.* FROM unnest(CAST(:customers AS uuid[])) w(customer_id)
    CROSS JOIN LATERAL (SELECT order_id, store_no, external_id, financial_status, paid_at, cancelled_at, cancel_reason,
            deleted_at, completed_at, refunds, fulfilments, returns, content, updated_at FROM customer_order o
        WHERE o.customer_id = w.customer_id AND o.merchant_no + 0 = :merchant_no OFFSET 0) o
    ORDER BY o.order_id
    """
)
_DELIVERIES = text(
    """
    SELECT d.* FROM unnest(CAST(:customers AS uuid[])) w(customer_id)
    CROSS JOIN LATERAL (
        SELECT lane, seq, received_at FROM delivery_outcome o
        WHERE o.customer_id = w.customer_id AND o.merchant_no + 0 = :merchant_no
        UNION
        SELECT lane, seq, received_at FROM delivery_outcome o
        WHERE o.recipient_id = w.customer_id AND o.merchant_no + 0 = :merchant_no) o
    CROSS JOIN LATERAL (SELECT d.merchant_no, d.delivery_id, d.topic, d.received_at, d.body_enc FROM webhook_delivery d
        WHERE (d.merchant_no, d.lane, d.seq, d.received_at) = (:merchant_no, o.lane, o.seq, o.received_at) OFFSET 0) d
    ORDER BY d.received_at, d.delivery_id
    """
)
_JSON_COLUMNS: Final = ("refunds", "fulfilments", "returns")


@dataclass(frozen=True, slots=True)
class DataExports:
    """Handles due rows of the kind `data_export`: this service's own part of each answer."""

    vault: Vault

    async def handle(self, uow: UnitOfWork, rows: Sequence[Due], now: datetime) -> None:
        """Everything about the customer is kept for whoever asked, until they have fetched it or a month is over."""
        answers = [await self._answer(uow.connection, row) for row in rows]
        await keep_answers(uow.connection, answers, now)
        await close_answered(uow.connection, answers, now)

    async def _answer(self, connection: AsyncConnection, row: Due) -> Answer:
        gathered = await self.gathered(connection, row.merchant_no, UUID(str(row.payload["customer_id"])))
        packed = "".join(parts_of(gathered)).encode()
        answer = Answer(row.merchant_no, UUID(row.key), DATA_EXPORT, OURS)
        return replace(answer, data_enc=self.vault.encrypt(packed, data_place(answer)))

    async def gathered(self, connection: AsyncConnection, merchant_no: int, customer_id: UUID) -> Kept:
        """By the names of things: the rows as objects."""
        who = {"merchant_no": merchant_no, "customer_id": customer_id}
        lives = (await connection.execute(_LIVES, who)).all()
        named = {"merchant_no": merchant_no, "customers": [life.customer_id for life in lives]}
        return {
            "customers": [self._customer(life) for life in lives],
            "identities": [dict(row._mapping) for row in await connection.execute(_IDENTITIES, named)],
            "orders": [_order(row) for row in await connection.execute(_ORDERS, named)],
            "deliveries": [self._delivery(row) for row in await connection.execute(_DELIVERIES, named)],
        }

    def _customer(self, row: Row[Any]) -> dict[str, Any]:
        customer = customer_of(row, self.vault)
        return {
            "customer_id": customer.customer_id,
            "merged_into": customer.merged_into,
            "registered_at": customer.registered_at,
            "erased_at": customer.erased_at,
            "said": {
                name: {"value": word.value, "at": moment(word.at_us)}
                for name, word in sorted(customer.description.items())
            },
            "consents": {
                name: {"state": mark.state, "at": moment(mark.at_us)}
                for name, mark in sorted(customer.consents.items())
            },
        }

    def _delivery(self, row: Row[Any]) -> dict[str, Any]:
        """A webhook as it came, for as long as it is kept."""
        return {
            "delivery_id": row.delivery_id,
            "topic": row.topic,
            "received_at": row.received_at,
            "body": self._body(row),
        }

    def _body(self, row: Row[Any]) -> str | None:
        if not row.body_enc:
            return None
        try:
            packed = self.vault.decrypt(row.body_enc, delivery_place(row.merchant_no, row.delivery_id))
            return zstandard.ZstdDecompressor().decompress(packed, max_output_size=BODY_LIMIT).decode(errors="replace")
        except (SealBroken, zstandard.ZstdError):
            return None


def _order(row: Row[Any]) -> dict[str, Any]:
    found = {name: value for name, value in row._mapping.items() if name != "content"}
    found |= {name: json.loads(found[name]) for name in _JSON_COLUMNS if found[name]}
    if row.content is not None:
        unpacked = zstandard.ZstdDecompressor().decompress(row.content, max_output_size=BODY_LIMIT)
        found["content"] = json.loads(unpacked)
    return found
