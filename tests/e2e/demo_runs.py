"""The demo run as people run it, but without a terminal, in a folder and on ports of its own."""

import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from deploy.local.folders import REPOSITORY
from deploy.local.ports import free_ports, is_taken, ports_from
from tests.e2e.printed import Printed, read
from tests.e2e.source_figures import Given

_NOT_OURS: Final = ("DATABASE_URL", "BUS_URL", "HUITOU_DATA")


@dataclass(frozen=True, slots=True)
class Run:
    """What a run left: its exit code, its output, and the ports that were still in use."""

    code: int
    output: str
    errors: str
    taken: list[str]

    @property
    def printed(self) -> Printed:
        return read(self.output)


class Demo:
    """Runs `python -m deploy.demo`, again and again on the same data."""

    def __init__(self, folder: Path, *, households: int | None, timeout_seconds: float) -> None:
        self._folder = folder
        self._arguments = [] if households is None else ["--households", str(households)]
        self._timeout_seconds = timeout_seconds
        free = free_ports()
        self._ports = {
            "HUITOU_PORTS": str(_twenty_free_ports()),
            "HUITOU_POSTGRES_PORT": str(free.postgres),
            "HUITOU_SMTP_PORT": str(free.smtp),
            "HUITOU_KAFKA_PORT": str(free.kafka),
        }

    def run(self) -> Run:
        """The demo has ended, and with it everything that it started."""
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
        done = subprocess.run(
            [sys.executable, "-m", "tests.e2e.orphans", "deploy.demo", *self._arguments],
            cwd=REPOSITORY,
            env={**inherited, **self._ports, "HUITOU_DATA": str(self._folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self._timeout_seconds,
            check=False,
        )
        named = ports_from(self._ports).named()
        taken = [name for name, port in named.items() if is_taken(port)]
        return Run(done.returncode, done.stdout, done.stderr, taken)

    def given(self) -> Given:
        """What the first run fixed for all later ones."""
        plan: dict[str, Any] = json.loads((self._folder / "demo" / "plan.json").read_text())
        return Given(
            weeks=plan["weeks"],
            as_of=datetime.fromisoformat(plan["as_of"]),
            households=plan["households"],
            store_id=UUID(plan["store_id"]),
        )


def _twenty_free_ports() -> int:
    """The first of them; below those that the system gives to whoever asks for any."""
    while True:
        first = random.randrange(15_000, 30_000)
        if not any(is_taken(first + index) for index in range(20)):
            return first
