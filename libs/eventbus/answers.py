"""What the event bus protocol can decide: each shell carries out one of these in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from libs.eventbus.words import Child, Lane, LaneNumber, LaneWatch, Mark, Nak, Record, Sight, Trace, Verify


class Judgement(Enum):
    SKIP = auto()
    APPLY = auto()
    GAP = auto()
    SUSPECT = auto()


class Action(Enum):
    APPLY = auto()
    ERASE = auto()  # apply, and discard the open parked rows of the subject
    PARK = auto()  # waits behind an open parked row of its subject
    DISCARD = auto()  # would wait, but the subject is erased later in this batch: kept as discarded
    KNOWN = auto()  # took effect before its source forgot it, and is said again under the same id


@dataclass(frozen=True, slots=True)
class Step:
    record: Record
    action: Action


@dataclass(frozen=True, slots=True)
class Seen:
    """Something for `watch`, with the lane's mark at that place of the partition."""

    lane: Lane
    mark: Mark
    sight: Sight


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """Carried out in one transaction: steps in order, then `marks` (moved ones only). `seen` goes to watch after it."""

    steps: tuple[Step, ...]
    marks: Mapping[Lane, Mark]
    seen: tuple[Seen, ...]
    skipped: int


class Remedy(Enum):
    RETRY = auto()  # the same again after a pause, never the next event; a counted attempt is taken back
    AGAIN = auto()  # the same again after a pause; the attempt stays counted
    HALVES = auto()  # redo each half of the batch by itself: few events are bad, the others go on together
    SINGLE = auto()  # redo the batch event by event, each in its own transaction
    PARK = auto()
    HALT = auto()  # stop the lane, loudly


@dataclass(frozen=True, slots=True)
class Reread:
    """Read the lane's partition again from the log's start, before the next Tick."""

    lane: Lane


@dataclass(frozen=True, slots=True)
class HaltLane:
    """The source's history does not hold the mark: it was restored. Stop the lane, loudly, until an operator acts."""

    lane: Lane
    reason: str
    opening: Record | None = None  # how the source goes on, if that was heard already


@dataclass(frozen=True, slots=True)
class HaltGroup:
    """Events are gone from outbox and log. Stop the group, loudly, until an operator acts."""

    lane: Lane
    reason: str


Demand: TypeAlias = Nak | Verify | Reread | HaltLane | HaltGroup


Watched: TypeAlias = tuple[LaneWatch, tuple[Demand, ...]]


@dataclass(frozen=True, slots=True)
class Send:
    """Send the first `count` rows, behind a Rewound marker if `rewound_to` is set, then compare-and-set the cursor."""

    count: int
    rewound_to: int | None
    cursor_from: int
    cursor_to: int


@dataclass(frozen=True, slots=True)
class Jump:
    """Compare-and-set the cursor to the floor, with an alarm: what lies between was dropped."""

    cursor_from: int
    cursor_to: int


@dataclass(frozen=True, slots=True)
class Hole:
    """Stop the lane and say so: a row that was committed is not there. Nothing beyond it may be sent."""

    expected: int


@dataclass(frozen=True, slots=True)
class Idle:
    """Everything was handed over."""


@dataclass(frozen=True, slots=True)
class Rewind:
    """Lower every bus's cursor of the lane to at most `to`; the relay then tells Rewound in the lane."""

    lane: Lane
    to: int


@dataclass(frozen=True, slots=True)
class MoveFloor:
    """Commit `floors` first; then drop each of `children`, unless a row at or above its lane's floor is in it.

    The other way round, a reader that misses a row would find no floor that explains it. And a clock step back can put
    a new row into an old child.
    """

    children: tuple[Child, ...]
    floors: Mapping[LaneNumber, int]
    forced_past: tuple[str, ...]  # groups that lose rows to the cap: alarm


@dataclass(frozen=True, slots=True)
class KeepAll:
    """Nothing may go."""

    held_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """In one transaction: the mark goes back to `resume`, the `forgotten` are kept, what is parked of them discarded.

    Those of `unsure` lie where the branches could not be told apart to the event: they are kept as well, but what is
    parked of them stays for an operator.
    """

    resume: Mark
    forgotten: tuple[Trace, ...]
    unsure: tuple[Trace, ...] = ()


@dataclass(frozen=True, slots=True)
class Stranger:
    """No place is known that both histories share: nothing can be accepted, the group needs a snapshot."""
