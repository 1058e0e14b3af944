"""Which statement about each dependant was the newest, and a keyed hash of what was said: nothing personal."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.writes import Writes
from services.order_ingest.adapters.columns import by_column, sql, unnest
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.tell_dependant import id_of
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.dependant import Dependant, DependantMark
from services.order_ingest.domain.persons import DependantSeen

_LOAD = text(
    """
    SELECT d.* FROM unnest(CAST(:merchants AS int4[]), CAST(:dependants AS uuid[])) w(merchant_no, dependant_id)
    CROSS JOIN LATERAL (
        SELECT dependant_id, at_us, removed, body_hash, told, version FROM dependant d
        WHERE (d.dependant_id, d.merchant_no) = (w.dependant_id, w.merchant_no) OFFSET 0) d
    """
)
_COLUMNS: Final = {
    "dependant_id": "uuid",
    "merchant_no": "int4",
    "at_us": "int8",
    "removed": "bool",
    "body_hash": "text",
    "told": "text",
    "version": "int4",
}
_KEEP = sql(
    """
    INSERT INTO dependant ({columns}, updated_at) SELECT {columns}, :now FROM {rows}
    ON CONFLICT (dependant_id, merchant_no) DO UPDATE SET updated_at = :now, {values}
    """,
    columns=", ".join(_COLUMNS),
    values=", ".join(f"{name} = EXCLUDED.{name}" for name in list(_COLUMNS)[2:]),
    rows=unnest(_COLUMNS),
)


async def load_dependants(connection: AsyncConnection, entries: Sequence[Entry]) -> dict[UUID, Dependant]:
    """The dependants that the entries tell of, as far as they are known."""
    wanted = sorted(
        {
            (entry.storefront.merchant_no, id_of(entry.storefront, entry.change))
            for entry in entries
            if isinstance(entry.change, DependantSeen)
        }
    )
    if not wanted:
        return {}
    merchants, dependants = map(list, zip(*wanted, strict=True))
    rows = await connection.execute(_LOAD, {"merchants": merchants, "dependants": dependants})
    return {row.dependant_id: _dependant(row) for row in rows}


def _dependant(row: Row[Any]) -> Dependant:
    return Dependant(
        dependant_id=row.dependant_id,
        mark=DependantMark(row.at_us, row.removed, row.body_hash),
        told=row.told,
        version=row.version,
    )


def store_dependants(writes: Writes, workspace: Workspace, now: datetime) -> None:
    """Dependants of whom something newer was said are stored with the writes."""
    touched = sorted(workspace.touched_dependants)
    if touched:
        rows = [_values(workspace, dependant_id) for dependant_id in touched]
        writes.add(_KEEP, {**by_column(rows, _COLUMNS), "now": now})


def _values(workspace: Workspace, dependant_id: UUID) -> dict[str, Any]:
    dependant, storefront = workspace.dependants[dependant_id], workspace.touched_dependants[dependant_id]
    return {
        "dependant_id": dependant_id,
        "merchant_no": storefront.merchant_no,
        **dependant.mark._asdict(),
        "told": dependant.told,
        "version": dependant.version,
    }
