"""Parked events: those that failed, and those that wait behind one so that order per subject holds."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.words import Lane, Record, Subject

# Lateral: an index scan for each key, whatever the planner believes about the table's size.
_OPEN = text("""
SELECT x.topic, x.subject FROM unnest(CAST(:topics AS text[]), CAST(:subjects AS text[])) x(topic, subject)
CROSS JOIN LATERAL (SELECT 1 FROM parked_event p WHERE p.consumer_group = :group AND p.topic = x.topic
    AND p.subject = x.subject AND p.status = 'parked' LIMIT 1 OFFSET 0) held
""")
# A place is taken already only where a source forgot what stood there: the event that it says instead counts.
_PARK = text("""
INSERT INTO parked_event (consumer_group, source, topic, lane, seq, merchant_id, subject, event, error, failed, status,
    resolved_at, resolved_by, reason)
SELECT CAST(:group AS text), x.source, x.topic, x.lane, x.seq, x.merchant_id, x.subject, CAST(x.event AS jsonb),
    CAST(:error AS text), CAST(:failed AS bool), s.status, s.at, s.who, s.why
FROM (SELECT CAST(:status AS text), CASE WHEN CAST(:status AS text) <> 'parked' THEN now() END,
    CASE WHEN CAST(:status AS text) <> 'parked' THEN 'erasure' END,
    CASE WHEN CAST(:status AS text) <> 'parked' THEN 'subject erased' END) s(status, at, who, why),
unnest(CAST(:sources AS text[]), CAST(:topics AS text[]), CAST(:lanes AS int2[]), CAST(:seqs AS int8[]),
    CAST(:merchants AS uuid[]), CAST(:subjects AS text[]), CAST(:events AS text[]))
    x(source, topic, lane, seq, merchant_id, subject, event)
ORDER BY x.source, x.topic, x.lane, x.seq
ON CONFLICT (consumer_group, source, topic, lane, seq) DO UPDATE
SET merchant_id = excluded.merchant_id, subject = excluded.subject, event = excluded.event, error = excluded.error,
    failed = excluded.failed, status = excluded.status, parked_at = now(), resolved_at = excluded.resolved_at,
    resolved_by = excluded.resolved_by, reason = excluded.reason
WHERE parked_event.status <> 'parked'
""")
_ERASE = text("""
UPDATE parked_event SET status = 'discarded', event = '{}', resolved_at = now(), resolved_by = 'erasure',
    reason = 'subject erased'
WHERE consumer_group = :group AND topic = :topic AND subject = :subject AND status = 'parked'
""")
_LIST = text("""
SELECT source, topic, lane, seq, merchant_id, subject, error, failed, status, parked_at, resolved_at, resolved_by,
    reason
FROM parked_event WHERE consumer_group = :group AND CAST(:status AS text) IN ('any', status)
AND (CAST(:merchant AS uuid) IS NULL OR merchant_id = CAST(:merchant AS uuid))
AND (source, topic, lane, seq) > (:source, :topic, :lane, :seq)
ORDER BY source, topic, lane, seq LIMIT :limit
""")
_SHOW = text("""
SELECT source, topic, lane, seq, merchant_id, subject, error, failed, status, parked_at, resolved_at, resolved_by,
    reason, event
FROM parked_event WHERE consumer_group = :group AND (source, topic, lane, seq) = (:source, :topic, :lane, :seq)
""")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an event stands: what names a parked event."""

    source: str
    topic: str
    lane: int
    sequence: int


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """A row of the parked table. `subject` is the record key."""

    place: Place
    merchant_id: UUID | None
    subject: str
    error: str | None
    failed: bool
    status: str
    parked_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    reason: str | None
    event: Any = None
    """What `arrivals.keep` wrote; only `show` fills it."""


@dataclass(frozen=True, slots=True)
class Parking:
    """An event to park. `kept` is what `arrivals.keep` made of it."""

    record: Record
    merchant_id: UUID | None
    kept: str


async def open_subjects(connection: AsyncConnection, group: str, records: Collection[Record]) -> set[Subject]:
    """Which of the records' subjects have an open parked event; asked under the lanes' locks."""
    lanes = {(record.lane.topic, record.key): record.lane for record in records}
    keys = sorted(lanes)
    rows = await connection.execute(
        _OPEN, {"group": group, "topics": [topic for topic, _ in keys], "subjects": [key for _, key in keys]}
    )
    return {(lanes[row.topic, row.subject], row.subject) for row in rows}


async def park_failed(connection: AsyncConnection, group: str, parking: Parking, *, error: str) -> None:
    """The event is kept open as failed; later ones of its subject will wait behind it."""
    await _park(connection, group, [parking], error=error, failed=True, status="parked")


async def park_waiting(connection: AsyncConnection, group: str, parkings: Sequence[Parking]) -> None:
    """The events wait behind an open one of their subject."""
    await _park(connection, group, parkings, error=None, failed=False, status="parked")


async def keep_discarded(connection: AsyncConnection, group: str, records: Sequence[Record]) -> None:
    """The events are noted as discarded because their subject was erased; nothing of them is kept."""
    nothing = [Parking(record, None, "{}") for record in records]
    await _park(connection, group, nothing, error=None, failed=False, status="discarded")


async def erase(connection: AsyncConnection, group: str, *, topic: str, subject: str) -> None:
    """No open parked event of the subject is left, nor what it held."""
    await connection.execute(_ERASE, {"group": group, "topic": topic, "subject": subject})


async def listed(
    connection: AsyncConnection,
    group: str,
    *,
    status: str = "parked",
    merchant_id: UUID | None = None,
    after: Place | None = None,
    limit: int = 50,
) -> list[ParkedEvent]:
    """Parked events in order of their place, behind `after`; `status` may be `any`."""
    start = after or Place("", "", -1, -1)
    rows = await connection.execute(
        _LIST, {"group": group, "status": status, "merchant": merchant_id, "limit": limit, **_parameters(start)}
    )
    return [_parked(row) for row in rows]


async def shown(connection: AsyncConnection, group: str, place: Place) -> ParkedEvent | None:
    """The parked event with what it holds, if there is one at that place."""
    row = (await connection.execute(_SHOW, {"group": group, **_parameters(place)})).one_or_none()
    return None if row is None else _parked(row)


def _parameters(place: Place) -> dict[str, object]:
    return {"source": place.source, "topic": place.topic, "lane": place.lane, "seq": place.sequence}


def _parked(row: Any) -> ParkedEvent:
    source, topic, lane, sequence, *rest = row
    return ParkedEvent(Place(source, topic, lane, sequence), *rest)


async def _park(
    connection: AsyncConnection,
    group: str,
    parkings: Sequence[Parking],
    *,
    error: str | None,
    failed: bool,
    status: str,
) -> None:
    if not parkings:
        return
    lanes: list[Lane] = [one.record.lane for one in parkings]
    await connection.execute(
        _PARK,
        {
            "group": group,
            "error": error,
            "failed": failed,
            "status": status,
            "sources": [lane.source for lane in lanes],
            "topics": [lane.topic for lane in lanes],
            "lanes": [lane.number for lane in lanes],
            "seqs": [one.record.sequence for one in parkings],
            "merchants": [one.merchant_id for one in parkings],
            "subjects": [one.record.key for one in parkings],
            "events": [one.kept for one in parkings],
        },
    )
