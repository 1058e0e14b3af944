"""Everything around a fact: who said it, when, why, and its place in its lane.

Source: CloudEvents 1.0, Kafka protocol binding, binary content mode: attributes are headers, the value is the
fact's JSON untouched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, TypeAlias, TypeVar, get_args
from uuid import UUID

from libs.contracts.fact import Fact, rfc3339

Origin: TypeAlias = Literal["live", "backfill", "replay", "correction"]
ORIGINS: frozenset[str] = frozenset(get_args(Origin))
NO_MERCHANT = UUID(int=0)
"""Merchant of the records that the bus writes about itself."""

F = TypeVar("F", bound=Fact, covariant=True)


class EnvelopeError(ValueError):
    """The headers do not describe an event: the record is garbage, whatever its value holds."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The event that a transaction answers."""

    id: UUID
    origin: Origin
    correlation_id: str
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A fact that a transaction wants to tell.

    Its event id is derived from `cause` (with the fact's type and its count among that cause's facts of the
    type), else from `key` (with merchant and type): a service restored from a backup says the same again under
    the same ids. With neither it is a new UUIDv7. `origin` of None is the cause's, else live. `topic` is the teller's
    own, where the fact is one that every owner may tell.
    """

    fact: Fact
    merchant_id: UUID
    occurred_at: datetime
    cause: Cause | None = None
    key: str | None = None
    origin: Origin | None = None
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """The event's place in its lane; `chain` is the running digest of the lane's event ids up to here."""

    source: str
    topic: str
    lane: int
    sequence: int
    chain: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who said what about whom, when it happened and when it was written down."""

    id: UUID
    source: str
    type: str
    subject: str
    merchant_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    origin: Origin
    correlation_id: str
    causation_id: UUID | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Event(Generic[F]):
    """A decoded record."""

    envelope: Envelope
    fact: F
    position: Position | None = None

    @property
    def id(self) -> UUID:
        """The event's id, the same on every delivery."""
        return self.envelope.id

    @property
    def merchant_id(self) -> UUID:
        """The merchant that the fact belongs to."""
        return self.envelope.merchant_id

    @property
    def origin(self) -> Origin:
        """Whether it happened now, or history is being told."""
        return self.envelope.origin

    def as_cause(self) -> Cause:
        """This event as the cause of what is said in answer to it."""
        told = self.envelope
        return Cause(id=told.id, origin=told.origin, correlation_id=told.correlation_id, traceparent=told.traceparent)


def record_key(merchant_id: UUID, subject: str) -> str:
    """The key of the record on the bus; it decides the lane, hence what stays in order with what."""
    return f"{merchant_id}:{subject}"


def to_headers(envelope: Envelope, position: Position | None) -> dict[str, str]:
    """The event's headers; absent attributes are left out."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(envelope.id),
        "ce_source": envelope.source,
        "ce_type": envelope.type,
        "ce_subject": envelope.subject,
        "ce_time": rfc3339(envelope.occurred_at),
        "content-type": "application/json",
        "ce_merchantid": str(envelope.merchant_id),
        "ce_recordedtime": rfc3339(envelope.recorded_at),
        "ce_origin": envelope.origin,
        "ce_correlationid": envelope.correlation_id,
    }
    if envelope.causation_id is not None:
        headers["ce_causationid"] = str(envelope.causation_id)
    if envelope.traceparent is not None:
        headers["ce_traceparent"] = envelope.traceparent
    if position is not None:
        # The topic is named too: a log that was copied or mirrored elsewhere still says where a record counts.
        headers["ce_topic"] = position.topic
        headers["ce_lane"] = str(position.lane)
        headers["ce_sequence"] = str(position.sequence)
        headers["ce_chain"] = position.chain.hex()
    return headers


def from_headers(headers: Mapping[str, str]) -> tuple[Envelope, Position | None]:
    """The envelope and the place in the lane that the headers describe.

    Raises: EnvelopeError when an attribute is missing or unreadable.
    """
    try:
        return _envelope(headers), _position(headers)
    except KeyError as missing:
        raise EnvelopeError(f"header {missing.args[0]} is missing") from missing
    except ValueError as unreadable:
        raise EnvelopeError(str(unreadable)) from unreadable


def _envelope(headers: Mapping[str, str]) -> Envelope:
    causation = headers.get("ce_causationid")
    return Envelope(
        id=UUID(headers["ce_id"]),
        source=headers["ce_source"],
        type=headers["ce_type"],
        subject=headers["ce_subject"],
        merchant_id=UUID(headers["ce_merchantid"]),
        occurred_at=_instant(headers["ce_time"]),
        recorded_at=_instant(headers["ce_recordedtime"]),
        origin=_origin(headers["ce_origin"]),
        correlation_id=headers["ce_correlationid"],
        causation_id=UUID(causation) if causation else None,
        traceparent=headers.get("ce_traceparent"),
    )


def _position(headers: Mapping[str, str]) -> Position | None:
    if "ce_sequence" not in headers:
        return None
    return Position(
        source=headers["ce_source"],
        topic=headers["ce_topic"],
        lane=int(headers["ce_lane"]),
        sequence=int(headers["ce_sequence"]),
        chain=bytes.fromhex(headers["ce_chain"]),
    )


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise EnvelopeError(f"{text} has no time zone")
    return instant


def _origin(text: str) -> Origin:
    match text:
        case "live" | "backfill" | "replay" | "correction":
            return text
        case _:
            raise EnvelopeError(f"origin {text[:20]!r} is not known")
