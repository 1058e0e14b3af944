"""From a record on the bus to what the protocol judges: an event in its lane, a signal, or garbage."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias
from uuid import UUID

from libs.contracts.control import (
    Ancestor,
    BusRefusedV1,
    BusRewoundV1,
    BusVerifiedV1,
    BusWatermarkV1,
    EpochStartedV1,
)
from libs.contracts.customers import CustomerErasedV1
from libs.contracts.envelope import Envelope, EnvelopeError, Event, Position, from_headers
from libs.contracts.fact import Fact
from libs.eventbus.lanes import LANES
from libs.eventbus.port import Arrived
from libs.eventbus.subscriptions import AnyEvent
from libs.eventbus.words import Lane, Mark, Opening, Point, Record, Refused, Rewound, Signal, Verified, Watermark

_OWN_RECORDS: Final[Mapping[str, type[Fact]]] = {
    fact.TYPE: fact for fact in (BusWatermarkV1, BusRewoundV1, BusRefusedV1, BusVerifiedV1)
}


@dataclass(slots=True, eq=False)
class Arrival:
    """An event's record; the fact is decoded at most once, and only if the event is applied."""

    record: Record
    envelope: Envelope
    position: Position
    arrived: Arrived
    _event: AnyEvent | None = None

    @property
    def lane(self) -> Lane:
        return self.record.lane

    def event(self, fact: type[Fact]) -> AnyEvent:
        """The decoded event. Raises: pydantic.ValidationError when the payload is not this fact."""
        if self._event is None:
            self._event = Event(self.envelope, fact.from_bytes(self.arrived.payload), self.position)
        return self._event

    def keep(self) -> str:
        """The JSON from which `revive` makes the event again: what the parked table stores."""
        return keep(self.arrived)


@dataclass(frozen=True, slots=True)
class Garbage:
    """A record whose envelope cannot be read; `lane` and `sequence` if at least its place can."""

    arrived: Arrived
    error: str
    lane: Lane | None = None
    sequence: int | None = None


Item: TypeAlias = Arrival | Signal


def is_behind(arrived: Arrived, sources: Mapping[str, str], known: Mapping[Lane, Mark]) -> bool:
    """Whether the record stands before its lane's mark: it is dropped, whatever else its headers hold.

    Told by four headers alone, for whoever reads a whole log again reads little else. The mark's own record is not
    behind: its chain may tell another history.
    """
    headers, topic = arrived.headers, arrived.partition.topic
    try:
        source = headers["ce_source"]
        if source != sources.get(topic) or headers["ce_topic"] != topic:
            return False
        mark = known.get(Lane(source, topic, int(headers["ce_lane"])))
        return mark is not None and 0 < int(headers["ce_sequence"]) < mark.sequence
    except (KeyError, ValueError, TypeError, AttributeError):  # headers may hold anything, even no texts
        return False


def read(arrived: Arrived, sources: Mapping[str, str]) -> Arrival | Sequence[Signal] | Garbage:
    """What the record is. A topic's records count only if its owner said them."""
    try:
        envelope, position = from_headers(arrived.headers)
        if envelope.source != sources.get(arrived.partition.topic):
            return Garbage(arrived, f"{envelope.source[:40]} does not own {arrived.partition.topic}")
        if position is not None:
            return _arrival(arrived, envelope, position)
        return _signals(arrived, envelope)
    except (ValueError, TypeError, AttributeError) as unreadable:  # headers may hold anything, even no texts
        return _garbage(arrived, str(unreadable), sources)


def keep(arrived: Arrived) -> str:
    """Headers and payload as JSON. PostgreSQL's jsonb takes neither NUL nor lone surrogates: they are replaced."""
    kept = {
        "key": clean(arrived.key),
        "headers": {clean(str(name)): clean(str(value)) for name, value in arrived.headers.items()},
        "payload": arrived.payload.hex(),
    }
    return json.dumps(kept)


def revive(kept: Mapping[str, object], fact: type[Fact]) -> AnyEvent:
    """The event that was kept. Raises: EnvelopeError, pydantic.ValidationError."""
    headers, payload = kept.get("headers"), kept.get("payload")
    if not isinstance(headers, dict) or not isinstance(payload, str):
        raise EnvelopeError("nothing was kept of this event")
    envelope, position = from_headers(headers)
    return Event(envelope, fact.from_bytes(bytes.fromhex(payload)), position)


def opening(payload: bytes) -> Opening:
    """What an epoch.started says of the history behind it. Raises: pydantic.ValidationError."""
    told = EpochStartedV1.from_bytes(payload)
    if not told.lineage:
        raise EnvelopeError("an epoch without ancestors")
    return Opening(_points(told.lineage), _points(told.waypoints))


def clean(text: str) -> str:
    """The text as PostgreSQL can hold it."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _arrival(arrived: Arrived, envelope: Envelope, position: Position) -> Arrival:
    if position.topic != arrived.partition.topic:
        raise EnvelopeError(f"{position.topic[:40]} has no place here")
    record = Record(
        _own_lane(position.source, position.topic, position.lane),
        position.sequence,
        position.chain,
        envelope.id,
        arrived.key,
        erases=envelope.type == CustomerErasedV1.TYPE,
        opens=opening(arrived.payload) if envelope.type == EpochStartedV1.TYPE else None,
    )
    return Arrival(record, envelope, position, arrived)


def _points(ancestors: Sequence[Ancestor]) -> tuple[Point, ...]:
    return tuple(Point(one.last_sequence, bytes.fromhex(one.chain)) for one in ancestors)


def _signals(arrived: Arrived, envelope: Envelope) -> Sequence[Signal]:
    fact_class = _OWN_RECORDS.get(envelope.type)
    if fact_class is None:
        raise EnvelopeError(f"{envelope.type[:60]} has no place in a lane")
    told = fact_class.from_bytes(arrived.payload)
    here = partial(_own_lane, envelope.source, arrived.partition.topic)
    match told:
        case BusWatermarkV1(lanes=lanes):
            return [
                Watermark(here(lane), head.epoch, head.floor, head.head, bytes.fromhex(head.chain))
                for lane, head in lanes.items()
            ]
        case BusRewoundV1(lane=lane, to=to):
            return [Rewound(here(lane), to)]
        case BusRefusedV1(lane=lane, floor=floor):
            return [Refused(here(lane), floor)]
        case BusVerifiedV1(lane=lane, nonce=nonce, known=known):
            return [Verified(here(lane), nonce, known)]
    return ()


def _own_lane(source: str, topic: str, lane: int) -> Lane:
    if not 0 <= lane < LANES:
        raise EnvelopeError(f"there is no lane {lane}")
    return Lane(source, topic, lane)


def _garbage(arrived: Arrived, error: str, sources: Mapping[str, str]) -> Garbage:
    """Garbage, with its place if the headers still tell one of ours."""
    headers, topic = arrived.headers, arrived.partition.topic
    try:
        lane, sequence = int(headers["ce_lane"]), int(headers["ce_sequence"])
    except (KeyError, ValueError, TypeError):
        return Garbage(arrived, error)
    if headers.get("ce_source", sources[topic]) != sources[topic] or not 0 <= lane < LANES or not 0 < sequence < 2**62:
        return Garbage(arrived, error)
    return Garbage(arrived, error, Lane(sources[topic], topic, lane), sequence)


def merchant_in(headers: Mapping[str, str]) -> UUID | None:
    """The merchant that the headers name, if they do."""
    try:
        return UUID(headers["ce_merchantid"])
    except (KeyError, ValueError, AttributeError, TypeError):
        return None
