"""Forgotten events: they took effect here before their source forgot them, and may be said again under the same id."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.words import Lane, Record, Trace

_AMONG = text("""
SELECT event_id FROM forgotten_event WHERE consumer_group = :group AND event_id = ANY(CAST(:ids AS uuid[]))
""")
_KEEP = text("""
INSERT INTO forgotten_event (consumer_group, event_id, source, topic, lane, seq, type, accepted_by, reason)
SELECT CAST(:group AS text), x.id, CAST(:source AS text), CAST(:topic AS text), CAST(:lane AS int2), x.seq, x.type,
    CAST(:by AS text), CAST(:reason AS text)
FROM unnest(CAST(:ids AS uuid[]), CAST(:seqs AS int8[]), CAST(:types AS text[])) x(id, seq, type) ORDER BY x.id
ON CONFLICT DO NOTHING
""")


async def among(connection: AsyncConnection, group: str, records: Sequence[Record]) -> set[UUID]:
    """Which of the records' ids took effect already; asked under the lanes' locks."""
    found = await connection.scalars(_AMONG, {"group": group, "ids": [record.event_id for record in records]})
    return set(found)


async def keep(
    connection: AsyncConnection, group: str, lane: Lane, traces: Collection[Trace], *, by: str, reason: str
) -> None:
    """Said again under these ids, the events are passed by."""
    told = sorted(traces, key=lambda trace: trace.sequence)
    await connection.execute(
        _KEEP,
        {
            "group": group,
            "source": lane.source,
            "topic": lane.topic,
            "lane": lane.number,
            "ids": [trace.event_id for trace in told],
            "seqs": [trace.sequence for trace in told],
            "types": [trace.type for trace in told],
            "by": by,
            "reason": reason,
        },
    )
