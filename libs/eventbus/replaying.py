"""What an operator does with parked events: replay, discard, skip."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus import arrivals, marks
from libs.eventbus.errors import NothingParked, ReplayFailed
from libs.eventbus.failures import classify
from libs.eventbus.group import Group
from libs.eventbus.parked import Place
from libs.eventbus.transaction import Begin
from libs.eventbus.words import Failure, Lane, Mark

_FIND = text("""
SELECT subject FROM parked_event WHERE consumer_group = :group AND status = 'parked'
AND (source, topic, lane, seq) = (:source, :topic, :lane, :seq)
""")
_LOWEST = text("""
SELECT seq, event FROM parked_event WHERE consumer_group = :group AND topic = :topic AND subject = :subject
AND status = 'parked' AND source = :source AND lane = :lane ORDER BY seq LIMIT 1
""")
_RESOLVE = text("""
UPDATE parked_event SET status = :status, resolved_at = now(), resolved_by = :by, reason = :reason
WHERE consumer_group = :group AND (source, topic, lane, seq) = (:source, :topic, :lane, :seq) AND status = 'parked'
""")
_FAILED_AGAIN = text("""
UPDATE parked_event SET error = :error, failed = true
WHERE consumer_group = :group AND (source, topic, lane, seq) = (:source, :topic, :lane, :seq) AND status = 'parked'
""")
_SKIPPED = text("""
INSERT INTO parked_event (consumer_group, source, topic, lane, seq, subject, event, error, failed, status, resolved_at,
    resolved_by, reason)
VALUES (:group, :source, :topic, :lane, :seq, '', '{}', 'skipped', true, 'discarded', now(), :by, :reason)
ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class Operator:
    """Acts on one group's parked events; `by` is who answers for it."""

    group: Group
    begin: Begin
    by: str

    async def replay(self, place: Place) -> int:
        """All open events of that event's subject are applied, lowest first; how many that were.

        Each step is one transaction that holds the lane's mark: no later event of the subject can slip in between.
        Raises: NothingParked; ReplayFailed: the event fails again, it and those behind it stay parked.
        """
        async with self.begin() as transaction:
            found = (await transaction.connection.execute(_FIND, self._at(place))).one_or_none()
        if found is None:
            raise NothingParked(f"no open parked event at {place}")
        replayed = 0
        while await self._step(place, found.subject):
            replayed += 1
        return replayed

    async def discard(self, place: Place, *, reason: str) -> None:
        """The event will never be applied; those behind it stay parked. Raises: NothingParked."""
        async with self.begin() as transaction:
            await marks.lock(transaction.connection, self.group.name, [_lane(place)])
            if not await self._resolve(transaction.connection, place, "discarded", reason):
                raise NothingParked(f"no open parked event at {place}")

    async def skip(self, lane: Lane, *, reason: str) -> Mark:
        """The lane goes on behind its next event, which is never applied; its place is noted as discarded."""
        async with self.begin() as transaction:
            connection = transaction.connection
            locked = await marks.lock(connection, self.group.name, [lane])
            if lane not in locked:
                raise NothingParked(f"{self.group.name} has no mark in {lane}")
            mark = Mark(locked[lane].sequence + 1, None)
            place = Place(lane.source, lane.topic, lane.number, mark.sequence)
            await connection.execute(_SKIPPED, {**self._at(place), "by": self.by, "reason": reason})
            await marks.store(connection, self.group.name, {lane: mark})
            return mark

    async def _step(self, place: Place, subject: str) -> bool:
        """One event more is applied; False if none was left."""
        at = place
        try:
            async with self.begin() as transaction:
                connection = transaction.connection
                await marks.lock(connection, self.group.name, [_lane(place)])
                lowest = (await connection.execute(_LOWEST, self._at(place) | {"subject": subject})).one_or_none()
                if lowest is None:
                    return False
                at = Place(place.source, place.topic, place.lane, lowest.seq)
                await self._apply(transaction, lowest.event)
                await self._resolve(connection, at, "replayed", None)
        except Exception as failure:
            if classify(failure) is not Failure.PERMANENT:
                raise
            await self._note_failure(at, failure)
            raise ReplayFailed(f"{at} fails again: {type(failure).__name__}") from failure
        return True

    async def _apply(self, transaction: Any, kept: Mapping[str, Any]) -> None:
        headers = kept.get("headers", {})
        fact = self.group.fact_class(headers.get("ce_type", ""))
        if fact is not None:
            await self.group.handler(transaction, [arrivals.revive(kept, fact)])

    async def _note_failure(self, place: Place, failure: Exception) -> None:
        error = arrivals.clean(f"{type(failure).__name__}: {failure}"[:500])
        async with self.begin() as transaction:
            await transaction.connection.execute(_FAILED_AGAIN, {**self._at(place), "error": error})

    async def _resolve(self, connection: AsyncConnection, place: Place, status: str, reason: str | None) -> bool:
        done = await connection.execute(
            _RESOLVE, {**self._at(place), "status": status, "by": self.by, "reason": reason}
        )
        return done.rowcount == 1

    def _at(self, place: Place) -> dict[str, object]:
        return {
            "group": self.group.name,
            "source": place.source,
            "topic": place.topic,
            "lane": place.lane,
            "seq": place.sequence,
        }


def _lane(place: Place) -> Lane:
    return Lane(place.source, place.topic, place.lane)
