"""The renderer port on a Liquid worker process, which is replaced whenever it dies or hangs."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Mapping, Sequence
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
TOGETHER: Final = 16
"""Requests of one hand-over: so many wait at the most again when one of them costs the worker its life."""
_TOO_MUCH: Final = {"field": "html", "detail": "needs too much time or memory"}


class _Request:
    """A line to the worker, and what it answered."""

    __slots__ = ("answer", "line")

    def __init__(self, line: bytes) -> None:
        self.line = line
        self.answer: dict[str, str] | None = None


class LiquidRenderer:
    """One worker; what waits while it works is handed over together, in order, and answered in order.

    Waking a process costs more than rendering a usual mail, and each would else wake the other for every one.
    """

    def __init__(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self._turn = asyncio.Lock()
        self._waiting: deque[_Request] = deque()
        self._worker: Process | None = None

    async def render(self, content: Content, context: Mapping[str, int | str | None]) -> Rendered:
        """What a customer reads; see the port.

        Raises: TemplateBroken, also when the template made the worker die or hang.
        """
        wanted = {"subject": content.subject, "html": content.html, "context": dict(context)}
        request = _Request(json.dumps(wanted).encode() + b"\n")
        self._waiting.append(request)
        try:
            async with self._turn:
                while request.answer is None:
                    await self._serve()
        finally:
            with suppress(ValueError):  # whoever gave up waiting wants nothing any more
                self._waiting.remove(request)
        answer = request.answer
        if "detail" in answer:
            raise TemplateBroken(answer["field"], answer["detail"])
        return Rendered(subject=answer["subject"], html=answer["html"], text=answer["text"])

    async def close(self) -> None:
        """No worker is left."""
        async with self._turn:
            await self._replace()

    async def _serve(self) -> None:
        """Those that wait are answered, all of them or up to the first that costs the worker its life."""
        together = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
        try:
            await self._ask(together)
        finally:
            self._waiting.extendleft(request for request in reversed(together) if request.answer is None)
            if any(request.answer is None or request.answer is _TOO_MUCH for request in together):
                await self._replace()  # it is gone, or it still owes answers that nobody waits for

    async def _ask(self, together: Sequence[_Request]) -> None:
        worker = await self._running()
        assert worker.stdin is not None
        assert worker.stdout is not None
        with suppress(ConnectionError):
            worker.stdin.write(b"".join(request.line for request in together))
        for request in together:
            line = b""
            # Whatever happens to the pipe or the clock: an empty or missing line means that the worker is gone.
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(self._patience_seconds):
                    line = await worker.stdout.readline()
            if not line.endswith(b"\n"):
                request.answer = _TOO_MUCH
                return
            request.answer = json.loads(line)

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
