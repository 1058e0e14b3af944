"""A conversion beside the event loop: it pulls parts of an upload, and its pieces come out as they are made."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

T = TypeVar("T")
Convert = Callable[[Iterable[bytes]], Iterator[bytes]]
_AHEAD: Final = 4
"""So many pieces may wait: a slow database holds the conversion back, and through it the sender."""


async def through_thread(parts: AsyncIterator[bytes], convert: Convert) -> AsyncGenerator[bytes, None]:
    """What `convert` makes of the parts; it runs in a thread of its own, since it computes and never awaits.

    Raises whatever it raises. When the reader stops early, the thread ends at its next part or piece.
    """
    loop = asyncio.get_running_loop()
    bridge = _Bridge(parts, loop)
    # Not the loop's own few threads: slow senders would keep them all, and names could not be looked up any more.
    with ThreadPoolExecutor(max_workers=1) as thread:
        working = loop.run_in_executor(thread, bridge.work, convert)
        try:
            while (piece := await bridge.made.get()) is not None:
                yield piece
            await working
        finally:
            bridge.abandon()
            await asyncio.gather(working, return_exceptions=True)


@dataclass(slots=True)
class _Bridge:
    """What the thread asks of the loop; one question at a time."""

    parts: AsyncIterator[bytes]
    loop: asyncio.AbstractEventLoop
    made: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(_AHEAD))
    _asked: Future[Any] | None = None
    _abandoned: bool = False

    def work(self, convert: Convert) -> None:
        """In the thread: every piece is handed over, and None behind the last one, however it ends."""
        try:
            for piece in convert(self._pulled()):
                self._ask(self.made.put(piece))
        finally:
            self._ask(self.made.put(None))

    def abandon(self) -> None:
        """In the loop: nobody waits for the thread any more."""
        self._abandoned = True
        if self._asked is not None:
            self._asked.cancel()

    def _pulled(self) -> Iterator[bytes]:
        while (part := self._ask(self._next())) is not None:
            yield part

    async def _next(self) -> bytes | None:
        return await anext(self.parts, None)

    def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        asked: Future[T] = asyncio.run_coroutine_threadsafe(question, self.loop)
        self._asked = asked
        if self._abandoned:
            asked.cancel()
        return asked.result()
