"""The trail: which events a group's marks passed, as far back as a source may be restored."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.words import Lane, Mark, Trace
from libs.eventbus.writes import Writes

# A place that is there already holds the same event: no reason to fail a batch.
_KEEP = text("""
INSERT INTO inbox_trail (consumer_group, source, topic, lane, last_seq, ids, chains, types)
SELECT CAST(:group AS text), x.* FROM unnest(CAST(:sources AS text[]), CAST(:topics AS text[]), CAST(:lanes AS int2[]),
    CAST(:lasts AS int8[]), CAST(:ids AS bytea[]), CAST(:chains AS bytea[]), CAST(:types AS text[])) x
ORDER BY 2, 3, 4, 5
ON CONFLICT DO NOTHING
""")
_READ = text("""
SELECT last_seq, ids, chains, types FROM inbox_trail
WHERE consumer_group = :group AND source = :source AND topic = :topic AND lane = :lane ORDER BY last_seq
""")
_CUT = text("""
DELETE FROM inbox_trail
WHERE consumer_group = :group AND source = :source AND topic = :topic AND lane = :lane AND last_seq > :after
RETURNING last_seq, ids, chains, types
""")
_BYTES = 16  # of an id, and of a chain


async def keep(connection: AsyncConnection, group: str, passed: Sequence[tuple[Lane, Trace]]) -> None:
    """The group's marks passed these events, in order."""
    writes = Writes()
    add(writes, group, passed)
    await writes.send(connection)


def add(writes: Writes, group: str, passed: Sequence[tuple[Lane, Trace]]) -> None:
    """That the group's marks passed these events, in order, is kept once the writes are sent."""
    runs = _runs(passed)
    if not runs:
        return
    writes.add(
        _KEEP,
        {
            "group": group,
            "sources": [lane.source for lane, _ in runs],
            "topics": [lane.topic for lane, _ in runs],
            "lanes": [lane.number for lane, _ in runs],
            "lasts": [run[-1].sequence for _, run in runs],
            "ids": [b"".join(trace.event_id.bytes for trace in run) for _, run in runs],
            "chains": [b"".join(trace.chain for trace in run) for _, run in runs],
            "types": [",".join(trace.type for trace in run) for _, run in runs],
        },
    )


async def read(connection: AsyncConnection, group: str, lane: Lane) -> list[Trace]:
    """What the lane's mark passed, oldest first."""
    rows = await connection.execute(_READ, _place(group, lane))
    return [trace for row in rows for trace in _traces(row)]


async def cut(connection: AsyncConnection, group: str, lane: Lane, *, after: Mark) -> None:
    """The lane's trail ends at the mark."""
    rows = await connection.execute(_CUT, {**_place(group, lane), "after": after.sequence})
    # One of them may reach across the cut: what it holds up to there is written again.
    kept = [trace for row in rows for trace in _traces(row) if trace.sequence <= after.sequence]
    await keep(connection, group, [(lane, trace) for trace in kept])


def _runs(passed: Sequence[tuple[Lane, Trace]]) -> list[tuple[Lane, list[Trace]]]:
    """Per lane, stretches of sequences without a jump; an epoch's first record begins one."""
    runs: dict[Lane, list[list[Trace]]] = {}
    for lane, trace in passed:
        stretches = runs.setdefault(lane, [])
        if stretches and stretches[-1][-1].sequence + 1 == trace.sequence:
            stretches[-1].append(trace)
        else:
            stretches.append([trace])
    return [(lane, stretch) for lane, stretches in runs.items() for stretch in stretches]


def _traces(row: Any) -> list[Trace]:
    types = row.types.split(",")
    first = row.last_seq - len(types) + 1
    return [
        Trace(first + n, row.chains[n * _BYTES :][:_BYTES], UUID(bytes=row.ids[n * _BYTES :][:_BYTES]), kind)
        for n, kind in enumerate(types)
    ]


def _place(group: str, lane: Lane) -> dict[str, object]:
    return {"group": group, "source": lane.source, "topic": lane.topic, "lane": lane.number}
