"""What a source's database holds of the lanes that it is asked about, in a constant number of statements."""

from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.contracts.control import GroupReportedV1
from libs.eventbus.words import LaneNumber, Point, Row, SourceLane

_LANES = text("""
SELECT o.topic, o.lane, f.floor, o.next_seq - 1 AS head, o.chain
FROM unnest(CAST(:topics AS text[]), CAST(:lanes AS int2[])) x(topic, lane)
JOIN outbox_lane o USING (topic, lane) JOIN outbox_floor f USING (topic, lane)
""")
_LINEAGE = text("""
SELECT e.topic, e.lane, e.last_seq, e.chain FROM unnest(CAST(:topics AS text[]), CAST(:lanes AS int2[])) x(topic, lane)
JOIN outbox_epoch e USING (topic, lane) ORDER BY e.topic, e.lane, e.epoch
""")
# Lateral: an index scan for each place, whatever the planner believes about the table's size.
_ROWS = text("""
SELECT x.topic, x.lane, x.wanted, b.seq, b.event_id, b.chain
FROM unnest(CAST(:topics AS text[]), CAST(:lanes AS int2[]), CAST(:wanted AS int8[])) x(topic, lane, wanted)
CROSS JOIN LATERAL (SELECT seq, event_id, chain FROM outbox o
    WHERE o.topic = x.topic AND o.lane = x.lane AND o.seq >= x.wanted ORDER BY o.seq LIMIT 1) b
""")
# Every bus: a record that one of them lost may be missing behind the other as well. Locked in the order in which a
# relay moves its cursors.
_REWIND = text("""
WITH held AS MATERIALIZED (
    SELECT c.bus, c.topic, c.lane, x.wanted FROM outbox_cursor c
    JOIN unnest(CAST(:topics AS text[]), CAST(:lanes AS int2[]), CAST(:wanted AS int8[])) x(topic, lane, wanted)
    USING (topic, lane) ORDER BY c.bus, c.topic, c.lane FOR UPDATE OF c)
UPDATE outbox_cursor t SET published = least(t.published, held.wanted) FROM held
WHERE (t.bus, t.topic, t.lane) = (held.bus, held.topic, held.lane)
""")
_REPORT = text("""
INSERT INTO consumer_group_member (consumer_group, topic, lane, mark, registered_at, reported_at)
SELECT :group, :topic, lane, mark, :now, :now
FROM unnest(CAST(:lanes AS int2[]), CAST(:marks AS int8[])) x(lane, mark) ORDER BY lane
ON CONFLICT (consumer_group, topic, lane) DO UPDATE SET mark = excluded.mark, reported_at = excluded.reported_at
WHERE consumer_group_member.reported_at IS NULL OR consumer_group_member.reported_at <= excluded.reported_at
""")

Place = tuple[LaneNumber, int]


async def lanes(connection: AsyncConnection, asked: Sequence[LaneNumber]) -> dict[LaneNumber, SourceLane]:
    """The lanes as this source holds them; those that are not its own are missing."""
    parameters = _columns(sorted(set(asked)))
    lineages: dict[LaneNumber, list[Point]] = {}
    for row in await connection.execute(_LINEAGE, parameters):
        lineages.setdefault((row.topic, row.lane), []).append(Point(row.last_seq, row.chain))
    return {
        (row.topic, row.lane): SourceLane(
            row.floor, row.head, row.chain, tuple(lineages.get((row.topic, row.lane), ()))
        )
        for row in await connection.execute(_LANES, parameters)
    }


async def rows(connection: AsyncConnection, asked: Sequence[Place]) -> dict[Place, Row]:
    """For each place the first row at or above it, where there is one."""
    places = sorted(set(asked))
    parameters = {**_columns([lane for lane, _ in places]), "wanted": [wanted for _, wanted in places]}
    return {
        ((topic, lane), wanted): Row(*held)
        for topic, lane, wanted, *held in await connection.execute(_ROWS, parameters)
    }


async def rewind(connection: AsyncConnection, to: Mapping[LaneNumber, int]) -> None:
    """The cursors of these lanes, on every bus, stand at these places or below."""
    found = sorted(to)
    await connection.execute(_REWIND, {**_columns(found), "wanted": [to[lane] for lane in found]})


async def keep_report(connection: AsyncConnection, told: GroupReportedV1) -> None:
    """The group's marks are known: what lies above them is kept."""
    numbers = sorted(told.marks)
    marks = [told.marks[number] for number in numbers]
    place = {"group": told.group, "topic": told.topic, "now": told.reported_at}
    await connection.execute(_REPORT, {**place, "lanes": numbers, "marks": marks})


def _columns(found: Sequence[LaneNumber]) -> dict[str, object]:
    return {"topics": [topic for topic, _ in found], "lanes": [lane for _, lane in found]}
