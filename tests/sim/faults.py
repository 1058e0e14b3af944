"""What goes wrong in the virtual world, and when."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from libs.eventbus.words import Lane, Nak
from tests.sim.consumer import Consumers
from tests.sim.effects import ConsumerDatabase
from tests.sim.log import PARTITIONS, Asked, Entry, Log
from tests.sim.mixes import Mix
from tests.sim.relay import Relays
from tests.sim.source import LANES, LaneState, Writers
from tests.sim.world import Body, Process

ONCE = ("loss", "restore")


@dataclass(eq=False)
class Faults:
    """Strikes at random while the mix lasts, then lets everything come to rest."""

    mix: Mix
    writers: Writers
    relays: Relays
    consumers: Consumers
    source_processes: Sequence[Process]
    consumer_processes: Sequence[Process]
    losses: list[float] = field(default_factory=list)
    remembered: list[tuple[dict[Lane, LaneState], ConsumerDatabase]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.source, self.log, self.database = self.relays.source, self.relays.log, self.consumers.database
        self.logs = self.consumers.logs
        self.world = self.source.world

    def body(self, process: Process) -> Body:
        strikes = self._strikes()
        at = {name: self._next(name) for name in self.mix.faults}
        while at:
            name = min(at, key=lambda one: at[one])
            if at[name] > self.mix.seconds:
                break
            yield max(0.0, at[name] - self.world.now)
            strikes[name]()
            at.pop(name) if name in ONCE else at.update({name: self.world.now + self._next(name)})
        yield max(0.0, self.mix.seconds - self.world.now)
        self._rest()

    def _next(self, name: str) -> float:
        return self.world.random.expovariate(1 / self.mix.faults[name])

    def _rest(self) -> None:
        """No more traffic, faults or poison: from here on everything must heal by itself."""
        self.world.calm = True
        for log in self.logs:
            log.control_loss = 0.0
        if self.mix.heals_restores:
            self._new_epoch()
        self.consumers.handler.cured = True
        self.world.note("calm")

    def _strikes(self) -> dict[str, Callable[[], None]]:
        return {
            "crash": self._crash,
            "pause": self._pause,
            "wipe": self._wipe,
            "tail": self._tail,
            "loss": self._tail_of_all,
            "duplicate": self._duplicate,
            "late": self._late,
            "switch": self._switch,
            "rebalance": self._rebalance,
            "stale": self._stale,
            "cure": self._cure,
            "outage": self._outage,
            "remember": self._remember,
            "restore": self._restore,
            "restore consumer": self._restore_consumer,
            "restore and heal": self._restore_and_heal,
            "new epoch": self._new_epoch,
            "move": self._move,
        }

    def _struck(self, what: str, *, count: int = 1, detail: object = "") -> None:
        self.world.counts[f"injected {what}"] += count
        self.world.note(f"fault: {what} {detail}")

    def _anyone(self) -> Process:
        return self.world.random.choice([*self.source_processes, *self.consumer_processes])

    def _aim(self, process: Process, strike: Callable[[], None]) -> None:
        """At once, or better: at the process's next step between two writes that belong together."""
        if self.world.random.random() < 0.3:
            strike()
        else:
            process.ambush = strike

    def _crash(self) -> None:
        self._aim(process := self._anyone(), partial(self._kill, process))

    def _kill(self, process: Process) -> None:
        self._struck("crashes", detail=process.name)
        self.world.kill(process, down_seconds=0.1 + 2 * self.world.random.random())

    def _pause(self) -> None:
        self._aim(process := self._anyone(), partial(self._freeze, process, 40 * self.world.random.random() ** 2))

    def _freeze(self, process: Process, seconds: float) -> None:
        self._struck("pauses", detail=f"{process.name} {seconds:.1f} s")
        self.world.pause(process, seconds)

    def _lost(self, entries: int, what: str) -> None:
        if entries:
            self.losses.append(self.world.now)
            self._struck(what, detail=f"{entries} entries")

    def _wipe(self) -> None:
        self._lost(self._some_log().wipe(), "wipes")

    def _some_log(self) -> Log:
        """The one log, or where two are fed, either."""
        return self.world.random.choice(self.logs) if self.mix.two_buses else self.log

    def _tail(self) -> None:
        partition = self.world.random.randrange(PARTITIONS)
        self._lost(self._some_log().lose_tail(partition, self.world.random.randint(1, 12)), "tail losses")

    def _tail_of_all(self) -> None:
        if self.world.random.random() < 0.5:
            return self._wipe()
        lost = sum(self.log.lose_tail(number, self.world.random.randint(5, 40)) for number in range(PARTITIONS))
        return self._lost(lost, "tail losses")

    def _slice(self, longest: int) -> tuple[int, list[Entry]]:
        number = self.world.random.randrange(PARTITIONS)
        entries = self.log.partitions[number]
        start = self.world.random.randrange(len(entries) + 1)
        return number, entries[start : start + self.world.random.randint(1, longest)]

    def _duplicate(self) -> None:
        """A producer retried: the newest records stand twice in the log."""
        number = self.world.random.randrange(PARTITIONS)
        again = self.log.partitions[number][-self.world.random.randint(1, 5) :]
        self.log.append(number, again)
        self._struck("duplicates", count=len(again))

    def _late(self) -> None:
        """A zombie relay appends what it read long ago, watermarks included."""
        number, old = self._slice(15)
        self.log.append(number, old)
        self._struck("late appends", count=len(old))

    def _switch(self) -> None:
        self.relays.leadership.leader = self.world.random.choice(["relay-0", "relay-1"])
        self._struck("leader changes", detail=self.relays.leadership.leader)

    def _rebalance(self) -> None:
        for number in range(PARTITIONS):
            self.consumers.assignment[number] = self.world.random.choice(["consumer-0", "consumer-1"])
        self._struck("rebalances", detail=self.consumers.assignment)

    def _stale(self) -> None:
        """An old request reaches the source once more, or one from a reader far behind."""
        lane = self.world.random.choice(LANES)
        low = self.world.random.randint(0, self.database.marks[lane].sequence)
        self.log.control.append(Asked(self.world.now, Nak(lane, low)))
        self._struck("stale rewinds", detail=f"{lane.number} to {low}")

    def _cure(self) -> None:
        """A fix is deployed: what was poison so far no longer is."""
        self.consumers.handler.cure()

    def _outage(self) -> None:
        """The consumer's database is away for a while: every transaction that does work fails."""
        self.consumers.handler.outage_until = self.world.now + 3 + 9 * self.world.random.random()
        self._struck("outages")

    def _remember(self) -> None:
        self.remembered.append((self.source.snapshot(), self.database.snapshot()))

    def _restore(self) -> None:
        """The source's database is back at an older point; nobody told anyone."""
        if not self.remembered:
            return
        random = self.world.random
        for process in self.source_processes:
            writes = process.body == self.writers.body
            self.world.kill(process, down_seconds=0.2 if writes else 0.5 + 5 * random.random())
        forgotten = self.source.restore(random.choice(self.remembered)[0])
        self.source.silent = self.mix.silent_after_restore
        again = random.choice(("nothing", "some", "all in order"))
        if again == "some":
            random.shuffle(forgotten)
            forgotten = forgotten[: len(forgotten) // 2]
        if again != "nothing" and not self.source.silent:
            self.source.resay.extend(forgotten)
        self._struck("source restores", detail=f"{len(forgotten)} facts, said again: {again}")

    def _restore_and_heal(self) -> None:
        """As `restore`, but somebody will start a new epoch; mostly the source finds out at once, and says nothing."""
        if self.remembered and not self.source.refusing:
            self._restore()
            self.source.refusing = self.world.random.random() < 0.7

    def _new_epoch(self) -> None:
        """An operator tells the source to go on; whether it needs to is not for the operator to know."""
        self._struck("new epochs")
        self.source.start_epoch()

    def _move(self) -> None:
        """A reader is restarted with the other bus to read."""
        process = self.world.random.choice(self.consumer_processes[:2])
        self.consumers.reads[process.name] = 1 - self.consumers.reads[process.name]
        self._struck("moves", detail=f"{process.name} to {self.consumers.reads[process.name]}")
        self.world.kill(process, down_seconds=0.2 + self.world.random.random())

    def _restore_consumer(self) -> None:
        if not self.remembered:
            return
        for process in self.consumer_processes:
            self.world.kill(process, down_seconds=0.5)
        self.database.restore(self.world.random.choice(self.remembered)[1])
        self._struck("consumer restores")
