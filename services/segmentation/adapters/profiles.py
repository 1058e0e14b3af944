"""One customer's profile and timeline."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from libs.servicekit.database import Database
from libs.servicekit.unit_of_work import UnitOfWork
from services.segmentation.adapters.rows import customer_of
from services.segmentation.application.ports import Profile
from services.segmentation.domain.timeline import Entry

_SURVIVOR = text(
    """
    WITH RECURSIVE chain AS (
        SELECT customer_id, merged_into FROM customer WHERE merchant_no = :merchant AND customer_id = :customer
        UNION
        SELECT c.customer_id, c.merged_into FROM chain h
        JOIN customer c ON c.merchant_no = :merchant AND c.customer_id = h.merged_into
    )
    SELECT customer_id FROM chain WHERE merged_into IS NULL
    """
)
_CUSTOMER = text(
    """
    SELECT c.*, m.currency FROM customer c JOIN merchant m USING (merchant_no)
    WHERE c.merchant_no = :merchant AND c.customer_id = :customer
    """
)
_SEGMENTS = text(
    """
    SELECT g.name FROM segment_stay s JOIN segment g USING (merchant_no, segment_id)
    WHERE s.merchant_no = :merchant AND s.customer_id = :customer AND s.left_at IS NULL ORDER BY g.name
    """
)
_TIMELINE = text(
    """
    SELECT entry_id, customer_id, at, kind, order_id, details FROM timeline
    WHERE merchant_no = :merchant AND customer_id = :customer
      AND (CAST(:at AS timestamptz) IS NULL OR (at, entry_id) < (:at, CAST(:entry AS uuid)))
    ORDER BY at DESC, entry_id DESC LIMIT :limit
    """
).columns()


class PostgresProfiles:
    """Reads under the API role."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def profile(self, merchant_id: UUID, customer_id: UUID) -> Profile | None:
        """The profile of whom the id stands for."""
        async with self._database.read(merchant_id) as uow:
            survivor = await _survivor(uow, customer_id)
            if survivor is None:
                return None
            key = {"merchant": uow.tenant, "customer": survivor}
            row = (await uow.connection.execute(_CUSTOMER, key)).one()
            segments = list(await uow.connection.scalars(_SEGMENTS, key))
        return Profile(customer_of(row), row.currency, segments)

    async def timeline(
        self, merchant_id: UUID, customer_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[Entry] | None:
        """The entries of whom the id stands for, newest first."""
        async with self._database.read(merchant_id) as uow:
            survivor = await _survivor(uow, customer_id)
            if survivor is None:
                return None
            at, entry = before or (None, None)
            bound = {"merchant": uow.tenant, "customer": survivor, "at": at, "entry": entry, "limit": limit}
            rows = await uow.connection.execute(_TIMELINE, bound)
            return [Entry(**row._mapping) for row in rows]


async def _survivor(uow: UnitOfWork, customer_id: UUID) -> UUID | None:
    found: UUID | None = await uow.connection.scalar(_SURVIVOR, {"merchant": uow.tenant, "customer": customer_id})
    return found
