"""The source: business transactions, their outbox lanes, and restores to an older point."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from libs.eventbus.lanes import CHAIN_START, chain_next, epoch_of
from libs.eventbus.protocol_epochs import first_of, next_epoch, waypoint_sequences
from libs.eventbus.words import Child, Lane, LaneNumber, Opening, Point, Record, Row, SourceLane
from tests.sim.world import Aborted, Body, Locks, Process, Transaction, World

LANE_COUNT = 4
LANES = tuple(Lane("source", "topic", number) for number in range(LANE_COUNT))
DAY_SECONDS = 20.0
BUSES = ("first", "second")
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_CALENDAR = timedelta(minutes=10)  # by the calendar that numbers epochs, a second of this world lasts so long


@dataclass(frozen=True, slots=True)
class Said:
    """A fact to tell: its id is fixed before its place in the lane is."""

    event_id: UUID
    lane: Lane
    key: str
    erases: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """An outbox row."""

    record: Record
    day: int


@dataclass(frozen=True, slots=True)
class Committed:
    """The checker's knowledge of one event."""

    record: Record
    at: float


@dataclass(slots=True)
class LaneState:
    head: int = 0
    chain: bytes = CHAIN_START
    cursors: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BUSES, 0))
    floor: int = 1
    rows: dict[int, Stored] = field(default_factory=dict)
    history: list[Committed] = field(default_factory=list)
    lineage: tuple[Point, ...] = ()

    def copy(self) -> "LaneState":
        return replace(self, cursors=dict(self.cursors), rows=dict(self.rows), history=list(self.history))


@dataclass(eq=False)
class Source:
    """The source's database. `history` of a lane is what the checker goes by; retention takes rows, never history."""

    world: World
    locks: Locks
    lanes: dict[Lane, LaneState] = field(default_factory=lambda: {lane: LaneState() for lane in LANES})
    detached: set[int] = field(default_factory=set)
    resay: deque[Said] = field(default_factory=deque)
    said: int = 0
    silent: bool = False
    refusing: bool = False  # it was found to be restored: nothing is said, relayed or answered before a new epoch
    forgotten: set[Record] = field(default_factory=set)

    def day(self) -> int:
        return int(self.world.now / DAY_SECONDS)

    def append(self, said: Sequence[Said], *, day: int) -> None:
        """Number, chain and store the facts: the end of a transaction that holds the lanes' locks."""
        for fact in said:
            lane = self.lanes[fact.lane]
            lane.head += 1
            lane.chain = chain_next(lane.chain, fact.event_id)
            record = Record(fact.lane, lane.head, lane.chain, fact.event_id, fact.key, fact.erases)
            lane.rows[lane.head] = Stored(record, day)
            lane.history.append(Committed(record, self.world.now))

    def start_epoch(self) -> None:
        """Every lane goes on under numbers that nobody has heard yet: the body of one transaction."""
        newest = max(epoch_of(state.head) for state in self.lanes.values())
        epoch = next_epoch(newest, _BEGAN + _CALENDAR * self.world.now)
        for lane, state in self.lanes.items():
            state.lineage = (*state.lineage, Point(state.head, state.chain))
            wanted = set(waypoint_sequences([end.sequence for end in state.lineage])).intersection(state.rows)
            waypoints = tuple(Point(sequence, state.rows[sequence].record.chain) for sequence in sorted(wanted))
            event_id = UUID(int=self.world.random.getrandbits(128))
            chain = chain_next(state.chain, event_id)
            opens = Opening(state.lineage, waypoints)
            record = Record(lane, first_of(epoch), chain, event_id, "epoch", opens=opens)
            state.head, state.chain = record.sequence, chain
            state.rows[record.sequence] = Stored(record, self.day())
            state.history.append(Committed(record, self.world.now))
        self.refusing = False

    def outbox(self, lane: Lane, *, after: int, limit: int) -> list[Record]:
        """Rows above a sequence; a detached child's are not seen."""
        rows = self.lanes[lane].rows
        held = sorted(sequence for sequence in rows if sequence > after)[:limit]
        return [rows[sequence].record for sequence in held if rows[sequence].day not in self.detached]

    def row_from(self, lane: Lane, sequence: int) -> Row | None:
        found = self.outbox(lane, after=sequence - 1, limit=1)
        return row_of(found[0]) if found else None

    def state(self, lane: Lane) -> SourceLane:
        state = self.lanes[lane]
        return SourceLane(state.floor, state.head, state.chain, state.lineage)

    def children(self, days: Sequence[int]) -> list[Child]:
        return [Child(str(day), self.highest(day)) for day in days]

    def highest(self, day: int) -> dict[LaneNumber, int]:
        found: dict[LaneNumber, int] = {}
        for lane, state in self.lanes.items():
            held = [sequence for sequence, row in state.rows.items() if row.day == day]
            if held:
                found[lane.topic, lane.number] = max(held)
        return found

    def held_days(self) -> list[int]:
        return sorted({row.day for state in self.lanes.values() for row in state.rows.values()})

    def drop(self, day: int) -> None:
        for state in self.lanes.values():
            state.rows = {sequence: row for sequence, row in state.rows.items() if row.day != day}

    def raise_floors(self, floors: Mapping[LaneNumber, int]) -> None:
        for lane, state in self.lanes.items():
            state.floor = max(state.floor, floors.get((lane.topic, lane.number), 1))

    def snapshot(self) -> dict[Lane, LaneState]:
        return {lane: state.copy() for lane, state in self.lanes.items()}

    def restore(self, snapshot: Mapping[Lane, LaneState]) -> list[Said]:
        """Back to an older point, without a new epoch. Returns the facts that are forgotten by it.

        What an earlier restore forgot may be back.
        """
        kept = {done.record for state in snapshot.values() for done in state.history}
        gone = [done.record for state in self.lanes.values() for done in state.history if done.record not in kept]
        self.forgotten.update(gone)
        self.forgotten -= kept
        self.lanes = {lane: state.copy() for lane, state in snapshot.items()}
        known = {record.event_id for record in kept}
        self.resay = deque(said for said in self.resay if said.event_id not in known)
        lost = [record for record in gone if record.opens is None and record.event_id not in known]
        return [Said(record.event_id, record.lane, record.key, record.erases) for record in lost]


def row_of(record: Record) -> Row:
    """The record's place, as the relay reads it."""
    after = record.opens.previous.sequence if record.opens else None
    return Row(record.sequence, record.event_id, record.chain, after)


@dataclass(eq=False)
class Writers:
    """Business transactions: one to three facts each, some rolled back, all holding their lanes' counters meanwhile."""

    source: Source
    keys: int
    mean_pause: float
    rollback: float
    erasure: float
    clock_steps_back: float = 0.0

    def body(self, process: Process) -> Body:
        world = self.source.world
        while not world.calm:
            yield world.random.expovariate(1 / self.mean_pause)
            if world.calm or self.source.silent or self.source.refusing:
                continue
            said = self._facts()
            transaction = Transaction(self.source.locks, process)
            yield from transaction.lock(sorted({fact.lane for fact in said}))
            yield world.moment()
            if world.random.random() < self.rollback:
                world.counts["injected rollbacks"] += 1
                transaction.end()
                continue
            self._commit(transaction, said)

    def _facts(self) -> list[Said]:
        if self.source.resay:
            return [self.source.resay.popleft()]
        return [self._fact() for _ in range(self.source.world.random.randint(1, 3))]

    def _fact(self) -> Said:
        random = self.source.world.random
        number = random.randrange(self.keys)
        self.source.said += 1
        # Random, as a restored source draws new ids for new facts.
        event_id = UUID(int=random.getrandbits(128))
        return Said(event_id, LANES[number % LANE_COUNT], f"key-{number}", random.random() < self.erasure)

    def _commit(self, transaction: Transaction, said: list[Said]) -> None:
        world = self.source.world
        stepped = world.random.random() < self.clock_steps_back
        world.counts["injected clock steps back"] += stepped
        if self.source.refusing:
            transaction.end()
            return
        try:
            transaction.commit(lambda: self.source.append(said, day=max(0, self.source.day() - 2 * stepped)))
        except Aborted:
            transaction.end()
