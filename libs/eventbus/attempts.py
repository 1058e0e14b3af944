"""Attempts at single events, counted in transactions of their own: what a dead process cannot say afterwards."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus import marks
from libs.eventbus.answers import Judgement
from libs.eventbus.protocol import judge
from libs.eventbus.words import Record

_COUNT = text("""
INSERT INTO attempt (consumer_group, source, topic, lane, seq, n) VALUES (:group, :source, :topic, :lane, :seq, 1)
ON CONFLICT (consumer_group, source, topic, lane, seq) DO UPDATE SET n = attempt.n + 1 RETURNING n
""")
_TAKE_BACK = text("""
UPDATE attempt SET n = n - 1
WHERE consumer_group = :group AND source = :source AND topic = :topic AND lane = :lane AND seq = :seq AND n > 0
""")
_FORGET = text("""
DELETE FROM attempt
WHERE consumer_group = :group AND source = :source AND topic = :topic AND lane = :lane AND seq = :seq
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


async def take_back(connection: AsyncConnection, group: str, record: Record) -> None:
    """The last attempt does not count: it met an outage, and enough of those would park a healthy event."""
    await connection.execute(_TAKE_BACK, _parameters(group, record))


async def forget(connection: AsyncConnection, group: str, record: Record) -> None:
    """No attempt at this event is remembered: it is applied or parked in this transaction."""
    await connection.execute(_FORGET, _parameters(group, record))


async def forget_passed(connection: AsyncConnection, group: str) -> None:
    """Attempts at events that marks have passed are gone."""
    await connection.execute(_FORGET_PASSED, {"group": group})


def _parameters(group: str, record: Record) -> Mapping[str, object]:
    lane = record.lane
    return {
        "group": group,
        "source": lane.source,
        "topic": lane.topic,
        "lane": lane.number,
        "seq": record.sequence,
    }
