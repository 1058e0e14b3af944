"""The commands that act on a stack from outside: down, status, reset, logs."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import asyncpg

from deploy.local.databases import BUS, SERVICES
from deploy.local.errors import Refused, StartFailed
from deploy.local.folders import Folders
from deploy.local.run_state import Lock, State, end_leftovers, read_state

STOP_SECONDS = 60.0


def running(folders: Folders) -> State | None:
    """The state of the stack that runs on these folders; None if none does."""
    return read_state(folders.run) if Lock(folders.run).is_held() else None


def stop(folders: Folders) -> str:
    """No process of the stack is left. Says what was done."""
    state = running(folders)
    if state is None:
        left = read_state(folders.run)
        ended = end_leftovers(left.processes) if left else []
        return (
            f"It was not running; ended what a killed run had left: {', '.join(ended)}."
            if ended
            else "It is not running."
        )
    os.kill(state.supervisor.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while state.supervisor.is_alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    last = read_state(folders.run) or state  # programs may have been started again meanwhile
    ended = end_leftovers({"supervisor": state.supervisor, **last.processes})
    return f"Stopped; these did not stop by themselves: {', '.join(ended)}." if ended else "Stopped."


def start_detached(
    folders: Folders,
    arguments: Sequence[str],
    *,
    module: str = "deploy.local",
    log_name: str = "stack.log",
    seconds: float = 180.0,
) -> State:
    """What `python -m module up` starts is ready and outlives this command.

    Raises:
        StartFailed: it ended, or was not ready in time; its last words are in the message.
    """
    folders.create()
    log = folders.logs / log_name
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", module, "up", "--quiet", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        state = running(folders)
        if state is not None and state.ready and state.supervisor.pid == process.pid:
            return state
        time.sleep(0.1)
    process.terminate()
    raise StartFailed(f"It did not start. Its last words ({log}):\n{log.read_text(errors='replace')[-2000:]}")


def delete_data(folders: Folders) -> list[Path]:
    """Everything that the stack stored in its folders is gone; returns what was deleted.

    Raises:
        Refused: it is running.
    """
    if running(folders) is not None:
        raise Refused("The stack is running; stop it first.")
    if Lock(folders.broker / "run").is_held():
        raise Refused("A broker is running on the data; stop it first with `make kafka-down`.")
    doomed = [folders.postgres, folders.broker, folders.secrets, folders.run, folders.data / "demo"]
    found = [folder for folder in (*doomed, folders.logs, folders.mail) if folder.exists()]
    for folder in found:
        shutil.rmtree(folder)
    (folders.data / "bus").unlink(missing_ok=True)
    return found


async def drop_databases(admin_url: str) -> None:
    """The stack's databases on a server that is not its own are gone; their roles stay."""
    admin = await asyncpg.connect(admin_url)
    try:
        for name in (*SERVICES, BUS):
            await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await admin.close()


def follow_logs(files: Mapping[str, Path], show: Callable[[str, str], None], *, last: int, follow: bool) -> None:
    """The last lines of each file were shown, and if asked to, every new one until Ctrl-C."""
    positions: dict[str, int] = {}
    for name, file in files.items():
        text = file.read_text(errors="replace") if file.exists() else ""
        for line in text.splitlines()[-last:]:
            show(name, line)
        positions[name] = file.stat().st_size if file.exists() else 0
    while follow:
        time.sleep(0.3)
        for name, file in files.items():
            positions[name] = _show_new(name, file, positions[name], show)


def _show_new(name: str, file: Path, position: int, show: Callable[[str, str], None]) -> int:
    size = file.stat().st_size if file.exists() else 0
    if size == position:
        return position
    with file.open("rb") as opened:
        opened.seek(position if size > position else 0)  # smaller: a new file took its place
        new = opened.read()
    whole = new[: new.rfind(b"\n") + 1]
    for line in whole.decode(errors="replace").splitlines():
        show(name, line)
    return (position if size > position else 0) + len(whole)
