"""`python -m tests` runs everything, once, and tells what failed in either half."""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.__main__ import HERE, SYSTEMS, halves, run

PASSES = "def test_passes() -> None:\n    assert 1 + 1 == 2\n"
FAILS = "def test_fails() -> None:\n    assert 1 + 1 == 3\n"
WAITS = """
import signal
import time
from pathlib import Path

signal.signal(signal.SIGTERM, signal.default_int_handler)  # as our conftest.py has it

def test_waits():
    try:
        Path("began").touch()
        time.sleep(60)
    finally:
        Path("cleaned up").touch()
"""


def _chosen(folder: Path, **halves: str) -> Mapping[str, list[str]]:
    for name, text in halves.items():
        (folder / f"test_{name}.py").write_text(text)
    return {name: [str(folder / f"test_{name}.py"), "--rootdir", str(folder)] for name in halves}


def test_the_halves_have_every_test_and_none_twice() -> None:
    chosen = {name: _collected(arguments) for name, arguments in halves().items()}
    everything = set(HERE.rglob("test_*.py"))
    assert chosen["systems"] & chosen["parts"] == set()
    assert chosen["systems"] | chosen["parts"] == everything
    assert all(any(each in path.parts for path in chosen["systems"]) for each in SYSTEMS)


def _collected(arguments: object) -> set[Path]:
    """The files below what is named, as pytest reads its arguments."""
    assert isinstance(arguments, list)
    left_out = [Path(each.removeprefix("--ignore=")) for each in arguments if each.startswith("--ignore=")]
    named = [Path(each) for each in arguments if not each.startswith("--")]
    found = {path for folder in named for path in folder.rglob("test_*.py")}
    return {path for path in found if not any(path.is_relative_to(folder) for folder in left_out)}


async def test_what_failed_in_one_half_is_told_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = await run(_chosen(tmp_path, one=PASSES, other=FAILS), [])

    told = capsys.readouterr().out
    assert code == pytest.ExitCode.TESTS_FAILED
    ending = told[told.index("==== one: passed") :]
    assert "1 passed in" in ending
    assert "==== other: exit code 1" in ending
    assert "/test_other.py::test_fails" in ending[ending.index("FAILED") :]


async def test_two_halves_that_pass_pass(tmp_path: Path) -> None:
    assert await run(_chosen(tmp_path, one=PASSES, other=PASSES), []) == 0


def test_a_suite_that_is_told_to_stop_waits_until_its_halves_cleaned_up(tmp_path: Path) -> None:
    (tmp_path / "test_waits.py").write_text(WAITS)
    program = f"import asyncio, tests.__main__ as suite; asyncio.run(suite.run({{'one': ['{tmp_path}'], }}, []))"
    environment = {"PYTHONPATH": str(HERE.parent), "PATH": "/usr/bin:/bin"}
    suite = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, env=environment, stdout=subprocess.PIPE)
    try:
        _appears(tmp_path / "began")
        suite.send_signal(signal.SIGTERM)
        suite.communicate(timeout=30)
    finally:
        suite.kill()

    assert (tmp_path / "cleaned up").exists()


def _appears(path: Path) -> None:
    latest = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < latest
        time.sleep(0.05)
