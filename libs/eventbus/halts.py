"""Halted lanes: they wait for an operator, whatever process comes and goes meanwhile."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.lanes import epoch_of
from libs.eventbus.words import Lane, Opening, Point, Record

_HALT = text("""
INSERT INTO halted_lane (consumer_group, source, topic, lane, reason) VALUES (:group, :source, :topic, :lane, :reason)
ON CONFLICT (consumer_group, source, topic, lane) DO NOTHING
""")
_HEARD = text("SELECT source, topic, lane, epoch FROM halted_lane WHERE consumer_group = :group")
_LIST = text("""
SELECT source, topic, lane, reason, halted_at, epoch, opening FROM halted_lane WHERE consumer_group = :group
ORDER BY source, topic, lane
""")
_OPEN = text("""
UPDATE halted_lane SET epoch = :epoch, opening = CAST(:opening AS jsonb)
WHERE consumer_group = :group AND source = :source AND topic = :topic AND lane = :lane AND epoch < :epoch
""")
_END = text("""
DELETE FROM halted_lane WHERE consumer_group = :group AND source = :source AND topic = :topic AND lane = :lane
""")


@dataclass(frozen=True, slots=True)
class Halted:
    """A stopped lane. `opening`: how the newest epoch heard of since begins, if one was."""

    lane: Lane
    reason: str
    halted_at: datetime
    epoch: int
    opening: Opening | None


async def halt(connection: AsyncConnection, group: str, lane: Lane, reason: str) -> None:
    """The lane is stopped, for every member of the group and after any restart."""
    await connection.execute(_HALT, {**_place(group, lane), "reason": reason})


async def heard(connection: AsyncConnection, group: str) -> dict[Lane, int]:
    """The group's halted lanes, each with the newest epoch heard of since (0: none)."""
    rows = await connection.execute(_HEARD, {"group": group})
    return {Lane(source, topic, lane): epoch for source, topic, lane, epoch in rows}


async def listed(connection: AsyncConnection, group: str) -> list[Halted]:
    """The group's halted lanes, in order."""
    rows = await connection.execute(_LIST, {"group": group})
    return [
        Halted(Lane(source, topic, lane), reason, at, epoch, _opening(opening))
        for source, topic, lane, reason, at, epoch, opening in rows
    ]


async def keep_opening(connection: AsyncConnection, group: str, record: Record) -> None:
    """How the epoch begins is known to whoever accepts it."""
    opening = record.opens
    if opening is None:
        return
    told = {"lineage": _told(opening.lineage), "waypoints": _told(opening.waypoints)}
    parameters = {"epoch": epoch_of(record.sequence), "opening": json.dumps(told)}
    await connection.execute(_OPEN, {**_place(group, record.lane), **parameters})


async def end(connection: AsyncConnection, group: str, lane: Lane) -> None:
    """The lane goes on."""
    await connection.execute(_END, _place(group, lane))


def _told(points: tuple[Point, ...]) -> list[tuple[int, str]]:
    return [(point.sequence, point.chain.hex()) for point in points]


def _opening(kept: Mapping[str, Any] | None) -> Opening | None:
    if kept is None:
        return None
    lineage, waypoints = (
        tuple(Point(sequence, bytes.fromhex(chain)) for sequence, chain in kept[name])
        for name in ("lineage", "waypoints")
    )
    return Opening(lineage, waypoints)


def _place(group: str, lane: Lane) -> dict[str, object]:
    return {"group": group, "source": lane.source, "topic": lane.topic, "lane": lane.number}
