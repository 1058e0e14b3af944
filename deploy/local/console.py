"""What people see of a running stack."""

import contextlib
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deploy.local.log_files import readable
from deploy.local.run_state import State

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_green")
_NAME_WIDTH = 20


class Screen:
    """Prints the stack's own words and, if asked to, every process's log lines with a coloured name in front."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, text: str) -> None:
        """The stack says something about itself."""
        line = Text(f"{datetime.now(UTC):%H:%M:%S} {'stack':<{_NAME_WIDTH}} ", style="bold")
        self._print(line.append(text, style="bold"))

    def line(self, name: str, text: str) -> None:
        """A process logged something."""
        colour = _COLOURS[zlib.crc32(name.encode()) % len(_COLOURS)]
        prefix = Text(f"{name:<{_NAME_WIDTH}} ", style=colour)
        self._print(prefix.append(readable(text), style="default"))

    def _print(self, text: Text) -> None:
        # Nobody reads any more: that ends a command, but not what it watches. (On a broken pipe rich asks to exit.)
        with contextlib.suppress(OSError, SystemExit):
            self._console.print(text, soft_wrap=True)

    def addresses(self, apis: Mapping[str, str], token: str) -> None:
        """Where to look, and a token to look with."""
        table = Table(show_header=False, box=None)
        for service, address in apis.items():
            table.add_row(service, f"{address}/docs")
        self._console.print(table)
        self._console.print("Admin token (platform scope, one day):")
        self._console.print(token, soft_wrap=True)


def status_table(state: State) -> Table:
    """Every process of the running stack."""
    table = Table(title="ready" if state.ready else "starting", title_justify="left")
    for heading in ("process", "pid", "state", "started again"):
        table.add_column(heading)
    for name, running in state.processes.items():
        alive = "running" if running.is_alive() else "ended"
        table.add_row(name, str(running.pid), alive, str(state.restarts.get(name, 0)))
    return table
