"""`python -m tests`: the whole suite, as two runs of pytest side by side.

One half starts whole systems and mostly waits for them; the other one computes. One after the other they leave half
of a small machine idle. Arguments go to both halves.
"""

import asyncio
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
SYSTEMS: Final = ("attack", "bench", "bites", "chaos", "deploy", "e2e")
"""Folders of tests that mostly wait; whatever is not named here belongs to the other half."""

_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LONGEST_LINE: Final = 1_048_576
_SUMMARY: Final = "short test summary info"
_RESULT: Final = re.compile(r"^=*\s*(\d+ \w+|no tests ran).* in \d")


def halves(systems: Sequence[str] = SYSTEMS) -> Mapping[str, Sequence[str]]:
    """What pytest is told to collect, by the half's name: together everything below this folder, and nothing twice."""
    named = [str(HERE / each) for each in systems]
    return {"systems": named, "parts": [str(HERE), *(f"--ignore={each}" for each in named)]}


@dataclass(slots=True)
class Half:
    """One run of pytest and what is worth repeating of its output: the summary, which names failures, and the count."""

    name: str
    process: asyncio.subprocess.Process
    ending: list[str] = field(default_factory=list)

    async def finish(self) -> int:
        """Every line is passed on as it comes; the exit code."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self._tell(line.decode(errors="replace").rstrip("\n"))
        return await self.process.wait()

    def _tell(self, line: str) -> None:
        print(f"{self.name:<7} | {line}", flush=True)
        counted = bool(self.ending) and _RESULT.match(self.ending[-1])
        if _SUMMARY in line or _RESULT.match(line) or (self.ending and not counted):
            self.ending.append(line)


async def run(chosen: Mapping[str, Sequence[str]], arguments: Sequence[str]) -> int:
    """0 if every half passed, else the first exit code that is not; told to end, the halves are and clean up."""
    started = [await _start(name, [*what, *arguments]) for name, what in chosen.items()]
    for number in _ENDINGS:
        asyncio.get_running_loop().add_signal_handler(number, _end, started)
    codes = await asyncio.gather(*(half.finish() for half in started))
    for half, code in zip(started, codes, strict=True):
        print(f"\n==== {half.name}: {'passed' if code == 0 else f'exit code {code}'}")
        print("\n".join(half.ending))
    return next((code for code in codes if code), 0)


async def _start(name: str, arguments: Sequence[str]) -> Half:
    # A session of its own: Ctrl-C would otherwise reach it from the terminal, and from here once more.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=_LONGEST_LINE,
        start_new_session=True,
    )
    return Half(name, process)


def _end(started: Sequence[Half]) -> None:
    for half in started:
        if half.process.returncode is None:
            half.process.terminate()


if __name__ == "__main__":
    sys.exit(asyncio.run(run(halves(), sys.argv[1:])))
