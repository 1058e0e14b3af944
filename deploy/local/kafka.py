"""A broker of our own on one data folder: claimed, prepared, supervised."""

import asyncio
import signal
from pathlib import Path

from deploy.local.kafka_command import serve_command, serves
from deploy.local.kafka_folder import Layout, layout_of, prepare_folder
from deploy.local.kafka_programs import Programs, find_programs, programs_folder
from deploy.local.ports import Ports
from deploy.local.run_state import Lock
from deploy.local.supervisor import Program, Say, Supervisor

TAKEN = (
    "A broker already runs on this data folder, alone or in a stack: stop it with `make kafka-down` or `make down`, or "
    "use it with BUS_URL=kafka://..."
)


class OwnBroker:
    """From `claim` to `release` the folder is ours. Whoever supervises it stops it."""

    def __init__(self, folder: Path, ports: Ports, *, say: Say) -> None:
        self._layout = layout_of(folder, [(ports.kafka, ports.kafka_controller)])
        self._lock = Lock(folder / "run", taken=TAKEN)
        self._say = say

    @property
    def url(self) -> str:
        """What `BUS_URL` says."""
        return self._layout.url

    def claim(self) -> None:
        """Nobody else runs a broker on the folder. Raises: Refused."""
        (self._layout.folder / "run").mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock.take()

    def release(self) -> None:
        """The folder is free. Releasing twice is harmless."""
        self._lock.release()

    async def start(self, supervisor: Supervisor) -> None:
        """The broker serves, and is started again whenever it ends.

        Raises:
            Refused: no Java or Maven, or the folder's data is another's.
            StartFailed: it could not be fetched, formatted or started.
        """
        programs = await asyncio.to_thread(find_programs, programs_folder(), say=self._say)
        await asyncio.to_thread(prepare_folder, self._layout, programs)
        await supervisor.start([kafka_program(self._layout, programs)])


def kafka_program(layout: Layout, programs: Programs) -> Program:
    """The one node of the layout."""
    [node] = layout.nodes

    async def is_ready() -> bool:
        return await serves(node)

    return Program(
        name="kafka",
        command=serve_command(node, layout, programs),
        environment={},
        is_ready=is_ready,
        folder=Path("/"),
        stop_signal=signal.SIGTERM,
        stop_seconds=30.0,
        ready_seconds=120.0,
    )
