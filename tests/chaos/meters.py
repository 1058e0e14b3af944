"""What the workers' metrics counted over a run, across deaths: a counter that fell began again at zero."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.ports import HOST
from tests.chaos.arena import Arena

_COUNTER = re.compile(r"eventbus_\w+_total[{ ]")


class Meters:
    """Sums of counters by name and label set, over all workers."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, str, str], float] = {}
        self._sums: dict[str, float] = {}

    def total(self, name: str) -> int:
        """How far `eventbus_<name>_total` went in all."""
        return int(self._sums.get(f"eventbus_{name}_total", 0.0))

    def begin(self) -> None:
        """What was counted so far belongs to earlier runs."""
        self._sums.clear()

    async def look(self, client: httpx.AsyncClient, port: int) -> None:
        """The worker on `port` was read, if it answered."""
        try:
            answer = await client.get(f"http://{HOST}:{port}/metrics")
        except httpx.HTTPError:
            return
        ours = "\n".join(line for line in answer.text.splitlines() if _COUNTER.match(line))  # parsing all costs a core
        for family in text_string_to_metric_families(ours + "\n"):
            for sample in family.samples:
                self._add((port, sample.name, str(sample.labels)), sample.name, sample.value)

    def _add(self, key: tuple[int, str, str], name: str, value: float) -> None:
        before = self._last.get(key, 0.0)
        self._sums[name] = self._sums.get(name, 0.0) + (value - before if value >= before else value)
        self._last[key] = value


@asynccontextmanager
async def watched(arena: Arena) -> AsyncIterator[Meters]:
    """Every worker's metrics are read four times a second inside the block, and once at its end."""
    meters, ports = Meters(), arena.stack.ports.workers.values()
    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:

        async def look_around() -> None:
            for port in ports:
                await meters.look(client, port)

        async def keep_looking() -> None:
            while True:
                await look_around()
                await asyncio.sleep(0.25)

        await look_around()
        meters.begin()
        watcher = asyncio.create_task(keep_looking())
        try:
            yield meters
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
            await look_around()
