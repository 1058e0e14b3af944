"""The words of the event bus protocol: what is stored, read and heard. Positions and subjects only, no payloads."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple, TypeAlias
from uuid import UUID

from libs.eventbus.lanes import epoch_of


class Lane(NamedTuple):
    """One numbered stream; sorting lanes gives the one order in which marks are locked.

    A tuple: lanes are the keys of every look-up, and a dataclass would hash in Python several times per event.
    """

    source: str
    topic: str
    number: int


Subject: TypeAlias = tuple[Lane, str]  # a record key within its lane: what order is promised for


class Point(NamedTuple):
    """A place in a lane's history; the chain tells whose history."""

    sequence: int
    chain: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """What the first record of an epoch says of the history behind it.

    `lineage`: where each earlier epoch ended, oldest first. `waypoints`: places on the way, the newest without a gap,
    older ones ever sparser: a reader on another branch finds there where the branches part.
    """

    lineage: tuple[Point, ...]
    waypoints: tuple[Point, ...] = ()

    @property
    def previous(self) -> Point:
        """What the epoch follows."""
        return self.lineage[-1]


@dataclass(frozen=True, slots=True)
class Record:
    """The part of an event that the protocol decides on.

    `erases`: its effect removes everything about its key. `opens`: it is the first of an epoch.
    """

    lane: Lane
    sequence: int
    chain: bytes
    event_id: UUID
    key: str
    erases: bool = False
    opens: Opening | None = None

    @property
    def subject(self) -> Subject:
        return self.lane, self.key


@dataclass(frozen=True, slots=True)
class Mark:
    """The last event of a lane whose effects are committed. Without a chain (start, admin skip) any successor fits."""

    sequence: int = 0
    chain: bytes | None = None

    @property
    def epoch(self) -> int:
        return epoch_of(self.sequence)

    def after(self, record: Record) -> "Mark":
        """The mark once this record is applied or parked."""
        return Mark(record.sequence, record.chain)


@dataclass(frozen=True, slots=True)
class Watermark:
    """Told by the relay behind the data: where the source's lane ends. Of the head, never of the cursor."""

    lane: Lane
    epoch: int
    floor: int
    head: int
    chain: bytes


@dataclass(frozen=True, slots=True)
class Rewound:
    """Told by the relay: what follows was sent before; it starts again after `to`."""

    lane: Lane
    to: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Told by the source: the rows below `floor` are gone."""

    lane: Lane
    floor: int


@dataclass(frozen=True, slots=True)
class Verified:
    """The source's answer to one verification."""

    lane: Lane
    nonce: str
    known: bool


Signal: TypeAlias = Watermark | Rewound | Refused | Verified


@dataclass(frozen=True, slots=True)
class Progress:
    """The mark moved."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A record beyond the next one was read, and dropped."""

    sequence: int


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A record that contradicts the mark's history was read, and dropped; kept here if it opens an epoch."""

    sequence: int
    opening: Record | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed. `at_end`: the last fetch, made after any re-read began, reached the end of the lane's partition.

    Not "nothing has arrived since": under steady traffic that is never true, and no gap would heal.
    """

    at_end: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """In a stopped lane the first record of a new epoch was read: what an operator needs to accept it."""

    record: Record


Sight: TypeAlias = Progress | Gap | Suspicion | Opened | Signal | Tick


@dataclass(frozen=True, slots=True)
class Nak:
    """Ask the source on control to send again what follows `to`."""

    lane: Lane
    to: int


@dataclass(frozen=True, slots=True)
class Verify:
    """Ask the source on control whether its history holds the mark."""

    lane: Lane
    sequence: int
    chain: bytes | None
    nonce: str


Request: TypeAlias = Nak | Verify  # told on control: soft state, may be lost


class Failure(Enum):
    TRANSIENT = auto()  # connection, serialisation, deadlock, 5xx: says nothing about the event
    TIMEOUT = auto()
    PERMANENT = auto()  # schema or domain error
    DIED = auto()  # the process did not survive an attempt: found as counted attempts when the event is met again


@dataclass(frozen=True, slots=True)
class Question:
    """A verification under way, and the mark that it asks about."""

    nonce: str
    sequence: int
    asked_at: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """The floor below which a rewind was refused, and the mark that must move while the log is read again."""

    floor: int
    sequence: int


@dataclass(frozen=True, slots=True)
class LaneWatch:
    """What a consumer remembers of a lane besides the mark. Soft: a new owner of the partition starts afresh."""

    lane: Lane
    progressed_at: float
    high: int = 0  # highest sequence heard of
    nak_at: float | None = None  # a rewind asked for and not yet seen
    suspected: bool = False
    question: Question | None = None
    unknown: int = 0  # answers in a row that did not know the mark
    rereading: Refusal | None = None
    opening: Record | None = None  # the epoch that raised the suspicion: should the lane stop, an operator needs it


@dataclass(frozen=True, slots=True)
class Row:
    """An outbox row's place in its lane. `opens_after`: of an epoch's first row, the sequence that it follows."""

    sequence: int
    event_id: UUID
    chain: bytes
    opens_after: int | None = None


@dataclass(frozen=True, slots=True)
class SourceLane:
    """A lane at its source: `floor` = highest sequence ever dropped + 1; `head` = last one given, with its `chain`.

    `lineage`: where its earlier epochs ended, oldest first.
    """

    floor: int
    head: int
    chain: bytes
    lineage: tuple[Point, ...] = ()

    @property
    def epoch(self) -> int:
        return epoch_of(self.head)


LaneNumber: TypeAlias = tuple[str, int]  # topic and lane of one source


@dataclass(frozen=True, slots=True)
class Child:
    """One day of the outbox: the highest sequence that it holds per lane."""

    name: str
    highest: Mapping[LaneNumber, int]


@dataclass(frozen=True, slots=True)
class Trace:
    """One event that a reader's mark has passed: what it remembers of its own history."""

    sequence: int
    chain: bytes
    event_id: UUID
    type: str = ""

    @property
    def point(self) -> Point:
        return Point(self.sequence, self.chain)
