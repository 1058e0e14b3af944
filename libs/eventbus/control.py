"""Requests on `control`: soft state that may be lost, and is asked again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.contracts.control import GroupReportedV1, LaneVerifyV1, RewindRequestedV1
from libs.contracts.envelope import NO_MERCHANT, record_key
from libs.contracts.fact import Fact
from libs.eventbus.bus_records import CONTROL, bus_record
from libs.eventbus.lanes import lane_of
from libs.eventbus.port import Bus, Outgoing
from libs.eventbus.transaction import Clock
from libs.eventbus.words import Lane, Mark, Nak, Request, Verify


@dataclass(frozen=True, slots=True)
class Requests:
    """A group's way to ask the sources that it reads."""

    group: str
    bus: Bus
    clock: Clock
    new_id: Callable[[], UUID]

    async def ask(self, request: Request) -> None:
        """The request is on the bus; the source answers inside the lane, or it is asked again later."""
        now = self.clock.now()
        lane = request.lane
        match request:
            case Nak(to=to):
                fact: Fact = RewindRequestedV1(
                    source=lane.source, topic=lane.topic, lane=lane.number, to=to, group=self.group, requested_at=now
                )
            case Verify(sequence=sequence, chain=chain, nonce=nonce):
                fact = LaneVerifyV1(
                    source=lane.source,
                    topic=lane.topic,
                    lane=lane.number,
                    sequence=sequence,
                    chain=chain.hex() if chain else "",
                    nonce=nonce,
                    group=self.group,
                    requested_at=now,
                )
        await self.bus.append([self._record(fact, now)])

    async def report(self, known: Mapping[Lane, Mark]) -> None:
        """Every source knows the group and its marks: it keeps what lies above them."""
        now = self.clock.now()
        topics = sorted({(lane.source, lane.topic) for lane in known})
        await self.bus.append(
            [self._record(self._reported(source, topic, known, now), now) for source, topic in topics]
        )

    def _reported(self, source: str, topic: str, known: Mapping[Lane, Mark], now: datetime) -> Fact:
        reached = {
            lane.number: mark.sequence for lane, mark in known.items() if (lane.source, lane.topic) == (source, topic)
        }
        return GroupReportedV1(source=source, topic=topic, group=self.group, marks=reached, reported_at=now)

    def _record(self, fact: Fact, now: datetime) -> Outgoing:
        lane = lane_of(record_key(NO_MERCHANT, fact.subject))
        return bus_record(fact, source=self.group, topic=CONTROL, lane=lane, now=now, new_id=self.new_id)
