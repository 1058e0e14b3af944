"""Attempts at single events, counted in transactions of their own: what a dead process cannot say afterwards."""

from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus import marks
from libs.eventbus.answers import Judgement
from libs.eventbus.protocol import judge
from libs.eventbus.words import Lane, Record

_COUNT = text("""
INSERT INTO attempt (consumer_group, source, topic, lane, seq, n) VALUES (:group, :source, :topic, :lane, :seq, 1)
ON CONFLICT (consumer_group, source, topic, lane, seq) DO UPDATE SET n = attempt.n + 1 RETURNING n
""")
_EVENTS = """
unnest(CAST(:sources AS text[]), CAST(:topics AS text[]), CAST(:lanes AS int2[]), CAST(:seqs AS int8[]))
    x(source, topic, lane, seq)
"""
_SAME = """
a.consumer_group = :group AND a.source = x.source AND a.topic = x.topic AND a.lane = x.lane AND a.seq = x.seq
"""
_TRIED = text(f"SELECT EXISTS (SELECT 1 FROM {_EVENTS} JOIN attempt a ON {_SAME} AND a.n > 0)")  # noqa: S608
_COUNT_ALL = text(f"""
INSERT INTO attempt (consumer_group, source, topic, lane, seq, n)
SELECT :group, source, topic, lane, seq, 1 FROM {_EVENTS} ORDER BY source, topic, lane, seq
ON CONFLICT (consumer_group, source, topic, lane, seq) DO UPDATE SET n = 1
""")  # noqa: S608
_TAKE_BACK = text(f"UPDATE attempt a SET n = n - 1 FROM {_EVENTS} WHERE {_SAME} AND a.n > 0")  # noqa: S608
_FORGET = text(f"DELETE FROM attempt a USING {_EVENTS} WHERE {_SAME}")  # noqa: S608
_FORGET_LANE = text("""
DELETE FROM attempt WHERE consumer_group = :group AND source = :source AND topic = :topic AND lane = :lane
""")
_FORGET_PASSED = text("""
DELETE FROM attempt a USING inbox_lane i WHERE a.consumer_group = :group AND i.consumer_group = a.consumer_group
AND i.source = a.source AND i.topic = a.topic AND i.lane = a.lane AND a.seq <= i.last_seq
""")


async def count(connection: AsyncConnection, group: str, record: Record) -> int | None:
    """How often the event has been tried, this time included; None if it is not the lane's next event.

    Counted under the lane's lock only: a process that lost the lane must not add to the count of its new owner.
    """
    locked = await marks.lock(connection, group, [record.lane])
    if judge(locked[record.lane], record) is not Judgement.APPLY:
        return None
    counted = await connection.scalar(_COUNT, _parameters(group, record))
    return None if counted is None else int(counted)


async def count_batch(connection: AsyncConnection, group: str, records: Sequence[Record]) -> bool:
    """True if none of the events had been tried before: each counts as tried once now. Else nothing changes.

    Under the lanes' locks, like `count`.
    """
    if not records:
        return True
    if await connection.scalar(_TRIED, _all(group, records)):
        return False
    await connection.execute(_COUNT_ALL, _all(group, records))
    return True


async def take_back(connection: AsyncConnection, group: str, records: Sequence[Record]) -> None:
    """The last attempts do not count: they met an outage, and enough of those would park a healthy event."""
    if records:
        await connection.execute(_TAKE_BACK, _all(group, records))


async def forget(connection: AsyncConnection, group: str, records: Sequence[Record]) -> None:
    """No attempt at these events is remembered: they are applied or parked in this transaction."""
    if records:
        await connection.execute(_FORGET, _all(group, records))


async def forget_passed(connection: AsyncConnection, group: str) -> None:
    """Attempts at events that marks have passed are gone."""
    await connection.execute(_FORGET_PASSED, {"group": group})


async def forget_lane(connection: AsyncConnection, group: str, lane: Lane) -> None:
    """No attempt in the lane is remembered: other events will stand at those places."""
    place = {"source": lane.source, "topic": lane.topic, "lane": lane.number}
    await connection.execute(_FORGET_LANE, {"group": group, **place})


def _parameters(group: str, record: Record) -> Mapping[str, object]:
    lane = record.lane
    return {
        "group": group,
        "source": lane.source,
        "topic": lane.topic,
        "lane": lane.number,
        "seq": record.sequence,
    }


def _all(group: str, records: Sequence[Record]) -> Mapping[str, object]:
    return {
        "group": group,
        "sources": [record.lane.source for record in records],
        "topics": [record.lane.topic for record in records],
        "lanes": [record.lane.number for record in records],
        "seqs": [record.sequence for record in records],
    }
