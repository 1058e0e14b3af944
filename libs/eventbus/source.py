"""The source's side of `control`: rewinds and verifications are carried out, reports are kept."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from pydantic import ValidationError

from libs.contracts.control import BusRefusedV1, BusVerifiedV1, GroupReportedV1, LaneVerifyV1, RewindRequestedV1
from libs.contracts.envelope import EnvelopeError, from_headers
from libs.contracts.fact import Fact
from libs.contracts.registry import UnknownFact, fact_class
from libs.eventbus import metrics, source_lanes
from libs.eventbus.answers import Rewind
from libs.eventbus.bus_records import CONTROL, bus_record
from libs.eventbus.port import Arrived, Bus, Outgoing
from libs.eventbus.protocol import REQUEST_SECONDS, source_reply
from libs.eventbus.transaction import Begin, Clock
from libs.eventbus.words import Lane, LaneNumber, Nak, Refused, Request, Verified, Verify

_log = logging.getLogger(__name__)

FETCH_RECORDS = 200
_Asked: TypeAlias = tuple[Request, datetime]


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
                await self._take((await subscription.fetch(FETCH_RECORDS)).records)

    async def _take(self, records: Sequence[Arrived]) -> None:
        """What is asked of this source is answered: after a restore every lane of every group asks at once."""
        asked: list[_Asked] = []
        for told in filter(None, map(self._told_us, records)):
            match told:
                case RewindRequestedV1():
                    asked.append((Nak(self._lane(told), told.to), told.requested_at))
                case LaneVerifyV1():
                    chain = bytes.fromhex(told.chain) or None
                    asked.append((Verify(self._lane(told), told.sequence, chain, told.nonce), told.requested_at))
                case GroupReportedV1():
                    async with self.begin() as transaction:
                        await source_lanes.keep_report(transaction.connection, told)
        fresh = [(request, self._age(at)) for request, at in asked if self._age(at) <= REQUEST_SECONDS]
        if fresh:
            await self._reply(fresh)

    def _told_us(self, record: Arrived) -> Fact | None:
        """What the record says, if it can be read and is meant for this source."""
        try:
            envelope, _ = from_headers(record.headers)
            told = fact_class(envelope.type).from_bytes(record.payload)
        except (EnvelopeError, UnknownFact, ValidationError) as unreadable:
            _log.warning("eventbus_request_unreadable", extra={"error": type(unreadable).__name__})
            return None
        return told if getattr(told, "source", None) == self.name else None

    def _lane(self, told: RewindRequestedV1 | LaneVerifyV1) -> Lane:
        return Lane(self.name, told.topic, told.lane)

    def _age(self, requested_at: datetime) -> float:
        return (self.clock.now() - requested_at).total_seconds()

    async def _reply(self, asked: Sequence[tuple[Request, float]]) -> None:
        """Every request is carried out or answered in its lane; a lane is rewound to the lowest place asked for."""
        places = [(_number(request), _wanted(request)) for request, _ in asked]
        rewinds: dict[LaneNumber, int] = {}
        answers: list[Outgoing] = []
        async with self.begin() as transaction:
            lanes = await source_lanes.lanes(transaction.connection, [lane for lane, _ in places])
            rows = await source_lanes.rows(transaction.connection, places)
            for (request, age), place in zip(asked, places, strict=True):
                if place[0] not in lanes:
                    continue
                reply = source_reply(request, lanes[place[0]], rows.get(place), age_seconds=age)
                if isinstance(reply, Rewind):
                    rewinds[place[0]] = min(reply.to, rewinds.get(place[0], reply.to))
                elif reply is not None:
                    answers.append(self._told(reply.lane, self._fact(request, reply)))
            if rewinds:
                await source_lanes.rewind(transaction.connection, rewinds)
        self._note_rewinds(rewinds)
        await self.bus.append(answers)

    def _note_rewinds(self, rewinds: dict[LaneNumber, int]) -> None:
        for (topic, lane), to in rewinds.items():
            metrics.REWINDS.labels(self.name, topic).inc()
            _log.warning("eventbus_rewound", extra={"source": self.name, "topic": topic, "lane": lane, "to": to})
        if rewinds:
            self.rewound.set()

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

    def _told(self, lane: Lane, fact: Fact) -> Outgoing:
        return bus_record(
            fact, source=self.name, topic=lane.topic, lane=lane.number, now=self.clock.now(), new_id=self.new_id
        )


def _number(request: Request) -> LaneNumber:
    return request.lane.topic, request.lane.number


def _wanted(request: Request) -> int:
    return request.to if isinstance(request, Nak) else request.sequence
