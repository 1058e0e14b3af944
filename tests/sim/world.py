"""Virtual time and processes that can be paused or killed between any two steps."""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Generator, Hashable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

Body: TypeAlias = Generator[float, None, None]
SESSION_SECONDS = 10.0  # a database drops the session of a process that is silent for longer


class Died(Exception):
    """What a process runs kills it."""


@dataclass(eq=False, slots=True)
class Process:
    """A body that is run again from its start after each death, as a supervisor would."""

    name: str
    body: "Callable[[Process], Body]"
    running: Body | None = None
    ticket: int = 0
    paused_until: float = 0.0
    delicate: bool = False  # between two writes that belong together
    ambush: "Callable[[], None] | None" = None  # what strikes at the next delicate step


@dataclass(eq=False)
class World:
    """The scheduler: every `yield delay` in a body is a step boundary, where others run and faults strike."""

    random: Random
    now: float = 0.0
    calm: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    trace: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=400))
    on_session_lost: list[Callable[[Process], None]] = field(default_factory=list)
    _queue: list[tuple[float, int, Process, int]] = field(default_factory=list)
    _pushed: int = 0

    def moment(self) -> float:
        """A short delay: one round trip."""
        return 0.001 + self.random.random() * 0.02

    def note(self, what: str) -> None:
        self.trace.append((self.now, what))

    def start(self, name: str, body: Callable[[Process], Body]) -> Process:
        process = Process(name, body)
        self._begin(process, self.random.random() * 0.1)
        return process

    def kill(self, process: Process, *, down_seconds: float) -> None:
        """The process is gone between two steps, its sessions with it; it starts again later."""
        if process.running is not None:
            process.running.close()
        for lost in self.on_session_lost:
            lost(process)
        process.paused_until, process.delicate, process.ambush = 0.0, False, None
        self._begin(process, down_seconds)

    def pause(self, process: Process, seconds: float) -> None:
        """The process makes no step for a while; its databases may give it up meanwhile."""
        process.paused_until = self.now + seconds
        if seconds > SESSION_SECONDS:
            for lost in self.on_session_lost:
                lost(process)

    def run(self, *, until: Callable[[], bool], deadline: float) -> bool:
        """Run until the condition holds (True) or the deadline has passed (False)."""
        check_at = self.now
        while self._queue and self.now < deadline:
            self.now, _, process, ticket = heapq.heappop(self._queue)
            if ticket == process.ticket:
                self._step(process)
            if self.now >= check_at:
                check_at = self.now + 0.5
                if until():
                    return True
        return False

    def _begin(self, process: Process, delay: float) -> None:
        process.running = process.body(process)
        process.ticket += 1
        self._push(process, self.now + delay)

    def _push(self, process: Process, at: float) -> None:
        self._pushed += 1
        heapq.heappush(self._queue, (at, self._pushed, process, process.ticket))

    def _step(self, process: Process) -> None:
        if process.paused_until > self.now:
            self._push(process, process.paused_until)
            return
        assert process.running is not None
        ticket_was = process.ticket
        if process.delicate and process.ambush is not None:
            strike, process.ambush = process.ambush, None
            strike()
            if ticket_was == process.ticket:
                self._push(process, self.now)
            return
        try:
            self._push(process, self.now + next(process.running))
        except StopIteration:
            process.running = None
        except Died:
            self.counts["injected poison kills"] += 1
            self.note(f"{process.name} died of its work")
            self.kill(process, down_seconds=0.2 + self.random.random())


class Aborted(Exception):
    """The database gave up this session: its transaction is rolled back."""


@dataclass(eq=False)
class Locks:
    """Row locks of one database."""

    world: World
    holders: dict[Hashable, Process] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world.on_session_lost.append(self._lose)

    def _lose(self, process: Process) -> None:
        self.world.counts["absorbed open transactions"] += process in self.holders.values()
        for key in [key for key, holder in self.holders.items() if holder is process]:
            del self.holders[key]


@dataclass(eq=False)
class Transaction:
    """Locks taken one after the other; what it changes is written in one step by whoever calls `commit`."""

    locks: Locks
    process: Process
    keys: list[Hashable] = field(default_factory=list)

    def lock(self, keys: "Iterable[Hashable]") -> Body:
        """Hold the locks, in the order given, once this generator has ended."""
        for key in keys:
            while self.locks.holders.get(key, self.process) is not self.process:
                yield self.locks.world.moment()
            self.locks.holders[key] = self.process
            self.keys.append(key)
            self.process.delicate = True

    def commit(self, write: Callable[[], None]) -> None:
        """Make the changes at once, or raise Aborted if the session was lost meanwhile."""
        if any(self.locks.holders.get(key) is not self.process for key in self.keys):
            raise Aborted
        write()
        self.end()

    def end(self) -> None:
        """Release the locks, as a rollback does."""
        self.process.delicate = False
        for key in self.keys:
            if self.locks.holders.get(key) is self.process:
                del self.locks.holders[key]
        self.keys.clear()
