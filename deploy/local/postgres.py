"""One PostgreSQL server on loopback and a Unix socket, as a child of this process."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from signal import Signals
from types import TracebackType
from typing import Self

from deploy.local.accounts import launch_command
from deploy.local.errors import StartFailed
from deploy.local.ports import free_ports, refuse_taken
from deploy.local.postgres_command import Prepared, prepare_server

FAST_STOP = Signals.SIGINT  # ends sessions and writes a checkpoint; SIGTERM would wait for clients to leave
IMMEDIATE_STOP = Signals.SIGQUIT  # as a crash: the next start recovers from the log


class Server:
    """A running server; it ends with `stop`, with the `with` block, or with this process."""

    def __init__(
        self, prepared: Prepared, process: "subprocess.Popen[bytes]", log: Path, *, scratch: Path | None
    ) -> None:
        self._process = process
        self._scratch = scratch
        self.log = log
        self.admin_url = prepared.admin_url
        self.port = prepared.port
        self.pid = process.pid

    def stop(self, how: Signals = FAST_STOP) -> None:
        """The server has ended; its data stays, unless it was a scratch server's. Stopping twice is harmless."""
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.send_signal(IMMEDIATE_STOP)
            self._process.wait(30)
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_server(folder: Path | None = None, *, port: int | None = None, password: str = "huitou") -> Server:  # noqa: S107
    """A server accepts connections; its data lies in `folder`, or in a scratch folder that ends with it.

    Call it from the main thread: the server ends with the thread that started it.

    Raises:
        Refused: the folder, port or version does not allow it; nothing was changed.
        StartFailed: the server ended at once; its last lines are in the message.
    """
    scratch = scratch_folder() if folder is None else None
    prepared = prepare_server(folder or scratch or Path(), port=port or free_ports().postgres, password=password)
    refuse_taken({"PostgreSQL": prepared.port})
    log = prepared.cluster.parent / "server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            launch_command(prepared.command, death_signal=FAST_STOP, account=prepared.account),
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            env=dict(prepared.environment),
            cwd="/",
            start_new_session=True,
        )
    server = Server(prepared, process, log, scratch=scratch)
    _wait_until_ready(server, prepared, process)
    return server


def scratch_folder() -> Path:
    """A new folder that the server's account can enter; the caller removes it."""
    folder = Path(tempfile.mkdtemp(prefix="huitou-", dir="/tmp" if Path("/tmp").is_dir() else None))  # noqa: S108
    folder.chmod(0o711)  # mkdtemp closes it to others, and the server may run as another account
    return folder


def _wait_until_ready(server: Server, prepared: Prepared, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while not prepared.is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            server.stop()
            tail = "\n".join(server.log.read_text(errors="replace").splitlines()[-8:])
            raise StartFailed(f"PostgreSQL did not start. Its log, {server.log}, ends with:\n{tail}")
        time.sleep(0.05)
