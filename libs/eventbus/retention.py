"""Retention of a service's bus tables: whole days of the outbox go, behind a floor that is committed first."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus import metrics
from libs.eventbus.answers import KeepAll, MoveFloor
from libs.eventbus.failures import classify
from libs.eventbus.protocol import floor_plan
from libs.eventbus.transaction import Begin
from libs.eventbus.words import Child, Failure, LaneNumber

_log = logging.getLogger(__name__)

KEEP_DAYS: Final = 12
CAP_DAYS: Final = 14
"""Nothing outlives 14 days: what was said about an erased person is gone from the outbox by then."""

_DAYS = text("""
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = CAST('outbox' AS regclass) ORDER BY c.relname
""")
_HIGHEST = text("""
SELECT topic, lane, max(seq) AS seq FROM outbox WHERE created_at >= :start AND created_at < :end GROUP BY topic, lane
""")
_REPORTED = text("SELECT consumer_group, topic, lane, mark FROM consumer_group_member")
_CURSORS = text("SELECT 'relay to ' || bus AS consumer_group, topic, lane, published AS mark FROM outbox_cursor")
_NO_RELAY: Final = "a relay that has not run yet"
_FLOORS = text("SELECT topic, lane, floor FROM outbox_floor")
_RAISE = text("""
UPDATE outbox_floor f SET floor = x.floor
FROM unnest(CAST(:topics AS text[]), CAST(:lanes AS int2[]), CAST(:floors AS int8[])) x(topic, lane, floor)
WHERE f.topic = x.topic AND f.lane = x.lane AND f.floor < x.floor
""")
_DROP = text("SELECT outbox_drop_day(:child)")
_SWEEP = (
    text("DELETE FROM parked_event WHERE status <> 'parked' AND resolved_at < :before"),
    text("DELETE FROM bus_garbage WHERE seen_at < :before"),
    text("DELETE FROM inbox_trail WHERE passed_at < :before"),
)


@dataclass(frozen=True, slots=True)
class Retention:
    """Drops what everybody has read, and after 14 days what somebody has not (with an alarm)."""

    begin: Begin
    keep_days: int = KEEP_DAYS
    cap_days: int = CAP_DAYS

    async def run(self, now: datetime) -> Sequence[str]:
        """Expired days are gone and nothing resolved is older than 14 days; the dropped children are returned.

        The floor is committed before anything is dropped: a reader that misses a row finds a floor that explains it.
        """
        async with self.begin() as transaction:
            plan = await self._plan(transaction.connection, now)
            if isinstance(plan, MoveFloor):
                await _raise_floors(transaction.connection, plan.floors)
            for statement in _SWEEP:
                await transaction.connection.execute(statement, {"before": now - timedelta(days=self.cap_days)})
        if isinstance(plan, KeepAll):
            self._alarm_held(plan)
            return ()
        for group in plan.forced_past:
            metrics.FORCED.labels("outbox", group).inc()
            _log.critical("eventbus_retention_forced", extra={"group": group})
        return [child.name for child in plan.children if await self._drop(child.name)]

    async def _plan(self, connection: AsyncConnection, now: datetime) -> MoveFloor | KeepAll:
        expired = await self._expired(connection, now.date())
        children = [Child(name, await _highest(connection, day)) for name, day in expired]
        capped = [name for name, day in expired if day + timedelta(days=self.cap_days) <= now.date()]
        return floor_plan(children, await _reported(connection), await _floors(connection), capped=capped)

    async def _expired(self, connection: AsyncConnection, today: date) -> list[tuple[str, date]]:
        days = [(row.relname, _day(row.relname)) for row in await connection.execute(_DAYS)]
        return [(name, day) for name, day in days if day + timedelta(days=self.keep_days) <= today]

    async def _drop(self, child: str) -> bool:
        try:
            async with self.begin() as transaction:
                dropped = bool(await transaction.connection.scalar(_DROP, {"child": child}))
        except DBAPIError as busy:
            if classify(busy) is Failure.PERMANENT:
                raise
            dropped = False
        if not dropped:  # writers hold it, or it has a row at or above the floor: it is looked at again next time
            _log.warning("eventbus_day_kept", extra={"child": child})
        return dropped

    def _alarm_held(self, plan: KeepAll) -> None:
        metrics.HELD_DAYS.labels("outbox").set(len(plan.held_by))
        if plan.held_by:
            _log.error("eventbus_retention_held", extra={"groups": list(plan.held_by)})


def _day(child: str) -> date:
    return datetime.strptime(child.rpartition("_")[2], "%Y%m%d").replace(tzinfo=UTC).date()


async def _highest(connection: AsyncConnection, day: date) -> dict[LaneNumber, int]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    rows = await connection.execute(_HIGHEST, {"start": start, "end": start + timedelta(days=1)})
    return {(row.topic, row.lane): row.seq for row in rows}


async def _reported(connection: AsyncConnection) -> dict[str, dict[LaneNumber, int]]:
    """Marks by group; a relay's cursors count as one: what was not handed over is not dropped either.

    Nor is anything as long as no relay ever ran: its cursors come with it.
    """
    reported: dict[str, dict[LaneNumber, int]] = {}
    for row in await connection.execute(_CURSORS):
        reported.setdefault(row.consumer_group, {})[(row.topic, row.lane)] = row.mark
    if not reported:
        reported[_NO_RELAY] = {}
    for row in await connection.execute(_REPORTED):
        reported.setdefault(row.consumer_group, {})[(row.topic, row.lane)] = row.mark
    return reported


async def _floors(connection: AsyncConnection) -> dict[LaneNumber, int]:
    return {(row.topic, row.lane): row.floor for row in await connection.execute(_FLOORS)}


async def _raise_floors(connection: AsyncConnection, floors: Mapping[LaneNumber, int]) -> None:
    lanes = sorted(floors)
    await connection.execute(
        _RAISE,
        {
            "topics": [topic for topic, _ in lanes],
            "lanes": [lane for _, lane in lanes],
            "floors": [floors[lane] for lane in lanes],
        },
    )
