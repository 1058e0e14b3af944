"""The renderer port on a Liquid worker process, which is replaced whenever it dies or hangs."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.messaging.application.ports import TemplateBroken
from services.messaging.domain.templates import Content, Rendered

_ROOT: Final = Path(__file__).resolve().parents[3]
_MODULE: Final = "services.messaging.adapters.liquid_worker"
_ANSWER_LIMIT: Final = 2 * 1024 * 1024
PATIENCE_SECONDS: Final = 10.0
"""Wall time per template; the worker's own limit is on CPU time and strikes first unless the machine is overloaded."""


class LiquidRenderer:
    """One worker, one template at a time; concurrent callers wait for each other, in order."""

    def __init__(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self._turn = asyncio.Lock()
        self._worker: Process | None = None

    async def render(self, content: Content, context: Mapping[str, int | str | None]) -> Rendered:
        """What a customer reads; see the port.

        Raises: TemplateBroken, also when the template made the worker die or hang.
        """
        request = {"subject": content.subject, "html": content.html, "context": dict(context)}
        async with self._turn:
            answer = await self._ask(json.dumps(request).encode() + b"\n")
        if "detail" in answer:
            raise TemplateBroken(answer["field"], answer["detail"])
        return Rendered(subject=answer["subject"], html=answer["html"], text=answer["text"])

    async def close(self) -> None:
        """No worker is left."""
        async with self._turn:
            await self._replace()

    async def _ask(self, request: bytes) -> dict[str, str]:
        worker = await self._running()
        assert worker.stdin is not None
        assert worker.stdout is not None
        line = b""
        # Whatever happens to the pipe or the clock: an empty or missing line means that the worker is gone.
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(self._patience_seconds):
                worker.stdin.write(request)
                await worker.stdin.drain()
                line = await worker.stdout.readline()
        if not line.endswith(b"\n"):
            await self._replace()
            raise TemplateBroken("html", "needs too much time or memory")
        answer: dict[str, str] = json.loads(line)
        return answer

    async def _running(self) -> Process:
        if self._worker is not None and self._worker.returncode is None:
            return self._worker
        # -E and an empty environment: nothing of this process's secrets reaches a template.
        self._worker = await asyncio.create_subprocess_exec(
            sys.executable, "-E", "-m", _MODULE, cwd=_ROOT, env={}, stdin=PIPE, stdout=PIPE, limit=_ANSWER_LIMIT
        )
        return self._worker

    async def _replace(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        with suppress(ProcessLookupError):
            worker.kill()
        await worker.communicate()
