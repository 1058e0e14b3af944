"""Segments, their rules, and who is or was in them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from libs.servicekit.database import Database
from libs.servicekit.unit_of_work import UnitOfWork
from services.segmentation.application.ports import Member, SegmentRow

# One fact at a time lets a customer in, and a stay is over before the next begins: at most one fits an instant,
# but for stays that begin at the instant at which another ended, hence the distinct.
_INSIDE = """(CASE WHEN CAST(:as_of AS timestamptz) IS NULL THEN s.left_at IS NULL
              ELSE s.entered_at <= :as_of AND (s.left_at IS NULL OR s.left_at > :as_of) END)"""

_SEGMENTS = text(
    f"""
    SELECT g.segment_id, g.name, v.version, v.rule, v.effective_at, (
        SELECT count(DISTINCT s.customer_id) FROM segment_stay s
        WHERE s.merchant_no = g.merchant_no AND s.segment_id = g.segment_id AND {_INSIDE}
    ) AS members
    FROM segment g JOIN segment_version v
      ON v.merchant_no = g.merchant_no AND v.segment_id = g.segment_id AND v.version = g.current_version
    WHERE g.merchant_no = :merchant AND (CAST(:segment AS uuid) IS NULL OR g.segment_id = :segment)
    ORDER BY g.name, g.segment_id
    """  # noqa: S608 - the fragment is a constant of this module
)
_MEMBERS = text(
    f"""
    SELECT DISTINCT ON (s.customer_id) s.customer_id, s.entered_at, s.entered_by, s.version, s.left_at
    FROM segment_stay s
    WHERE s.merchant_no = :merchant AND s.segment_id = :segment AND s.customer_id > :after AND {_INSIDE}
    ORDER BY s.customer_id, s.entered_at DESC, s.entered_by LIMIT :limit
    """  # noqa: S608 - the fragment is a constant of this module
)


class PostgresSegments:
    """Reads under the API role."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def every(self, merchant_id: UUID, as_of: datetime | None) -> Sequence[SegmentRow]:
        """All segments of the merchant by name."""
        async with self._database.read(merchant_id) as uow:
            return await _segments(uow, as_of, None)

    async def one(self, merchant_id: UUID, segment_id: UUID, as_of: datetime | None) -> SegmentRow | None:
        """The segment of this id."""
        async with self._database.read(merchant_id) as uow:
            return next(iter(await _segments(uow, as_of, segment_id)), None)

    async def members(
        self, merchant_id: UUID, segment_id: UUID, as_of: datetime | None, *, after: UUID | None, limit: int
    ) -> Sequence[Member] | None:
        """Who is in it, or was at `as_of`."""
        async with self._database.read(merchant_id) as uow:
            if not await _segments(uow, as_of, segment_id):
                return None
            bound = {"merchant": uow.tenant, "segment": segment_id, "as_of": as_of, "limit": limit}
            rows = await uow.connection.execute(_MEMBERS, {**bound, "after": after or UUID(int=0)})
            return [Member(**row._mapping) for row in rows]


async def _segments(uow: UnitOfWork, as_of: datetime | None, segment_id: UUID | None) -> list[SegmentRow]:
    bound = {"merchant": uow.tenant, "as_of": as_of, "segment": segment_id}
    return [SegmentRow(**row._mapping) for row in await uow.connection.execute(_SEGMENTS, bound)]
