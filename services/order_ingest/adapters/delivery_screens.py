"""Reads for the screen: deliveries and imports; and a delivery's replay, which is a new place in its lane."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import zstandard
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.sealing import Vault
from services.order_ingest.adapters.columns import sql
from services.order_ingest.adapters.intake_log import BODY_LIMIT, delivery_place

_COLUMNS: Final = """d.delivery_id, d.lane, d.seq, s.store_id, s.platform, d.topic, d.received_at, d.triggered_at,
    d.origin, d.correlation_id, coalesce(o.state, 'received') AS state, o.reason, o.settled_at"""
_FROM: Final = """webhook_delivery d JOIN store s USING (merchant_no, store_no)
    LEFT JOIN delivery_outcome o ON (o.lane, o.seq, o.received_at) = (d.lane, d.seq, d.received_at)"""
_PAGE = sql(
    """
    SELECT {columns} FROM {tables}
    WHERE (CAST(:store_id AS uuid) IS NULL OR s.store_id = :store_id)
      AND (CAST(:state AS text) IS NULL OR coalesce(o.state, 'received') = :state)
      AND (CAST(:topic AS text) IS NULL OR d.topic = :topic)
      AND (CAST(:after_at AS timestamptz) IS NULL OR (d.received_at, d.seq) < (:after_at, :after_seq))
    ORDER BY d.received_at DESC, d.seq DESC LIMIT :limit
    """,
    columns=_COLUMNS,
    tables=_FROM,
)
_SHOW = sql(
    """
    SELECT {columns}, d.merchant_no, d.body_enc, d.body_sha256 FROM {tables}
    WHERE d.delivery_id = :delivery_id ORDER BY d.seq DESC LIMIT 1
    """,
    columns=_COLUMNS,
    tables=_FROM,
)
# The same delivery at a new place: the same cause, so that facts told twice carry the same ids.
_REPLAY = text(
    """
    WITH one AS MATERIALIZED (
        SELECT * FROM webhook_delivery WHERE delivery_id = :delivery_id ORDER BY seq DESC LIMIT 1),
    moved AS (UPDATE intake_lane l SET next_seq = l.next_seq + 1 FROM one WHERE l.lane = one.lane
              RETURNING l.lane, l.next_seq - 1 AS seq)
    INSERT INTO webhook_delivery (lane, seq, received_at, delivery_id, merchant_no, store_no, topic, triggered_at,
        origin, correlation_id, traceparent, body_sha256, body_enc)
    SELECT m.lane, m.seq, :now, o.delivery_id, o.merchant_no, o.store_no, o.topic, o.triggered_at, 'replay',
        o.correlation_id, o.traceparent, o.body_sha256, o.body_enc
    FROM one o JOIN moved m USING (lane) RETURNING lane, seq
    """
)
_IMPORT: Final = """i.import_id, s.store_id, i.state, i.options, i.job_id, i.rows_uploaded, i.rows_read, i.accepted,
    i.duplicates, i.rejected, i.created_at, i.started_at, i.finished_at"""
_IMPORTS = sql(
    """
    SELECT {columns} FROM import i JOIN store s USING (merchant_no, store_no)
    WHERE (CAST(:after_at AS timestamptz) IS NULL OR (i.created_at, i.import_id) < (:after_at, CAST(:after_id AS uuid)))
    ORDER BY i.created_at DESC, i.import_id DESC LIMIT :limit
    """,
    columns=_IMPORT,
)
_IMPORT_SHOWN = sql(
    "SELECT {columns} FROM import i JOIN store s USING (merchant_no, store_no) WHERE i.import_id = :import_id",
    columns=_IMPORT,
)
_REJECTED = text(
    """
    SELECT row_no, external_id, reason FROM import_rejection
    WHERE import_id = :import_id AND row_no > :after ORDER BY row_no LIMIT :limit
    """
)


async def deliveries_page(
    connection: AsyncConnection, *, filters: Mapping[str, Any], after: tuple[datetime, int] | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Deliveries, the newest first."""
    after_at, after_seq = after or (None, None)
    values = {**filters, "after_at": after_at, "after_seq": after_seq, "limit": limit}
    return [dict(row._mapping) for row in await connection.execute(_PAGE, values)]


async def delivery_shown(
    connection: AsyncConnection, vault: Vault, delivery_id: UUID
) -> tuple[Mapping[str, Any], bytes] | None:
    """The delivery at its latest place, and its body in clear, empty if its person was erased."""
    row = (await connection.execute(_SHOW, {"delivery_id": delivery_id})).one_or_none()
    if row is None:
        return None
    shown = {name: value for name, value in row._mapping.items() if name not in ("body_enc", "merchant_no")}
    if not row.body_enc:
        return shown, b""
    body = vault.decrypt(row.body_enc, delivery_place(row.merchant_no, row.delivery_id))
    return shown, zstandard.ZstdDecompressor().decompress(body, max_output_size=BODY_LIMIT)


async def replay(connection: AsyncConnection, delivery_id: UUID, now: datetime) -> tuple[int, int] | None:
    """The delivery queues again behind everything in its lane; its new lane and place."""
    row = (await connection.execute(_REPLAY, {"delivery_id": delivery_id, "now": now})).one_or_none()
    return (row.lane, row.seq) if row else None


async def imports_page(
    connection: AsyncConnection, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Imports, the newest first."""
    after_at, after_id = after or (None, None)
    rows = await connection.execute(_IMPORTS, {"after_at": after_at, "after_id": after_id, "limit": limit})
    return [dict(row._mapping) for row in rows]


async def import_shown(connection: AsyncConnection, import_id: UUID) -> Mapping[str, Any] | None:
    """One import with its figures."""
    row = (await connection.execute(_IMPORT_SHOWN, {"import_id": import_id})).one_or_none()
    return dict(row._mapping) if row else None


async def rejected_rows(
    connection: AsyncConnection, import_id: UUID, *, after: int, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Rows that were left out, by number."""
    rows = await connection.execute(_REJECTED, {"import_id": import_id, "after": after, "limit": limit})
    return [dict(row._mapping) for row in rows]
