"""The source's side of `control`: rewinds and verifications are carried out, reports are kept."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import text

from libs.contracts.control import BusRefusedV1, BusVerifiedV1, GroupReportedV1, LaneVerifyV1, RewindRequestedV1
from libs.contracts.envelope import EnvelopeError, from_headers
from libs.contracts.fact import Fact
from libs.contracts.registry import UnknownFact, fact_class
from libs.eventbus import metrics
from libs.eventbus.answers import Rewind
from libs.eventbus.bus_records import CONTROL, bus_record
from libs.eventbus.port import Arrived, Bus
from libs.eventbus.protocol import REQUEST_SECONDS, source_reply
from libs.eventbus.transaction import Begin, Clock, Transaction
from libs.eventbus.words import Lane, Nak, Point, Refused, Request, Row, SourceLane, Verified, Verify

_log = logging.getLogger(__name__)

FETCH_RECORDS = 200
_LANE = text("""
SELECT f.floor, o.next_seq - 1 AS head, o.chain FROM outbox_lane o JOIN outbox_floor f USING (topic, lane)
WHERE o.topic = :topic AND o.lane = :lane
""")
_ROW = text("""
SELECT seq, event_id, chain FROM outbox WHERE topic = :topic AND lane = :lane AND seq >= :seq ORDER BY seq LIMIT 1
""")
_LINEAGE = text("SELECT last_seq, chain FROM outbox_epoch WHERE topic = :topic AND lane = :lane ORDER BY epoch")
# Every bus: a record that one of them lost may be missing behind the other as well.
_REWIND = text("""
UPDATE outbox_cursor SET published = least(published, CAST(:to AS int8)) WHERE topic = :topic AND lane = :lane
""")
_REPORT = text("""
INSERT INTO consumer_group_member (consumer_group, topic, lane, mark, registered_at, reported_at)
SELECT :group, :topic, lane, mark, :now, :now
FROM unnest(CAST(:lanes AS int2[]), CAST(:marks AS int8[])) x(lane, mark) ORDER BY lane
ON CONFLICT (consumer_group, topic, lane) DO UPDATE SET mark = excluded.mark, reported_at = excluded.reported_at
WHERE consumer_group_member.reported_at IS NULL OR consumer_group_member.reported_at <= excluded.reported_at
""")


@dataclass(frozen=True, slots=True)
class Source:
    """One service as the owner of its lanes. Any number of processes may answer: answers repeat harmlessly."""

    name: str
    bus: Bus
    begin: Begin
    clock: Clock
    new_id: Callable[[], UUID]
    rewound: asyncio.Event
    """Set after a rewind: the relay of the same process waits for it."""

    async def answer(self, stop: asyncio.Event) -> None:
        """Requests to this source are answered until `stop`; raises whatever bus or database raise."""
        async with self.bus.follow(CONTROL) as subscription:
            while not stop.is_set():
                for record in (await subscription.fetch(FETCH_RECORDS)).records:
                    await self.take(record)

    async def take(self, record: Arrived) -> None:
        """The request is answered, if it is one of ours and not older than a minute."""
        try:
            envelope, _ = from_headers(record.headers)
            told = fact_class(envelope.type).from_bytes(record.payload)
        except (EnvelopeError, UnknownFact, ValidationError) as unreadable:
            _log.warning("eventbus_request_unreadable", extra={"error": type(unreadable).__name__})
            return
        if getattr(told, "source", None) != self.name:
            return
        match told:
            case RewindRequestedV1():
                lane = Lane(self.name, told.topic, told.lane)
                await self._reply(Nak(lane, told.to), self._age(told.requested_at))
            case LaneVerifyV1():
                lane, chain = Lane(self.name, told.topic, told.lane), bytes.fromhex(told.chain) or None
                await self._reply(Verify(lane, told.sequence, chain, told.nonce), self._age(told.requested_at))
            case GroupReportedV1():
                await self._keep_report(told)

    def _age(self, requested_at: Any) -> float:
        return float((self.clock.now() - requested_at).total_seconds())

    async def _reply(self, request: Request, age: float) -> None:
        if age > REQUEST_SECONDS:
            return
        wanted = request.to if isinstance(request, Nak) else request.sequence
        async with self.begin() as transaction:
            held = await _held(transaction, request.lane, wanted)
            if held is None:
                return
            reply = source_reply(request, *held, age_seconds=age)
            if isinstance(reply, Rewind):
                await self._rewind(transaction, reply)
        if isinstance(reply, Rewind):
            self.rewound.set()
        elif reply is not None:
            await self._tell(request.lane, self._fact(request, reply))

    async def _rewind(self, transaction: Transaction, rewind: Rewind) -> None:
        place = {"topic": rewind.lane.topic, "lane": rewind.lane.number, "to": rewind.to}
        await transaction.connection.execute(_REWIND, place)
        metrics.REWINDS.labels(self.name, rewind.lane.topic).inc()
        _log.warning("eventbus_rewound", extra={"source": self.name, **place})

    def _fact(self, request: Request, reply: Refused | Verified) -> Fact:
        lane, now = reply.lane, self.clock.now()
        if isinstance(reply, Refused):
            return BusRefusedV1(source=self.name, topic=lane.topic, lane=lane.number, floor=reply.floor, at=now)
        sequence = request.sequence if isinstance(request, Verify) else 0
        return BusVerifiedV1(
            source=self.name,
            topic=lane.topic,
            lane=lane.number,
            sequence=sequence,
            nonce=reply.nonce,
            known=reply.known,
            at=now,
        )

    async def _tell(self, lane: Lane, fact: Fact) -> None:
        record = bus_record(
            fact, source=self.name, topic=lane.topic, lane=lane.number, now=self.clock.now(), new_id=self.new_id
        )
        await self.bus.append([record])

    async def _keep_report(self, told: GroupReportedV1) -> None:
        lanes = sorted(told.marks)
        async with self.begin() as transaction:
            await transaction.connection.execute(
                _REPORT,
                {
                    "group": told.group,
                    "topic": told.topic,
                    "lanes": lanes,
                    "marks": [told.marks[lane] for lane in lanes],
                    "now": told.reported_at,
                },
            )


async def _held(transaction: Transaction, lane: Lane, wanted: int) -> tuple[SourceLane, Row | None] | None:
    """The lane as this source holds it, and its first row at or above `wanted`; None if the lane is not ours."""
    place = {"topic": lane.topic, "lane": lane.number}
    found = (await transaction.connection.execute(_LANE, place)).one_or_none()
    if found is None:
        return None
    row = (await transaction.connection.execute(_ROW, {**place, "seq": wanted})).one_or_none()
    lineage = tuple(Point(*ended) for ended in await transaction.connection.execute(_LINEAGE, place))
    return SourceLane(found.floor, found.head, found.chain, lineage), None if row is None else Row(*row)
