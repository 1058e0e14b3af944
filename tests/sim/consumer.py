"""The consumer's shell in the virtual world: fetch, apply, watch, commit the offsets."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from libs.eventbus.answers import Demand, HaltGroup, HaltLane, Reread
from libs.eventbus.lanes import epoch_of
from libs.eventbus.protocol import watch
from libs.eventbus.protocol_epochs import first_of
from libs.eventbus.words import Lane, LaneNumber, LaneWatch, Mark, Opened, Record, Sight, Signal, Tick, Verified
from tests.sim.applying import Applier, Seens
from tests.sim.effects import ConsumerDatabase, Handler
from tests.sim.log import PARTITIONS, Log
from tests.sim.relay import partition_of
from tests.sim.source import LANES
from tests.sim.world import Body, Process

FETCHED = 50
MEMBERS = ("consumer-0", "consumer-1")


@dataclass(eq=False, slots=True)
class _Reader:
    """What a consumer process knows; lost when it dies."""

    applier: Applier
    log: Log
    incarnation: int
    positions: dict[int, int] = field(default_factory=dict)
    at_end: dict[int, bool] = field(default_factory=dict)  # whether the last fetch reached the end
    watches: dict[Lane, LaneWatch] = field(default_factory=dict)


@dataclass(eq=False)
class Consumers:
    """The members of one group. Each reads one of the logs: `reads` says which; where both do, they share it."""

    database: ConsumerDatabase
    logs: Sequence[Log]
    handler: Handler
    reported: dict[LaneNumber, int]
    assignment: dict[int, str] = field(default_factory=lambda: {n: f"consumer-{n % 2}" for n in range(PARTITIONS)})
    latency: float = 0.0
    reads: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MEMBERS, 0))

    def body(self, process: Process) -> Body:
        world, wait = self.database.world, 0.02
        clean = process.name not in self.database.unclean
        applier = Applier(self.database, self.handler, process, clean, self.latency, dict(self.database.halted))
        log = self.logs[self.reads[process.name]]
        reader = _Reader(applier, log, log.incarnation)
        self.database.unclean.add(process.name)
        while True:
            yield wait * (0.5 + world.random.random())
            if self.database.group_halted is not None:
                wait = 2.0
                continue
            self._release(reader)
            self._take_assignment(process, reader)
            fetched = self._fetch(reader)
            items = [item for entries in fetched.values() for entry in entries for item in entry]
            if items:
                seen = yield from applier.apply(items)
                yield from self._settle(reader, {n: len(entries) for n, entries in fetched.items()}, seen)
            self._tick(reader)
            wait = 0.02 if items else min(1.0, wait * 1.5)

    def _take_assignment(self, process: Process, reader: _Reader) -> None:
        owned = {number for number in self.assignment if self._owner(number, reader.log) == process.name}
        if reader.incarnation != reader.log.incarnation:
            reader.incarnation = reader.log.incarnation
            reader.positions.clear()
        for number in set(reader.positions) - owned:
            del reader.positions[number]
        for number in owned - set(reader.positions):
            reader.positions[number] = reader.log.committed.get(number, 0)
        now = self.database.world.now
        kept = {lane: watch for lane, watch in reader.watches.items() if partition_of(lane) in owned}
        reader.watches = {lane: kept.get(lane, LaneWatch(lane, now)) for lane in LANES if partition_of(lane) in owned}
        if self.database.world.random.random() < 0.05:
            self._report(reader.log)

    def _owner(self, number: int, log: Log) -> str:
        """Who reads this partition of this log: the one it is assigned to, if that member reads this log at all."""
        here = [name for name, place in self.reads.items() if self.logs[place] is log]
        return self.assignment[number] if self.assignment[number] in here or not here else here[0]

    def _release(self, reader: _Reader) -> None:
        """Lanes that an operator let go on are read again, from where their marks stand now."""
        for lane in sorted(reader.applier.halted.keys() - self.database.halted.keys()):
            high = first_of(reader.applier.halted.pop(lane))
            if lane in reader.watches:
                reader.watches[lane] = LaneWatch(lane, self.database.world.now, high=high)

    def _report(self, log: Log) -> None:
        if self.database.world.random.random() >= log.control_loss:
            for lane, mark in self.database.marks.items():
                self.reported[lane.topic, lane.number] = mark.sequence

    def _fetch(self, reader: _Reader) -> dict[int, list[tuple[Record | Signal, ...]]]:
        fetched = {}
        for number in sorted(reader.positions):
            entries = reader.log.partitions[number]
            if reader.positions[number] > len(entries):
                reader.positions[number] = 0
            start = reader.positions[number]
            fetched[number] = entries[start : start + FETCHED]
            reader.at_end[number] = start + FETCHED >= len(entries)
        return fetched

    def _settle(self, reader: _Reader, read: dict[int, int], seen: Seens) -> Body:
        """After the commit of the effects: positions, what the lanes' watches demand, and the stored offsets."""
        for number, count in read.items():
            reader.positions[number] += count
        reached = dict(reader.positions)
        for one in seen:
            if isinstance(one.sight, Opened):
                self._keep_opening(reader, one.sight.record)
            self._watch(reader, one.lane, one.mark, one.sight)
        yield self.database.world.moment()
        for number, position in reached.items():
            reader.log.commit(number, position)

    def _keep_opening(self, reader: _Reader, opening: Record) -> None:
        self.database.keep_opening(opening)
        reader.applier.halted[opening.lane] = epoch_of(opening.sequence)

    def _tick(self, reader: _Reader) -> None:
        for lane in list(reader.watches):
            number = partition_of(lane)
            self._watch(reader, lane, self.database.marks[lane], Tick(reader.at_end[number]))

    def _watch(self, reader: _Reader, lane: Lane, mark: Mark, sight: Sight) -> None:
        if lane not in reader.watches:
            return
        world, before = self.database.world, reader.watches[lane]
        nonce = f"{world.random.getrandbits(32):08x}" if isinstance(sight, Tick) else ""
        reader.watches[lane], demands = watch(before, mark, sight, now=world.now, nonce=nonce)
        if isinstance(sight, Verified) and before.suspected and not reader.watches[lane].suspected:
            world.counts["absorbed foreign records"] += 1
        for demand in demands:
            self._demand(reader, demand)

    def _demand(self, reader: _Reader, demand: Demand) -> None:
        world = self.database.world
        world.note(f"demand {demand}")
        world.counts[f"asked {type(demand).__name__.lower()}"] += 1
        match demand:
            case Reread(lane):
                reader.positions[partition_of(lane)] = 0
                reader.at_end[partition_of(lane)] = False
            case HaltLane(lane, reason, opening):
                reader.applier.halt(lane, reason)
                if opening is not None:
                    self._keep_opening(reader, opening)
            case HaltGroup(lane, reason):
                self.database.group_halted = (lane, reason)
            case _:
                reader.log.ask(demand)
