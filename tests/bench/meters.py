"""CPU time and memory of processes, read from /proc: what the kernel counted, not what a program says of itself."""

import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.figures import Sample

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_OWN: Final = slice(11, 13)  # utime, stime: counted from the field behind the command's name
_WITH_ENDED_CHILDREN: Final = slice(11, 15)  # and cutime, cstime


def cpu_seconds(pids: Collection[int]) -> float:
    """CPU time that these processes have used, all threads, in user and kernel mode."""
    return sum(_ticks(pid, _OWN) for pid in pids) / _TICKS_PER_SECOND


def database_seconds(postmaster: int) -> float:
    """CPU time of the server and all its backends, those that have ended included."""
    ticks = _ticks(postmaster, _WITH_ENDED_CHILDREN)
    return (ticks + sum(_ticks(pid, _OWN) for pid in children(postmaster))) / _TICKS_PER_SECOND


def children(parent: int) -> list[int]:
    """The process numbers of the parent's living children."""
    return [pid for pid in _all_pids() if (fields := _fields(pid)) and int(fields[1]) == parent]


def resident_bytes(pid: int) -> int:
    """Memory of the process that is in RAM."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


@dataclass(slots=True)
class Meter:
    """Time, and CPU of a process and a database, between two instants."""

    processes: Collection[int]
    postmaster: int | None
    seconds: float = 0.0
    process_seconds: float = 0.0
    database_seconds: float = 0.0

    def start(self) -> None:
        """From now on it is measured."""
        self._add(-1)

    def stop(self) -> None:
        """Until now it was measured."""
        self._add(1)

    @contextmanager
    def running(self) -> Iterator[None]:
        """What happens in the block is measured."""
        self.start()
        try:
            yield
        finally:
            self.stop()

    def sample(self, units: int, *, p50_ms: float | None = None, p99_ms: float | None = None) -> Sample:
        """The measurement as figures per unit."""
        return Sample(
            units=units,
            seconds=self.seconds,
            process_us=self.process_seconds / units * 1e6 if self.processes else None,
            database_us=self.database_seconds / units * 1e6 if self.postmaster else None,
            p50_ms=p50_ms,
            p99_ms=p99_ms,
        )

    def _add(self, sign: int) -> None:
        self.process_seconds += sign * cpu_seconds(self.processes)
        self.database_seconds += sign * (database_seconds(self.postmaster) if self.postmaster else 0.0)
        self.seconds += sign * time.perf_counter()


def _all_pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _ticks(pid: int, which: slice) -> int:
    return sum(int(field) for field in _fields(pid)[which])


def _fields(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat behind the command's name, which may itself hold blanks; none if it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
