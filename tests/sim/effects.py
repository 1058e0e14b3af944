"""The consumer's database: effects, marks, parked events and attempts, changed together or not at all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import TypeAlias
from uuid import UUID

from libs.eventbus.answers import Acceptance, Action, BatchPlan
from libs.eventbus.words import Failure, Lane, Mark, Record, Subject, Trace
from tests.sim.source import LANES
from tests.sim.world import Died, Locks, World

Place: TypeAlias = tuple[Lane, int]


@dataclass(frozen=True, slots=True)
class Effect:
    """One event took effect."""

    record: Record
    at: float


class Status(Enum):
    OPEN = auto()
    REPLAYED = auto()
    DISCARDED = auto()


@dataclass(frozen=True, slots=True)
class Parked:
    record: Record
    failed: bool
    status: Status


@dataclass(frozen=True, slots=True)
class Alarm:
    """A lane was stopped, loudly: the first time."""

    reason: str
    at: float


_TABLES = (
    "marks",
    "effects",
    "parked",
    "attempts",
    "alarms",
    "unclean",
    "halted",
    "openings",
    "kept",
    "accepted",
)


@dataclass(eq=False)
class ConsumerDatabase:
    """What survives the consumers' deaths. Its public state is what the checker sees of them."""

    world: World
    locks: Locks
    marks: dict[Lane, Mark] = field(default_factory=lambda: dict.fromkeys(LANES, Mark()))
    effects: list[Effect] = field(default_factory=list)
    parked: dict[Place, Parked] = field(default_factory=dict)
    attempts: Counter[Place] = field(default_factory=Counter)
    alarms: dict[Lane, Alarm] = field(default_factory=dict)
    group_halted: tuple[Lane, str] | None = None
    unclean: set[str] = field(default_factory=set)
    halted: dict[Lane, int] = field(default_factory=dict)  # each with the newest epoch heard of since
    openings: dict[Lane, Record] = field(default_factory=dict)
    trail: dict[Lane, list[Trace]] = field(default_factory=lambda: {lane: [] for lane in LANES})
    kept: set[UUID] = field(default_factory=set)
    accepted: dict[Lane, float] = field(default_factory=dict)

    def alarm(self, lane: Lane, reason: str) -> None:
        """Somebody is told that the lane stopped."""
        self.halted.setdefault(lane, 0)
        self.alarms.setdefault(lane, Alarm(reason, self.world.now))

    def open_subjects(self) -> set[Subject]:
        return {row.record.subject for row in self.parked.values() if row.status is Status.OPEN}

    def open_rows(self, subject: Subject) -> list[Parked]:
        """Open parked events of a subject, lowest sequence first."""
        rows = [row for row in self.parked.values() if row.status is Status.OPEN and row.record.subject == subject]
        return sorted(rows, key=lambda row: row.record.sequence)

    def write(self, plan: BatchPlan) -> None:
        """The steps' effects, then the marks: the body of one commit."""
        for step in plan.steps:
            record = step.record
            match step.action:
                case Action.APPLY:
                    self._apply(record)
                case Action.ERASE:
                    self._apply(record)
                    self._discard(record.subject)
                case Action.PARK:
                    self.park(record, failed=False, status=Status.OPEN)
                case Action.DISCARD:
                    self.park(record, failed=False, status=Status.DISCARDED)
                case Action.KNOWN:
                    self.world.counts["absorbed events that were known"] += 1
            self._pass(record)
        self.marks.update(plan.marks)
        self.world.counts["absorbed duplicates"] += plan.skipped

    def keep_opening(self, record: Record) -> None:
        """How a halted lane's source goes on is known to whoever accepts it."""
        if record.lane in self.halted:
            self.openings[record.lane] = record

    def accept(self, lane: Lane, plan: Acceptance) -> None:
        """The branch that the source forgot is given up: the body of one commit."""
        waiting = {
            trace.event_id
            for trace in plan.forgotten
            if (row := self.parked.get((lane, trace.sequence))) and row.status is Status.OPEN
        }
        for row in [row for row in self.parked.values() if row.record.event_id in waiting]:
            self._resolve(row, Status.DISCARDED)
        self.kept.update(trace.event_id for trace in (*plan.unsure, *plan.forgotten) if trace.event_id not in waiting)
        self.trail[lane] = [trace for trace in self.trail[lane] if trace.sequence <= plan.resume.sequence]
        for place in [place for place in self.attempts if place[0] == lane]:
            del self.attempts[place]
        self.marks[lane] = plan.resume
        self.accepted[lane] = self.world.now
        for told in (self.halted, self.openings, self.alarms):
            told.pop(lane)
        self.world.counts["absorbed acceptances"] += 1
        self.world.counts["absorbed forgotten events"] += len(plan.forgotten)

    def _pass(self, record: Record) -> None:
        self.trail[record.lane].append(Trace(record.sequence, record.chain, record.event_id))
        self.world.counts["absorbed epochs followed"] += record.opens is not None

    def park(self, record: Record, *, failed: bool, status: Status) -> None:
        self.world.counts["absorbed parked" if failed else "absorbed parked behind"] += 1
        self.parked[record.lane, record.sequence] = Parked(record, failed, status)

    def set_aside(self, record: Record, after: Mark) -> None:
        """The failed event is parked, the mark passes it."""
        self.park(record, failed=True, status=Status.OPEN)
        self.attempts.pop((record.lane, record.sequence), None)
        self.marks[record.lane] = after
        self._pass(record)

    def replay(self, row: Parked) -> None:
        """The parked event takes effect."""
        self.world.counts["absorbed replays"] += 1
        self._resolve(row, Status.REPLAYED)
        self._apply(row.record)

    def _apply(self, record: Record) -> None:
        self.effects.append(Effect(record, self.world.now))
        self.attempts.pop((record.lane, record.sequence), None)

    def _discard(self, subject: Subject) -> None:
        for row in self.open_rows(subject):
            self.world.counts["absorbed discards by erasure"] += 1
            self._resolve(row, Status.DISCARDED)

    def _resolve(self, row: Parked, status: Status) -> None:
        self.parked[row.record.lane, row.record.sequence] = replace(row, status=status)

    def snapshot(self) -> "ConsumerDatabase":
        kept = copy(self)
        for name in _TABLES:
            setattr(kept, name, copy(getattr(self, name)))
        kept.trail = {lane: list(traces) for lane, traces in self.trail.items()}
        return kept

    def restore(self, snapshot: "ConsumerDatabase") -> None:
        """Back to an older point, effects and marks together."""
        again = snapshot.snapshot()
        for name in (*_TABLES, "trail", "group_halted"):
            setattr(self, name, getattr(again, name))


class Poison(Enum):
    RAISES = auto()
    KILLS = auto()
    HANGS = auto()


@dataclass(eq=False)
class Handler:
    """The fold's seam: what happens when events are handled."""

    world: World
    share: Mapping[Poison, float]
    transient: float
    poisoned: dict[UUID, Poison | None] = field(default_factory=dict)
    outage_until: float = 0.0
    deaths: Counter[UUID] = field(default_factory=Counter)
    ever_poisoned: set[UUID] = field(default_factory=set)
    cured: bool = False

    def poison(self, record: Record) -> Poison | None:
        """Decided once per event, at its first sight. Neither an erasure nor an epoch's first record is ever poison."""
        if record.event_id not in self.poisoned:
            self.poisoned[record.event_id] = poison = None if _healthy(record) or self.cured else self._draw()
            if poison is not None:
                self.ever_poisoned.add(record.event_id)
        return None if self.cured else self.poisoned[record.event_id]

    def cure(self) -> None:
        """What was poison so far no longer is."""
        self.poisoned = dict.fromkeys(self.poisoned)

    def _draw(self) -> Poison | None:
        luck = self.world.random.random()
        for kind, share in self.share.items():
            luck -= share
            if luck < 0:
                self.world.counts[f"injected poison that {kind.name.lower()}"] += 1
                return kind
        return None

    def works(self) -> bool:
        """Whether the database answers."""
        return self.world.now >= self.outage_until

    def hiccup(self) -> Failure | None:
        """A failure that says nothing about the events: the database is away, or a connection was lost."""
        if not self.works():
            return self.world.random.choice((Failure.TRANSIENT, Failure.TIMEOUT))
        failed = self.world.random.random() < self.transient
        self.world.counts["injected transient failures"] += failed
        return Failure.TRANSIENT if failed else None

    def handle(self, records: Sequence[Record]) -> Failure | None:
        """The first thing that goes wrong when the records are handled in order. Raises: Died."""
        for record in records:
            match self.poison(record):
                case Poison.KILLS:
                    self.deaths[record.event_id] += 1
                    raise Died
                case Poison.HANGS:
                    return Failure.TIMEOUT
                case Poison.RAISES:
                    return Failure.PERMANENT
        return None


def _healthy(record: Record) -> bool:
    return record.erases or record.opens is not None
