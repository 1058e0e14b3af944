"""The source's shells in the virtual world: the relay (read, send, compare-and-set, watermarks) and the answers."""

from collections.abc import Generator
from dataclasses import dataclass, field

from libs.eventbus.answers import Hole, Idle, Jump, Rewind, Send
from libs.eventbus.protocol import relay_plan, source_reply, watermark_due
from libs.eventbus.words import Lane, Nak, Record, Rewound, Watermark
from tests.sim.log import PARTITIONS, Entry, Log
from tests.sim.source import BUSES, Source, row_of
from tests.sim.world import Body, Process

ROWS_PER_LANE = 10


def partition_of(lane: Lane) -> int:
    """The partition of a lane."""
    return lane.number % PARTITIONS


@dataclass(frozen=True, slots=True)
class Round:
    """One lane in one consistent read."""

    lane: Lane
    plan: Send | Jump | Hole | Idle
    rows: list[Record]
    watermark: Watermark

    @property
    def drained(self) -> bool:
        sent_all = isinstance(self.plan, Send) and self.plan.cursor_to == self.watermark.head
        return sent_all or isinstance(self.plan, Idle)


@dataclass(eq=False)
class Leadership:
    """Which relay leads; a split brain lets both."""

    leader: str = "relay-0"
    both: bool = False


@dataclass(eq=False, slots=True)
class _Memory:
    """What a relay process knows of its own rounds; lost when it dies."""

    last_seen: dict[Lane, int] = field(default_factory=dict)
    changed_at: dict[int, float] = field(default_factory=dict)
    written_at: dict[int, float] = field(default_factory=dict)


@dataclass(eq=False)
class Relays:
    """The relay processes of one source."""

    source: Source
    log: Log
    leadership: Leadership
    latency: float = 0.0
    bus: str = BUSES[0]

    def body(self, process: Process) -> Body:
        world, memory, wait = self.source.world, _Memory(), 0.02
        while True:
            yield wait * (0.5 + world.random.random())
            if self.source.refusing or (self.leadership.leader != process.name and not self.leadership.both):
                continue
            busy = yield from self._round(process, memory)
            wait = 0.02 if busy else min(1.0, wait * 1.5)

    def _round(self, process: Process, memory: _Memory) -> Generator[float, None, bool]:
        world = self.source.world
        rounds = [self._read(lane, memory) for lane in self.source.lanes]
        yield world.moment()
        for number in range(PARTITIONS):
            mine = [one for one in rounds if partition_of(one.lane) == number]
            entries = [entry for one in mine for entry in self._entries(one)]
            if entries:
                yield world.random.random() * self.latency
                self.log.append(number, entries)
                process.delicate = True  # sent, and the cursor does not know yet
                memory.changed_at[number] = world.now
            self._tell_watermarks(number, mine, memory)
            yield world.moment()
        for one in rounds:
            self._advance(one, memory)
        process.delicate = False
        return any(not isinstance(one.plan, Idle | Hole) for one in rounds)

    def _read(self, lane: Lane, memory: _Memory) -> Round:
        state = self.source.lanes[lane]
        cursor = state.cursors[self.bus]
        rows = self.source.outbox(lane, after=cursor, limit=ROWS_PER_LANE)
        plan = relay_plan(
            [row_of(row) for row in rows],
            cursor=cursor,
            floor=state.floor,
            head=state.head,
            last_seen=memory.last_seen.get(lane),
        )
        if isinstance(plan, Hole):
            # A child that is detached to be looked at hides its rows for a moment; nothing else may.
            self.source.world.counts["seen holes"] += not self.source.detached
            self.source.world.note(f"relay: hole in lane {lane.number} at {plan.expected}")
        watermark = Watermark(lane, self.source.state(lane).epoch, state.floor, state.head, state.chain)
        return Round(lane, plan, rows, watermark)

    def _entries(self, one: Round) -> list[Entry]:
        if not isinstance(one.plan, Send):
            return []
        sent: list[Entry] = [(row,) for row in one.rows[: one.plan.count]]
        if one.plan.rewound_to is None:
            return sent
        self.source.world.counts["absorbed rewinds carried out"] += 1
        return [(Rewound(one.lane, one.plan.rewound_to),), *sent]

    def _tell_watermarks(self, number: int, mine: list[Round], memory: _Memory) -> None:
        due = watermark_due(
            changed_at=memory.changed_at.get(number, 0.0),
            written_at=memory.written_at.get(number),
            drained=all(one.drained for one in mine),
            now=self.source.world.now,
        )
        if due:
            self.log.append(number, [tuple(one.watermark for one in mine)])
            memory.written_at[number] = self.source.world.now

    def _advance(self, one: Round, memory: _Memory) -> None:
        if not isinstance(one.plan, Send | Jump):
            return
        if isinstance(one.plan, Jump):
            self.source.world.counts["absorbed cursors below the floor"] += 1
        memory.last_seen[one.lane] = one.plan.cursor_to
        state = self.source.lanes[one.lane]
        if state.cursors[self.bus] == one.plan.cursor_from:
            state.cursors[self.bus] = one.plan.cursor_to
        else:
            self.source.world.counts["absorbed lost cursor races"] += 1


@dataclass(eq=False)
class Answers:
    """Any process of the source that reads control and carries out the replies."""

    source: Source
    log: Log

    def body(self, process: Process) -> Body:
        world = self.source.world
        while True:
            yield 0.1 + 0.2 * world.random.random()
            for asked in [] if self.source.refusing else self.log.take_requests():
                lane, request = asked.request.lane, asked.request
                wanted = request.to if isinstance(request, Nak) else request.sequence
                reply = source_reply(
                    request,
                    self.source.state(lane),
                    self.source.row_from(lane, wanted),
                    age_seconds=world.now - asked.at,
                )
                yield world.moment()
                world.note(f"{process.name}: {request} -> {reply}")
                if isinstance(reply, Rewind):
                    cursors = self.source.lanes[lane].cursors
                    cursors.update((bus, min(cursor, reply.to)) for bus, cursor in cursors.items())
                elif reply is not None:
                    self.log.append(partition_of(lane), [(reply,)])
