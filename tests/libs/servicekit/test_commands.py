"""A process as an operator meets it: started by one command, stopped by a signal, clear about what is wrong."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.libs.servicekit.stage import NOWHERE
from tests.libs.servicekit.test_settings import GOOD

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 30


def _environment(**changes: str) -> dict[str, str]:
    urls = dict.fromkeys(("DATABASE_API_URL", "DATABASE_WORKER_URL", "DATABASE_OWNER_URL", "BUS_URL"), NOWHERE)
    return {"PATH": os.environ["PATH"], **GOOD, **urls, **changes}


@contextmanager
def _running(*arguments: str, **changes: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.libs.servicekit.tiny_service", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=_environment(**changes), stdout=pipe, stderr=pipe, text=True) as ran:
        try:
            yield ran
        finally:
            ran.kill()


def _ended(*arguments: str, **changes: str) -> tuple[int, str, str]:
    with _running(*arguments, **changes) as ran:
        out, err = ran.communicate(timeout=SECONDS)
    return ran.returncode, out, err


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _answer(url: str) -> httpx.Response:
    """The first answer of a process that is starting."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return httpx.get(url)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise


@pytest.mark.parametrize(
    ("process", "setting", "closed"),
    [
        ("all", "HTTP_PORT", ["relay drained", "api closed", "worker closed"]),
        ("api", "HTTP_PORT", ["api closed"]),
        ("worker", "WORKER_HTTP_PORT", ["relay drained", "worker closed"]),
    ],
)
def test_a_process_serves_until_sigterm_and_leaves_in_order(process: str, setting: str, closed: list[str]) -> None:
    port = _free_port()
    with _running(process, **{setting: str(port)}) as ran:
        answer = _answer(f"http://127.0.0.1:{port}/livez")
        ran.send_signal(signal.SIGTERM)
        out, err = ran.communicate(timeout=SECONDS)

    assert answer.json() == {"status": "alive"}
    assert "server" not in answer.headers
    assert (ran.returncode, out.splitlines()) == (0, closed)
    assert '"process_ended"' in err


def test_migrate_runs_once_and_ends() -> None:
    assert _ended("migrate")[:2] == (0, "migrated\n")


def test_a_setting_that_this_process_needs_is_named() -> None:
    code, _, err = _ended("worker", BUS_URL="")

    assert (code, err) == (2, "loyalty: BUS_URL: needed by `worker`\n")


def test_a_taken_port_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = _ended("api", HTTP_PORT=str(port))

    assert code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in err
    assert "Traceback" not in err


def test_a_task_that_dies_takes_the_process_with_it() -> None:
    code, out, err = _ended("worker", TINY_FAILS="1")

    assert code == 1
    assert "worker closed" in out
    assert "RuntimeError: boom for [address]" in err


def test_a_known_failure_is_a_sentence_not_a_traceback() -> None:
    code, _, err = _ended("migrate", TINY_FAILS="1")

    assert code == 1
    assert "the data folder is of another version" in err
    assert "commands.py" not in err


@pytest.mark.parametrize("arguments", [("new-epoch",), ("api", "--reason", "because")])
def test_a_reason_belongs_to_a_new_epoch_and_to_nothing_else(arguments: tuple[str, ...]) -> None:
    code, _, err = _ended(*arguments)

    assert (code, "--reason belongs to new-epoch" in err) == (2, True)
