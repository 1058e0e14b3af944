"""One broker's process: begun, asked whether it serves, ended."""

import asyncio
import signal
from collections.abc import Sequence

from deploy.local.accounts import launch_command
from deploy.local.children import described, follow, spawn
from deploy.local.errors import StartFailed
from deploy.local.kafka_command import serves
from deploy.local.kafka_folder import Node
from deploy.local.log_files import LogFile

READY_SECONDS = 120.0
_STOP_SECONDS = 30.0


class Broker:
    """One node's process, if it runs."""

    def __init__(self, node: Node, command: Sequence[str]) -> None:
        self.node = node
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._following: asyncio.Task[int] | None = None
        self.log = node.folder / "server.log"
        self._last_words = ""

    @property
    def number(self) -> int:
        return self.node.number

    @property
    def pid(self) -> int | None:
        """The process number; None while it does not run."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def begin(self) -> None:
        """The process runs; whether it serves is another question."""
        log = LogFile(self.log)
        # Killed with us, whatever state it is in: one that was frozen would not hear a politer signal.
        command = launch_command(self._command, death_signal=signal.SIGKILL, account=None)
        self._process, output = await spawn(command, {}, self.node.folder)
        self._following = asyncio.create_task(self._follow(self._process, output, log))

    async def end(self, how: signal.Signals) -> None:
        """The process has ended, killed if the signal was not enough. Without one nothing happens."""
        if self._process is None or self._following is None:
            return
        if self._process.returncode is None:
            self._process.send_signal(how)
        done, _ = await asyncio.wait([self._following], timeout=_STOP_SECONDS)
        if not done:
            self._process.kill()
        await self._following
        self._process = self._following = None

    def send(self, how: signal.Signals) -> None:
        """The process got the signal."""
        assert self._process is not None, f"node {self.number} does not run"
        self._process.send_signal(how)

    async def until_serving(self) -> None:
        """The broker answers, and counts itself among those that serve.

        Raises: StartFailed: it ended, or took two minutes.
        """
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        while not await serves(self.node):
            if self._following is None or self._following.done():
                code = self._following.result() if self._following else 0
                raise StartFailed(f"Kafka node {self.number} {described(code)}. {self._tail()}")
            if asyncio.get_running_loop().time() > deadline:
                raise StartFailed(f"Kafka node {self.number} did not serve after {READY_SECONDS:.0f} s. {self._tail()}")
            await asyncio.sleep(0.1)

    async def _follow(self, process: asyncio.subprocess.Process, output: asyncio.StreamReader, log: LogFile) -> int:
        try:
            return await follow(process, output, log.write)
        finally:
            self._last_words = log.tail()
            log.close()

    def _tail(self) -> str:
        last = self._last_words or "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])
        return f"Its log, {self.log}, ends:\n{last}"
