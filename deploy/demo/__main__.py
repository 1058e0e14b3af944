"""The demo: python -m deploy.demo [--households N]. Starts the stack if it is not running, and runs the main job."""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from rich.console import Console

from deploy.demo.main_job import Running, plan_file, run
from deploy.local import control
from deploy.local.bus import bus_from
from deploy.local.console import Screen
from deploy.local.errors import LocalError
from deploy.local.folders import Folders, default_folders, refuse_full_disk
from deploy.local.interruption import cancel_once_on_signals
from deploy.local.keys import load_keys
from deploy.local.ports import ports_from
from deploy.local.stack import Stack

DISK_FOR_ALL = 6 * 2**30
DISK_FOR_SAMPLE = 2**30


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--households", type=int, help="only a fixed sample of that many households")
    parser.add_argument("--stop", action="store_true", help="stop the stack at the end, as without a terminal")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)  # tables in a log need no terminal to fit in
    try:
        return asyncio.run(_demo(options, console))
    except LocalError as error:
        console.print(f"[bold red]{type(error).__name__}:[/] ", end="")
        console.print(str(error), markup=False, soft_wrap=True)
        return 1


async def _demo(options: argparse.Namespace, console: Console) -> int:
    cancel_once_on_signals()
    folders = default_folders()
    _refuse_early(folders, options.households)
    try:
        async with _running(folders, Screen(console)) as (stack, is_ours):
            await run(stack, console, now=datetime.now(UTC), households=options.households)
            if is_ours and sys.stdin.isatty() and not options.stop:
                console.print("\n[bold]The stack runs on: look around. Ctrl-C stops it.[/]")
                await asyncio.Event().wait()
    except asyncio.CancelledError:
        console.print("Stopped; nothing is left running.")
    return 0


def _refuse_early(folders: Folders, households: int | None) -> None:
    """What would stop the demo half way stops it before anything is started."""
    bus_from(folders)
    file = plan_file(folders)
    file.refuse_other(households)
    if not file.exists():
        folders.create()
        refuse_full_disk(folders, needed=DISK_FOR_ALL if households is None else DISK_FOR_SAMPLE)


@asynccontextmanager
async def _running(folders: Folders, screen: Screen) -> AsyncIterator[tuple[Running, bool]]:
    """The stack that runs already, or one that lives as long as the block; and whether it is ours to stop."""
    state = control.running(folders)
    async with AsyncExitStack() as stacked:
        if state is not None and state.ready:
            screen.say("the stack is running already: the demo uses it and leaves it running")
            yield Running(folders=folders, urls=state.apis, keys=load_keys(folders.secrets)), False
            return
        bus = bus_from(folders)
        stack = Stack(
            folders,
            ports=ports_from(),
            database_url=os.environ.get("DATABASE_URL") or None,
            bus=bus.kind,
            bus_url=bus.url,
            say=screen.say,
        )
        await stacked.enter_async_context(stack)
        yield Running(folders=folders, urls=stack.urls, keys=stack.keys), True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
