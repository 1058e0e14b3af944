"""One seed: build the world of its mix, let it run, judge it."""

from collections import Counter
from dataclasses import dataclass
from random import Random

from tests.sim.checker import Verdict, check
from tests.sim.consumer import Consumers
from tests.sim.effects import ConsumerDatabase, Handler
from tests.sim.faults import Faults
from tests.sim.log import Log
from tests.sim.mixes import MIXES, Mix
from tests.sim.operators import Acceptances, Operators
from tests.sim.relay import Answers, Leadership, Relays
from tests.sim.retention import Retention
from tests.sim.source import BUSES, LaneState, Source, Writers
from tests.sim.world import Locks, Process, World

BOUND_SECONDS = 1500.0  # two regular watermarks, should the first be lost, and the requests that follow

DISRUPTIONS = (
    "wipes",
    "tail losses",
    "source restores",
    "new epochs",
    "consumer restores",
    "control losses",
    "crashes",
    "moves",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one seed came to; the trace is kept only of failures."""

    mix: str
    seed: int
    failures: tuple[str, ...]
    counts: Counter[str]
    events: int
    trace: tuple[str, ...]


@dataclass(eq=False)
class Scene:
    """Everything in one virtual world."""

    world: World
    mix: Mix

    def __post_init__(self) -> None:
        mix, world = self.mix, self.world
        self.logs = tuple(Log(world, control_loss=mix.control_loss) for _ in BUSES)
        self.log = self.logs[0]
        self.source = Source(world, Locks(world))
        self.database = ConsumerDatabase(world, Locks(world))
        self.handler = Handler(world, mix.poison, mix.transient)
        self.retention = Retention(self.source, mix.kept_days, {"group": {}})
        self.writers = Writers(
            self.source, mix.keys, mix.mean_pause, mix.rollback, mix.erasure, clock_steps_back=mix.clock_steps_back
        )
        leadership = Leadership(both=mix.two_leaders)
        self.relays = Relays(self.source, self.log, leadership, latency=mix.relay_latency)
        self.second = Relays(self.source, self.logs[1], leadership, latency=mix.relay_latency, bus=BUSES[1])
        reported = self.retention.reported["group"]
        self.consumers = Consumers(self.database, self.logs, self.handler, reported, latency=mix.consumer_latency)
        self.faults = Faults(
            mix, self.writers, self.relays, self.consumers, self._source_processes(), self._consumer_processes()
        )
        world.start("faults", self.faults.body)

    def _source_processes(self) -> list[Process]:
        start, answers = self.world.start, Answers(self.source, self.log)
        also = []
        if self.mix.two_buses:
            also = [
                start("relay-0", self.second.body),
                start("relay-1", self.second.body),
                start("answers also", Answers(self.source, self.logs[1]).body),
            ]
        return [
            *also,
            start("writer-0", self.writers.body),
            start("writer-1", self.writers.body),
            start("relay-0", self.relays.body),
            start("relay-1", self.relays.body),
            start("answers", answers.body),
            start("retention", self.retention.body),
        ]

    def _consumer_processes(self) -> list[Process]:
        start, operators = self.world.start, Operators(self.database, self.handler)
        return [
            start("consumer-0", self.consumers.body),
            start("consumer-1", self.consumers.body),
            start("operator-0", operators.body),
            start("operator-1", operators.body),
            *([start("acceptances", Acceptances(self.database).body)] if self.mix.heals_restores else ()),
        ]

    def _sent(self, state: LaneState) -> int:
        """How far every bus that is fed has got."""
        return min(state.cursors.values()) if self.mix.two_buses else state.cursors[BUSES[0]]

    def at_rest(self) -> bool:
        """Whether nothing is left to do: every lane read to its source's end and relayed, or stopped."""
        if not self.world.calm or self.database.group_halted is not None:
            return self.database.group_halted is not None
        if self.source.refusing or (self.mix.heals_restores and self.database.alarms):
            return False
        waiting = {lane for lane, _ in self.database.open_subjects()}
        return all(
            lane in self.database.alarms
            or (
                lane not in waiting
                and self._sent(state) == state.head == self.database.marks[lane].sequence
                and (state.head == 0 or self.database.marks[lane].chain == state.chain)
            )
            for lane, state in self.source.lanes.items()
        )


def run_seed(mix: Mix, seed: int) -> Outcome:
    """The outcome of one seed; the same for ever, as long as neither protocol nor model changes."""
    world = World(Random(f"{mix.name} {seed}"))
    scene = Scene(world, mix)
    drained = world.run(until=scene.at_rest, deadline=mix.seconds + BOUND_SECONDS)
    verdict = Verdict(
        mix,
        drained,
        scene.faults.losses,
        scene.handler.ever_poisoned,
        scene.logs[0].holds() | scene.logs[1].holds(),
        scene.handler.deaths,
        holes=world.counts["seen holes"],
        naks=world.counts["asked nak"],
        disruptions=sum(world.counts[f"injected {name}"] for name in DISRUPTIONS),
    )
    failures = check(scene.source, scene.database, verdict)
    world.counts["absorbed restores"] += len(scene.database.alarms) + len(scene.database.accepted)
    events = sum(len(state.history) for state in scene.source.lanes.values())
    trace = tuple(f"{at:9.3f}  {what}" for at, what in world.trace) if failures else ()
    return Outcome(mix.name, seed, tuple(failures), world.counts, events, trace)


def mix_of(seed: int) -> Mix:
    """Seeds go round the mixes."""
    return MIXES[seed % len(MIXES)]
