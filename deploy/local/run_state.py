"""Which stack runs on a data folder: a lock that dies with its holder, and a file that says where things are."""

import fcntl
import json
import os
import signal
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from deploy.local.errors import Refused


@dataclass(frozen=True, slots=True)
class Running:
    """A process as the kernel knows it: numbers are given out again, number and start time are not."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "Running | None":
        """The living process of that number."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        after_name = stat.rsplit(")", 1)[1].split()
        # A Java's first thread ends before the others, which still hold its ports: such a zombie is alive.
        is_dead = after_name[0] in "ZX" and int(after_name[17]) <= 1
        return None if is_dead else cls(pid=pid, started=int(after_name[19]))

    def is_alive(self) -> bool:
        return Running.of(self.pid) == self


@dataclass(slots=True)
class State:
    """What another command must know about a running stack."""

    supervisor: Running
    ready: bool = False
    apis: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    processes: dict[str, Running] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)


class Lock:
    """Held by at most one living process; the kernel frees it when the holder ends in whatever way."""

    def __init__(
        self, run: Path, *, taken: str = "The stack is already running on this data folder: stop it with `make down`."
    ) -> None:
        self._path = run / "lock"
        self._taken = taken
        self._file: IO[str] | None = None

    def take(self) -> None:
        """We hold it.

        Raises:
            Refused: another process does.
        """
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise Refused(self._taken) from None
        self._file = file

    def release(self) -> None:
        """Nobody holds it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def is_held(self) -> bool:
        """True if another process holds it now."""
        if not self._path.exists():
            return False
        with self._path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
        return False


def write_state(run: Path, state: State) -> None:
    """Readers see the whole new state or the whole old one."""
    unfinished = run / "state.part"
    unfinished.write_text(json.dumps(asdict(state), indent=2))
    unfinished.replace(run / "state.json")


def read_state(run: Path) -> State | None:
    """The last state written; None if there is none, or if it is not one of ours."""
    try:
        found: Mapping[str, Any] = json.loads((run / "state.json").read_text())
        processes = {name: Running(**each) for name, each in found["processes"].items()}
        return State(**{**found, "supervisor": Running(**found["supervisor"]), "processes": processes})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def end_leftovers(processes: Mapping[str, Running], *, patience_seconds: float = 30.0) -> list[str]:
    """None of the processes lives; returns the names of those that had to be ended."""
    alive = {name: each for name, each in processes.items() if each.is_alive()}
    for name, each in alive.items():
        # PostgreSQL's SIGTERM waits for sessions; SIGINT ends them in order.
        _signal(each.pid, signal.SIGINT if name == "postgres" else signal.SIGTERM)
    for each in _still_alive_after(alive.values(), patience_seconds):
        _signal(each.pid, signal.SIGKILL)
    _still_alive_after(alive.values(), 5.0)
    return sorted(alive)


def _still_alive_after(processes: Collection[Running], seconds: float) -> list[Running]:
    deadline = time.monotonic() + seconds
    while (alive := [each for each in processes if each.is_alive()]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return alive


def _signal(pid: int, how: signal.Signals) -> None:
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return
