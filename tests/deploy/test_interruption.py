"""A run of tests that is told to stop leaves no server and no folder behind."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local.postgres_command import answers_sign_in
from tests.deploy import hanging


@contextmanager
def _run_of_tests() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A run that hangs in a test, and the port of its server."""
    command = [sys.executable, "-m", "pytest", "-q", "-s", hanging.__file__]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert run.stdout is not None
        told = next(line for line in run.stdout if "waiting with" in line)
        port = urlsplit(told.split()[-1]).port
        assert port is not None
        yield run, port
    finally:
        run.kill()
        run.communicate()


def _folders_of_servers() -> Mapping[int, Path]:
    """By the port in their command, the data folders of all PostgreSQL servers that run."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        ports = [part.removeprefix("port=") for part in command if part.startswith("port=")]
        if ports and "-D" in command:
            found[int(ports[0])] = Path(command[command.index("-D") + 1])
    return found


_BY_HAND = pytest.param(
    signal.SIGINT,
    marks=pytest.mark.skipif(signal.getsignal(signal.SIGINT) is signal.SIG_IGN, reason="started deaf to Ctrl-C"),
)


@pytest.mark.parametrize("how", [signal.SIGTERM, _BY_HAND])
def test_a_run_of_tests_that_is_told_to_stop_leaves_nothing_behind(how: signal.Signals) -> None:
    with _run_of_tests() as (run, port):
        folder = _folders_of_servers()[port]
        assert folder.exists()
        run.send_signal(how)
        run.wait(60)

    assert run.returncode == pytest.ExitCode.INTERRUPTED
    assert not answers_sign_in(port)
    assert port not in _folders_of_servers()
    assert not folder.parent.exists()
