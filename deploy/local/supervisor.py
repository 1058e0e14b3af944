"""Runs programs, keeps them running, and leaves none behind."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from signal import Signals

from deploy.local.accounts import Account, launch_command
from deploy.local.children import described, end_group, follow, spawn
from deploy.local.errors import StartFailed
from deploy.local.folders import REPOSITORY
from deploy.local.log_files import LogFile
from deploy.local.together import together

FIRST_DELAY = 0.2
LONGEST_DELAY = 10.0
HEALTHY_SECONDS = 30.0  # having lived that long, a program starts again with the first delay
DEATHS_BEFORE_READY = 3

Say = Callable[[str], None]
OnLine = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Program:
    """A command to keep running, and how to tell that it is ready."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    is_ready: Callable[[], Awaitable[bool]]
    folder: Path = REPOSITORY
    account: Account | None = None
    stop_signal: Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    ready_seconds: float = 90.0
    niceness: int = 0


@dataclass(slots=True)
class _Kept:
    program: Program
    log: LogFile
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    process: asyncio.subprocess.Process | None = None
    task: asyncio.Task[None] | None = None
    restarts: int = 0


class Supervisor:
    """Starts programs in waves and stops them in the opposite order. Belongs to one event loop."""

    def __init__(self, logs: Path, *, say: Say, on_line: OnLine | None = None, on_change: Callable[[], None]) -> None:
        self._logs = logs
        self._say = say
        self._on_line = on_line or (lambda _name, _line: None)
        self._on_change = on_change
        self._waves: list[list[_Kept]] = []

    async def start(self, wave: Sequence[Program]) -> None:
        """All programs of the wave are ready, and are started again whenever they end.

        Raises:
            StartFailed: one of them did not become ready in time, or ended three times before it was.
        """
        kept = [_Kept(program=program, log=LogFile(self._logs / f"{program.name}.log")) for program in wave]
        self._waves.append(kept)
        for each in kept:
            each.task = asyncio.create_task(self._keep(each), name=f"keep {each.program.name}")
        await together(_until_ready(each) for each in kept)

    async def run(self, programs: Sequence[Program]) -> None:
        """Each program has run to its end.

        Raises:
            StartFailed: one ended with an error; its last lines are in the message.
        """
        await together(self._run_once(program) for program in programs)

    async def stop(self) -> None:
        """Nothing that was started is left running."""
        while self._waves:
            await asyncio.gather(*(_stop(each) for each in self._waves[-1]))
            self._waves.pop()
            self._on_change()

    async def halt(self, name: str) -> None:
        """The program has been stopped and stays so until `resume`."""
        await _stop(self._find(name))
        self._on_change()

    async def resume(self, name: str) -> None:
        """A halted program is ready again."""
        each = self._find(name)
        each.stopping = asyncio.Event()
        each.log = LogFile(self._logs / f"{name}.log")
        each.task = asyncio.create_task(self._keep(each), name=f"keep {name}")
        await _until_ready(each)

    async def change(self, name: str, settings: Mapping[str, str]) -> None:
        """The program was stopped, and is ready again with these settings of its environment."""
        each = self._find(name)
        await self.halt(name)
        each.program = replace(each.program, environment={**each.program.environment, **settings})
        await self.resume(name)

    def signal(self, name: str, how: Signals) -> None:
        """The program got the signal; if it ends by it, it is started again."""
        process = self._find(name).process
        if process is not None and process.returncode is None:
            process.send_signal(how)

    def pids(self) -> dict[str, int]:
        """The process numbers of all that runs at this moment."""
        alive = (each for wave in self._waves for each in wave if each.process and each.process.returncode is None)
        return {each.program.name: each.process.pid for each in alive if each.process}

    def restarts(self) -> dict[str, int]:
        """How often each program had to be started again."""
        return {each.program.name: each.restarts for wave in self._waves for each in wave}

    def _find(self, name: str) -> _Kept:
        return next(each for wave in self._waves for each in wave if each.program.name == name)

    async def _keep(self, each: _Kept) -> None:
        delay, loop = FIRST_DELAY, asyncio.get_running_loop()
        while not each.stopping.is_set():
            began = loop.time()
            ending = await self._live_once(each)
            if each.stopping.is_set():
                return
            delay = FIRST_DELAY if loop.time() - began > HEALTHY_SECONDS else delay
            each.restarts += 1
            self._say(f"{each.program.name} ended ({ending}){_hint(each.log)}; it is started again in {delay:.1f} s")
            self._on_change()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(each.stopping.wait(), delay)
            delay = min(delay * 2, LONGEST_DELAY)

    async def _live_once(self, each: _Kept) -> str:
        try:
            each.process, output = await spawn(_launched(each.program), each.program.environment, each.program.folder)
        except OSError as error:
            return f"could not be started: {error.strerror}"
        self._on_change()
        if each.stopping.is_set():  # asked to stop while it was being started
            each.process.send_signal(each.program.stop_signal)
        return described(await follow(each.process, output, self._sink(each.program.name, each.log)))

    def _sink(self, name: str, log: LogFile) -> Callable[[bytes], None]:
        def take(line: bytes) -> None:
            log.write(line)
            self._on_line(name, line.decode(errors="replace").rstrip("\n"))

        return take

    async def _run_once(self, program: Program) -> None:
        log = LogFile(self._logs / f"{program.name}.log")
        process, output = await spawn(_launched(program), program.environment, program.folder)
        try:
            code = await follow(process, output, self._sink(program.name, log))
        finally:
            end_group(process.pid)
            log.close()
        if code:
            raise StartFailed(f"{program.name} failed ({described(code)}). Its log, {log.path}, ends:\n{log.tail()}")


async def _until_ready(each: _Kept) -> None:
    loop, program = asyncio.get_running_loop(), each.program
    deadline, deaths = loop.time() + program.ready_seconds, each.restarts
    while not await program.is_ready():
        if each.restarts - deaths >= DEATHS_BEFORE_READY:
            raise StartFailed(f"{program.name} ends at its start. Its log, {each.log.path}, ends:\n{each.log.tail()}")
        if loop.time() > deadline:
            raise StartFailed(
                f"{program.name} was not ready after {program.ready_seconds:.0f} s. "
                f"Its log, {each.log.path}, ends:\n{each.log.tail()}"
            )
        await asyncio.sleep(0.05)


async def _stop(each: _Kept) -> None:
    each.stopping.set()
    process = each.process
    if process is not None and process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(each.program.stop_signal)
    if each.task is not None:
        done, _ = await asyncio.wait([each.task], timeout=each.program.stop_seconds)
        if not done and each.process is not None:
            end_group(each.process.pid)
        await each.task
    each.log.close()


def _launched(program: Program) -> list[str]:
    return launch_command(
        program.command, death_signal=program.stop_signal, account=program.account, niceness=program.niceness
    )


def _hint(log: LogFile) -> str:
    return " because the disk is full" if "No space left on device" in log.tail() else ""
