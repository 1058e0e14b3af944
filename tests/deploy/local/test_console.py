"""What people see of the stack."""

import io
import os

import pytest
from rich.console import Console

from deploy.local.console import Screen, status_table
from deploy.local.run_state import Running, State


def test_a_log_line_has_its_process_in_front() -> None:
    output = io.StringIO()

    Screen(Console(file=output, width=100)).line("loyalty-worker", '{"event": "process_started", "level": "info"}')

    assert output.getvalue().split() == ["loyalty-worker", "info", "process_started"]


@pytest.mark.parametrize("error", [BrokenPipeError, OSError])
def test_a_terminal_that_is_gone_does_not_stop_the_stack(error: type[OSError]) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise error

    screen = Screen(Console(file=Gone()))

    screen.say("still here")
    screen.line("worker", "still here")


def test_the_status_shows_what_runs_and_what_ended() -> None:
    me = Running.of(os.getpid())
    assert me is not None
    state = State(supervisor=me, ready=True, processes={"api": me, "worker": Running(pid=1, started=0)})
    console = Console(file=io.StringIO(), width=100, record=True)

    console.print(status_table(state))

    shown = console.export_text()
    assert "running" in shown
    assert "ended" in shown
