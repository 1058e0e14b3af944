"""The commands as people type them, on a stack of PostgreSQL only."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.folders import REPOSITORY
from deploy.local.ports import HOST, free_ports
from deploy.local.postgres import scratch_folder
from deploy.local.postgres_command import answers_sign_in
from deploy.local.run_state import Running


class Commands:
    """Runs `python -m deploy.local ...` on folders and ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ports = free_ports()
        self.port = ports.postgres
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            "HUITOU_DATA": str(folder),
            "HUITOU_POSTGRES_PORT": str(self.port),
            "COLUMNS": "200",
        }

    def __call__(self, *arguments: str, answer: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "deploy.local", *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            input=answer,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def up(self) -> "subprocess.CompletedProcess[str]":
        return self("up", "--detach", "--services")

    def state(self) -> dict[str, dict[str, dict[str, int]]]:
        found: dict[str, dict[str, dict[str, int]]] = json.loads((self.folder / "run" / "state.json").read_text())
        return found


@pytest.fixture
def commands() -> Iterator[Commands]:
    made = Commands(scratch_folder())
    yield made
    made("down")
    shutil.rmtree(made.folder)


def test_up_status_down(commands: Commands) -> None:
    up = commands.up()
    assert up.returncode == 0, up.stdout
    status = commands("status")
    assert (status.returncode, "postgres" in status.stdout) == (0, True)
    server = commands.state()["processes"]["postgres"]["pid"]

    down = commands("down")

    assert (down.returncode, down.stdout.strip()) == (0, "Stopped.")
    assert Running.of(server) is None
    assert commands("status").returncode == 3
    assert commands("down").stdout.strip() == "It is not running."


def test_a_second_up_is_refused(commands: Commands) -> None:
    commands.up()

    again = commands("up", "--services")

    assert again.returncode == 1
    assert "already running" in again.stdout
    assert commands("status").returncode == 0


def test_a_stack_that_was_killed_starts_again_with_its_data(commands: Commands) -> None:
    commands.up()
    state = commands.state()
    secrets = (commands.folder / "secrets" / "seal-keys").read_bytes()
    os.kill(state["supervisor"]["pid"], signal.SIGKILL)  # type: ignore[arg-type]

    up = commands.up()

    assert up.returncode == 0, up.stdout
    assert "The last run was not stopped in order" in (commands.folder / "logs" / "stack.log").read_text()
    assert Running.of(state["processes"]["postgres"]["pid"]) is None
    assert (commands.folder / "secrets" / "seal-keys").read_bytes() == secrets


def test_a_taken_port_is_named_and_nothing_is_changed(commands: Commands) -> None:
    with socket.socket() as other:
        other.bind((HOST, commands.port))
        other.listen()

        up = commands("up", "--services")

    assert up.returncode == 1
    assert f"port {commands.port}, meant for PostgreSQL (HUITOU_POSTGRES_PORT)" in up.stdout
    assert not (commands.folder / "postgres").exists()


def test_reset_asks_and_deletes_only_on_yes(commands: Commands) -> None:
    commands.up()

    assert commands("reset", answer="no\n").returncode == 1
    assert answers_sign_in(commands.port)

    assert commands("reset", answer="yes\n").returncode == 0
    assert not answers_sign_in(commands.port)
    assert list(commands.folder.iterdir()) == []


def test_a_token_needs_keys_and_is_alone_on_its_line(commands: Commands) -> None:
    refused = commands("token")
    assert refused.returncode == 1
    assert "start the stack once" in refused.stdout

    commands.up()
    token = commands("token", "--merchant", "0190a0a0-0000-7000-8000-000000000000", "--scopes", "orders:read")

    assert token.stdout.count(".") == 2
    assert token.stdout.count("\n") == 1


def test_logs_are_shown_and_an_unknown_name_is_refused(commands: Commands) -> None:
    commands.up()

    assert "ready to accept connections" in commands("logs", "postgres").stdout
    assert "there are postgres" in commands("logs", "nobody").stdout


def test_ctrl_c_stops_everything(commands: Commands) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "deploy.local", "up", "--services"],
        cwd=REPOSITORY,
        env=commands.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as stack:
        assert stack.stdout is not None
        for line in stack.stdout:
            if "Ctrl-C stops everything" in line:
                break
        server = commands.state()["processes"]["postgres"]["pid"]
        stack.send_signal(signal.SIGINT)
        rest = stack.stdout.read()

    assert stack.returncode == 0
    assert "nothing is left running" in rest
    assert Running.of(server) is None
