"""Lane marks: how far a group's effects reach, locked first and updated last in every transaction of effects."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.lanes import LANES
from libs.eventbus.words import Lane, Mark
from libs.eventbus.writes import Writes

_SEED = text("""
INSERT INTO inbox_lane (consumer_group, source, topic, lane, last_seq)
SELECT :group, source, topic, n, 0
FROM unnest(CAST(:sources AS text[]), CAST(:topics AS text[])) t(source, topic)
CROSS JOIN generate_series(0, :last) n ORDER BY source, topic, n ON CONFLICT DO NOTHING
""")
_READ = text("SELECT source, topic, lane, last_seq, chain FROM inbox_lane WHERE consumer_group = :group")
_LOCK = text("""
SELECT i.source, i.topic, i.lane, i.last_seq, i.chain FROM inbox_lane i
JOIN unnest(CAST(:sources AS text[]), CAST(:topics AS text[]), CAST(:lanes AS int2[])) x(source, topic, lane)
USING (source, topic, lane)
WHERE i.consumer_group = :group ORDER BY i.source, i.topic, i.lane FOR NO KEY UPDATE OF i
""")
_STORE = text("""
UPDATE inbox_lane i
SET last_seq = x.last_seq, chain = x.chain, epoch = CAST(x.last_seq >> 40 AS int4), updated_at = now(),
    gap_since = CASE WHEN x.last_seq < i.gap_high THEN i.gap_since END,
    gap_high = CASE WHEN x.last_seq < i.gap_high THEN i.gap_high END
FROM unnest(CAST(:sources AS text[]), CAST(:topics AS text[]), CAST(:lanes AS int2[]),
            CAST(:sequences AS int8[]), CAST(:chains AS bytea[])) x(source, topic, lane, last_seq, chain)
WHERE i.consumer_group = :group AND i.source = x.source AND i.topic = x.topic AND i.lane = x.lane
""")
_NOTE_GAP = text("""
UPDATE inbox_lane SET gap_since = coalesce(gap_since, now()), gap_high = greatest(gap_high, CAST(:high AS int8))
WHERE consumer_group = :group AND source = :source AND topic = :topic AND lane = :lane
AND last_seq < CAST(:high AS int8)
""")


async def seed(connection: AsyncConnection, group: str, sources: Mapping[str, str]) -> None:
    """Every lane of every topic (topic -> its source) has a mark; those that exist are left alone.

    One statement, so one commit: a group with marks for half of its lanes would read the rest as never seen.
    """
    topics = sorted(sources)
    await connection.execute(
        _SEED, {"group": group, "sources": [sources[topic] for topic in topics], "topics": topics, "last": LANES - 1}
    )


async def read(connection: AsyncConnection, group: str) -> dict[Lane, Mark]:
    """All marks of the group as they are now, without a lock."""
    rows = await connection.execute(_READ, {"group": group})
    return {Lane(source, topic, lane): Mark(sequence, chain) for source, topic, lane, sequence, chain in rows}


async def lock(connection: AsyncConnection, group: str, lanes: Collection[Lane]) -> dict[Lane, Mark]:
    """The lanes' marks, locked in sorted order until the transaction ends: whoever holds them applies, nobody else."""
    rows = await connection.execute(_LOCK, _named(group, sorted(lanes)))
    return {Lane(source, topic, lane): Mark(sequence, chain) for source, topic, lane, sequence, chain in rows}


async def store(connection: AsyncConnection, group: str, marks: Mapping[Lane, Mark]) -> None:
    """The marks, locked before by this transaction, stand where they are told to."""
    writes = Writes()
    add(writes, group, marks)
    await writes.send(connection)


def add(writes: Writes, group: str, marks: Mapping[Lane, Mark]) -> None:
    """The marks, locked before by this transaction, will stand where they are told to, once the writes are sent."""
    if not marks:
        return
    lanes = sorted(marks)
    places = {
        "sequences": [marks[lane].sequence for lane in lanes],
        "chains": [marks[lane].chain for lane in lanes],
    }
    writes.add(_STORE, {**_named(group, lanes), **places})


async def note_gap(connection: AsyncConnection, group: str, lane: Lane, high: int) -> None:
    """Operators see that the lane waits for events up to `high`; the mark's move to there takes the note away."""
    place = {"source": lane.source, "topic": lane.topic, "lane": lane.number}
    await connection.execute(_NOTE_GAP, {"group": group, "high": high, **place})


def _named(group: str, lanes: Sequence[Lane]) -> dict[str, object]:
    return {
        "group": group,
        "sources": [lane.source for lane in lanes],
        "topics": [lane.topic for lane in lanes],
        "lanes": [lane.number for lane in lanes],
    }
