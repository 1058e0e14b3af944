"""Imports on PostgreSQL: the import's row, its uploaded chunks, its rejected rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import zstandard
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.identity import new_id
from libs.servicekit.sealing import Vault
from services.order_ingest.adapters.columns import sql, unnest
from services.order_ingest.adapters.storefronts import storefronts_by_number
from services.order_ingest.application.import_rows import Counts, Rejection, UploadOvertaken
from services.order_ingest.domain.storefront import Storefront

CHUNK_LIMIT: Final = 8 << 20
"""No chunk is larger when opened; a larger one was not made here."""

_CREATE = text(
    """
    INSERT INTO import (merchant_no, import_id, store_no, options, attempt, created_at)
    SELECT merchant_no, :import_id, store_no, CAST(:options AS jsonb), :attempt, :now
    FROM store WHERE store_id = :store_id
    ON CONFLICT (merchant_no, import_id) DO UPDATE SET rows_uploaded = 0, attempt = excluded.attempt
        WHERE import.state = 'uploading'
    """
)
_CLEAR = text("DELETE FROM import_chunk WHERE (merchant_no, import_id) = (:merchant_no, :import_id)")
# A statement of its own: what stands behind the lock is seen by the one that follows.
_OURS = text(
    """
    SELECT 1 FROM import
    WHERE (merchant_no, import_id, attempt) = (:merchant_no, :import_id, :attempt) AND state = 'uploading' FOR SHARE
    """
)
_ADD_CHUNK = text(
    """
    INSERT INTO import_chunk (merchant_no, import_id, chunk_no, first_row, rows, body_enc)
    VALUES (:merchant_no, :import_id, :chunk_no, :first_row, :rows, :body_enc)
    """
)
_QUEUE = text(
    """
    UPDATE import SET state = 'queued', rows_uploaded = :rows, job_id = :job_id
    WHERE (merchant_no, import_id, attempt) = (:merchant_no, :import_id, :attempt) AND state = 'uploading'
    """
)
_OPEN = text(
    """
    SELECT import_id, store_no, state, options, rows_uploaded, rows_read, accepted, duplicates, rejected, started_at
    FROM import WHERE (merchant_no, import_id) = (:merchant_no, :import_id)
    """
)
_CHUNK = text(
    """
    SELECT first_row, rows, body_enc FROM import_chunk
    WHERE (merchant_no, import_id, chunk_no) = (:merchant_no, :import_id, :chunk_no)
    """
)
_COUNT = text(
    """
    UPDATE import SET state = :state, rows_read = rows_read + :read, accepted = accepted + :accepted,
        duplicates = duplicates + :duplicates, rejected = rejected + :rejected,
        started_at = coalesce(started_at, :started_at), finished_at = :finished_at
    WHERE (merchant_no, import_id) = (:merchant_no, :import_id)
    RETURNING rows_read, accepted, duplicates, rejected
    """
)
_REJECTION_COLUMNS: Final = {"row_nos": "int8", "external_ids": "text", "reasons": "text"}
_REJECT = sql(
    """
    INSERT INTO import_rejection (merchant_no, import_id, row_no, external_id, reason)
    SELECT :merchant_no, :import_id, row_nos, external_ids, reasons FROM {rows}
    """,
    rows=unnest(_REJECTION_COLUMNS),
)
_FORGET = text("DELETE FROM import WHERE state = 'uploading' AND created_at < :before RETURNING merchant_no, import_id")
# A job that kept failing is never taken up again, and nobody can upload to its import any more.
_GIVE_UP = text(
    """
    UPDATE import i SET state = 'failed', finished_at = :now FROM job j
    WHERE i.state IN ('queued', 'running') AND (j.merchant_no, j.job_id) = (i.merchant_no, i.job_id)
        AND j.state = 'failed'
    RETURNING i.merchant_no, i.import_id
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRun:
    """An import as its job finds it."""

    import_id: UUID
    storefront: Storefront
    state: str
    options: Mapping[str, Any]
    rows_uploaded: int
    counts: Counts
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class ImportFiles:
    """One merchant's imports inside a transaction."""

    connection: AsyncConnection
    merchant_no: int
    vault: Vault

    async def create(
        self, import_id: UUID, *, store_id: UUID, options: Mapping[str, Any], now: datetime
    ) -> UUID | None:
        """The import waits for the chunks of this attempt; one that was under way is overtaken.

        None if the import is further already.
        """
        attempt = new_id()
        values = {
            "import_id": import_id,
            "store_id": store_id,
            "options": json.dumps(dict(options)),
            "attempt": attempt,
            "now": now,
        }
        made = await self.connection.execute(_CREATE, {**self._key(import_id), **values})
        if not made.rowcount:
            return None
        await self.connection.execute(_CLEAR, self._key(import_id))
        return attempt

    async def add_chunk(
        self, import_id: UUID, attempt: UUID, *, chunk_no: int, first_row: int, lines: Sequence[bytes]
    ) -> None:
        """The lines are kept, compressed and encrypted.

        Raises:
            UploadOvertaken: a later attempt has begun.
        """
        ours = await self.connection.scalar(_OURS, {**self._key(import_id), "attempt": attempt})
        if ours is None:
            raise UploadOvertaken
        body = zstandard.ZstdCompressor(level=1).compress(b"\n".join(lines))
        values = {
            "chunk_no": chunk_no,
            "first_row": first_row,
            "rows": len(lines),
            "body_enc": self.vault.encrypt(body, self._place(import_id, chunk_no)),
        }
        await self.connection.execute(_ADD_CHUNK, {**self._key(import_id), **values})

    async def queue(self, import_id: UUID, attempt: UUID, *, rows: int, job_id: UUID) -> None:
        """The upload is whole and its job waits for a worker.

        Raises:
            UploadOvertaken: a later attempt has begun.
        """
        values = {"attempt": attempt, "rows": rows, "job_id": job_id}
        queued = await self.connection.execute(_QUEUE, {**self._key(import_id), **values})
        if not queued.rowcount:
            raise UploadOvertaken

    async def open(self, import_id: UUID) -> ImportRun | None:
        """The import, as far as it has come."""
        row = (await self.connection.execute(_OPEN, self._key(import_id))).one_or_none()
        if row is None:
            return None
        stores = await storefronts_by_number(self.connection, {row.store_no})
        return _run(row, stores[row.store_no])

    async def chunk(self, import_id: UUID, chunk_no: int) -> tuple[int, Sequence[bytes]] | None:
        """Number of the chunk's first row, and its lines; None behind the last chunk."""
        row = (await self.connection.execute(_CHUNK, {**self._key(import_id), "chunk_no": chunk_no})).one_or_none()
        if row is None:
            return None
        body = self.vault.decrypt(row.body_enc, self._place(import_id, chunk_no))
        lines = zstandard.ZstdDecompressor().decompress(body, max_output_size=CHUNK_LIMIT).split(b"\n")
        return row.first_row, lines

    async def count(
        self,
        import_id: UUID,
        counts: Counts,
        *,
        state: str,
        started_at: datetime | None = None,
        finished_at: datetime | None = None,
    ) -> Counts:
        """The rows are added to the import's figures; the figures after that."""
        row = (
            await self.connection.execute(
                _COUNT,
                {
                    **self._key(import_id),
                    "state": state,
                    "read": counts.read,
                    "accepted": counts.accepted,
                    "duplicates": counts.duplicates,
                    "rejected": counts.rejected,
                    "started_at": started_at,
                    "finished_at": finished_at,
                },
            )
        ).one()
        return _counts(row)

    async def reject(self, import_id: UUID, rejections: Sequence[Rejection]) -> None:
        """The rows are on record as left out."""
        if not rejections:
            return
        columns = {
            "row_nos": [each.row_no for each in rejections],
            "external_ids": [each.external_id for each in rejections],
            "reasons": [each.reason[:500] for each in rejections],
        }
        await self.connection.execute(_REJECT, {**self._key(import_id), **columns})

    async def forget_chunks(self, import_id: UUID) -> None:
        """Nothing of the uploaded file is left."""
        await self.connection.execute(_CLEAR, self._key(import_id))

    def _key(self, import_id: UUID) -> dict[str, Any]:
        return {"merchant_no": self.merchant_no, "import_id": import_id}

    def _place(self, import_id: UUID, chunk_no: int) -> str:
        return f"{self.merchant_no}|import_chunk|body|{import_id}/{chunk_no}"


async def forget_broken_uploads(connection: AsyncConnection, before: datetime) -> int:
    """Uploads that broke off before then are gone with all that had arrived; how many."""
    rows = (await connection.execute(_FORGET, {"before": before})).all()
    for row in rows:
        await connection.execute(_CLEAR, {"merchant_no": row.merchant_no, "import_id": row.import_id})
    return len(rows)


async def forget_failed_imports(connection: AsyncConnection, now: datetime) -> int:
    """Imports whose job failed for good are over, and nothing of their files is left; how many."""
    rows = (await connection.execute(_GIVE_UP, {"now": now})).all()
    for row in rows:
        await connection.execute(_CLEAR, {"merchant_no": row.merchant_no, "import_id": row.import_id})
    return len(rows)


def _run(row: Row[Any], storefront: Storefront) -> ImportRun:
    return ImportRun(
        import_id=row.import_id,
        storefront=storefront,
        state=row.state,
        options=row.options,
        rows_uploaded=row.rows_uploaded,
        counts=_counts(row),
        started_at=row.started_at,
    )


def _counts(row: Row[Any]) -> Counts:
    return Counts(read=row.rows_read, accepted=row.accepted, duplicates=row.duplicates, rejected=row.rejected)
