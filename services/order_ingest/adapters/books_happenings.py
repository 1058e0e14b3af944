"""Which happenings were told: sixteen bytes each, since they may come again at any time."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.writes import Writes
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.tell_happening import digest_of
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.happenings import Happening

_TOLD = text(
    """
    SELECT h.digest FROM unnest(CAST(:digests AS bytea[])) w(digest)
    CROSS JOIN LATERAL (SELECT digest FROM happening h WHERE h.digest = w.digest OFFSET 0) h
    """
)
_KEEP = text(
    """
    INSERT INTO happening (digest, merchant_no, recorded_at)
    SELECT digest, merchant_no, :now FROM unnest(CAST(:digests AS bytea[]), CAST(:merchants AS int4[]))
        x(digest, merchant_no)
    """
)


async def load_happenings(connection: AsyncConnection, entries: Sequence[Entry]) -> set[bytes]:
    """Those of the entries' happenings that were told."""
    digests = sorted({digest_of(e.storefront, e.change) for e in entries if isinstance(e.change, Happening)})
    if not digests:
        return set()
    return {row.digest for row in await connection.execute(_TOLD, {"digests": digests})}


def store_happenings(writes: Writes, workspace: Workspace, now: datetime) -> None:
    """The batch's new happenings count as told, once the writes are sent."""
    new = sorted(workspace.new_happenings)
    if new:
        merchants = [workspace.new_happenings[digest].merchant_no for digest in new]
        writes.add(_KEEP, {"digests": new, "merchants": merchants, "now": now})
