"""What the figures were measured on: without it an absolute one says nothing."""

import os
import platform
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

_WRITES = 200
_BLOCK = bytes(8192)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine, and how busy others kept it when the run began."""

    cores: int
    load: float
    fdatasync_us: float
    python: str
    system: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def words(self) -> str:
        return (
            f"{self.cores} cores, load {self.load:.1f} before the run, fdatasync {self.fdatasync_us:.0f} us,"
            f" Python {self.python}, {self.system}"
        )


def this_machine() -> Machine:
    """This machine now."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        load=os.getloadavg()[0],
        fdatasync_us=fdatasync_us(Path(tempfile.gettempdir())),
        python=platform.python_version(),
        system=platform.system(),
    )


def fdatasync_us(folder: Path) -> float:
    """Median microseconds of writing 8 KB and fdatasync, where the database's scratch folder lies too."""
    times = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(_WRITES):
            os.pwrite(file.fileno(), _BLOCK, 0)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return median(times) * 1e6
