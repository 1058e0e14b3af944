"""The supervisor with small programs: readiness, restarts, and nothing left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.errors import StartFailed
from deploy.local.folders import REPOSITORY
from deploy.local.run_state import Running
from deploy.local.supervisor import Program, Supervisor


class Bench:
    """A supervisor on a temporary folder, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.lines: list[tuple[str, str]] = []
        self.supervisor = Supervisor(
            folder, say=self.said.append, on_line=lambda *line: self.lines.append(line), on_change=lambda: None
        )

    def program(self, name: str, code: str, *, stop_seconds: float = 5.0, ready_seconds: float = 10.0) -> Program:
        """Runs Python code; ready when it has made the file `<name>.ready`."""

        async def is_ready() -> bool:
            return (self.folder / f"{name}.ready").exists()

        return Program(
            name=name,
            command=(
                sys.executable,
                "-u",
                "-c",
                f"from pathlib import Path\nhere = Path({str(self.folder)!r})\n{code}",
            ),
            environment=dict(os.environ),
            is_ready=is_ready,
            stop_seconds=stop_seconds,
            ready_seconds=ready_seconds,
        )

    def ready(self, name: str) -> str:
        return f"(here / '{name}.ready').touch()\n"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    await made.supervisor.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - processes give no event
            await asyncio.sleep(0.01)


FOREVER = "import threading\nthreading.Event().wait()\n"


async def test_a_program_is_ready_before_start_returns_and_gone_after_stop(bench: Bench) -> None:
    await bench.supervisor.start([bench.program("one", bench.ready("one") + FOREVER)])
    (pid,) = bench.supervisor.pids().values()

    await bench.supervisor.stop()

    assert Running.of(pid) is None
    assert bench.supervisor.pids() == {}


async def test_a_killed_program_is_started_again_and_that_is_said(bench: Bench) -> None:
    await bench.supervisor.start([bench.program("one", bench.ready("one") + FOREVER)])
    before = bench.supervisor.pids()["one"]

    bench.supervisor.signal("one", signal.SIGKILL)
    await until(lambda: bench.supervisor.pids().get("one", before) != before)

    assert bench.said == ["one ended (killed by SIGKILL); it is started again in 0.2 s"]
    assert bench.supervisor.restarts() == {"one": 1}


async def test_restarts_come_slower_and_slower(bench: Bench) -> None:
    counted = "n = len(list(here.glob('life*')))\n(here / f'life{n}').touch()\n"
    program = bench.program("one", counted + bench.ready("one") + "raise SystemExit(3)\n")
    await bench.supervisor.start([program])

    await until(lambda: len(bench.said) >= 3)

    assert [text.rsplit(" in ", 1)[1] for text in bench.said[:3]] == ["0.2 s", "0.4 s", "0.8 s"]
    assert "exit code 3" in bench.said[0]


async def test_a_program_that_dies_at_its_start_fails_the_start_with_its_last_words(bench: Bench) -> None:
    with pytest.raises(StartFailed, match=r"ends at its start(.|\n)*cannot go on"):
        await bench.supervisor.start([bench.program("one", "raise SystemExit('cannot go on')")])


async def test_a_program_that_is_never_ready_fails_the_start(bench: Bench) -> None:
    with pytest.raises(StartFailed, match="was not ready after 0 s"):
        await bench.supervisor.start([bench.program("one", FOREVER, ready_seconds=0.3)])


async def test_a_program_that_ignores_the_signal_is_killed_with_its_children(bench: Bench) -> None:
    code = (
        "import signal, subprocess, sys\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import threading; threading.Event().wait()'])\n"
        "(here / 'child').write_text(str(child.pid))\n"
    )
    await bench.supervisor.start([bench.program("one", code + bench.ready("one") + FOREVER, stop_seconds=0.3)])
    child = int((bench.folder / "child").read_text())

    await bench.supervisor.stop()

    await until(lambda: Running.of(child) is None)


async def test_children_of_a_crashed_program_end_before_it_starts_again(bench: Bench) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import threading; threading.Event().wait()'])\n"
        "(here / f'child-{child.pid}').touch()\n"
    )
    await bench.supervisor.start([bench.program("one", code + bench.ready("one") + FOREVER)])
    (child,) = (int(file.name.removeprefix("child-")) for file in bench.folder.glob("child-*"))

    bench.supervisor.signal("one", signal.SIGKILL)

    await until(lambda: Running.of(child) is None)


async def test_a_later_wave_stops_first(bench: Bench) -> None:
    def recording(name: str) -> str:
        ended = f"with (here / 'order').open('a') as file: file.write('{name} ')\n    raise SystemExit\n"
        return f"import signal\ndef end(*_):\n    {ended}signal.signal(signal.SIGTERM, end)\n{bench.ready(name)}" + (
            "while True: signal.pause()\n"
        )

    await bench.supervisor.start([bench.program("below", recording("below"))])
    await bench.supervisor.start([bench.program("above", recording("above"))])

    await bench.supervisor.stop()

    assert (bench.folder / "order").read_text() == "above below "


async def test_every_line_is_kept_however_long(bench: Bench) -> None:
    code = "print('x' * 200_000)\nprint('after')\n"
    await bench.supervisor.run([bench.program("one", code)])

    text = (bench.folder / "one.log").read_text()
    assert len(text) == 200_000 + len("\nafter\n")
    assert bench.lines[-1] == ("one", "after")


async def test_a_failing_migration_shows_its_last_words(bench: Bench) -> None:
    with pytest.raises(StartFailed, match=r"exit code 1(.|\n)*no such column"):
        await bench.supervisor.run([bench.program("migrate", "raise SystemExit('no such column')")])


async def test_a_halted_program_stays_down_until_resumed(bench: Bench) -> None:
    await bench.supervisor.start([bench.program("one", bench.ready("one") + FOREVER)])

    await bench.supervisor.halt("one")
    assert bench.supervisor.pids() == {}

    (bench.folder / "one.ready").unlink()
    await bench.supervisor.resume("one")
    assert set(bench.supervisor.pids()) == {"one"}
    assert bench.said == []


async def test_a_changed_program_has_its_new_settings_and_keeps_the_others(bench: Bench) -> None:
    tell = "import os\nprint(os.environ['COLOUR'], os.environ['SIZE'])\n"
    program = bench.program("one", tell + bench.ready("one") + FOREVER)
    await bench.supervisor.start([replace(program, environment={**program.environment, "COLOUR": "red", "SIZE": "1"})])

    (bench.folder / "one.ready").unlink()
    await bench.supervisor.change("one", {"COLOUR": "blue"})

    assert [line for _, line in bench.lines] == ["red 1", "blue 1"]
    assert bench.said == []


async def test_a_nice_program_leaves_the_processor_to_the_others(bench: Bench) -> None:
    plain = bench.program("plain", bench.ready("plain") + FOREVER)
    nice = bench.program("nice", bench.ready("nice") + FOREVER)
    await bench.supervisor.start([plain, replace(nice, niceness=7)])

    pids = bench.supervisor.pids()
    found = {name: os.getpriority(os.PRIO_PROCESS, pid) for name, pid in pids.items()}

    assert found["nice"] == min(found["plain"] + 7, 19)
    assert _niceness_of_session(pids["nice"]) in (None, 7)


def _niceness_of_session(pid: int) -> int | None:
    """None where Linux does not share the processor out among sessions."""
    try:
        told = Path(f"/proc/{pid}/autogroup").read_text().split()
    except OSError:
        return None
    return int(told[-1]) if told else None


def test_a_killed_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    script = f"""
import asyncio, os, sys
from pathlib import Path
from deploy.local.supervisor import Program, Supervisor
async def ready(): return Path({str(tmp_path)!r}, "up").exists()
async def main():
    code = "import os, pathlib, threading; pathlib.Path({str(tmp_path)!r}, 'up').touch(); threading.Event().wait()"
    supervisor = Supervisor(Path({str(tmp_path)!r}), say=print, on_change=lambda: None)
    await supervisor.start([Program("one", (sys.executable, "-c", code), dict(os.environ), ready)])
    print(supervisor.pids()["one"], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert Running.of(child) is not None

        parent.kill()
        parent.wait()

    asyncio.run(until(lambda: Running.of(child) is None))
