"""Many requests, one commit: whoever waits while a commit is under way shares the next one.

The commit in flight is the window in which the next batch gathers, so an idle system answers after one round trip and
a busy one commits hundreds at a time. In between, commits keep a distance: of a few hundred requests a second each
would else come alone, and a commit of one costs hardly less than one of ten.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

T = TypeVar("T")

MOST_ITEMS: Final = 512
FLUSHERS: Final = 2
SECONDS_APART: Final = 0.005
"""Between the beginnings of two commits, unless there is enough to do."""
ENOUGH: Final = 4
"""So many that wait are worth a commit at once."""


class Full(Exception):
    """More is waiting than may wait; nothing was taken."""


class CommitFailed(Exception):
    """The items' commit failed, or its end is unknown: whoever sent them must send again."""


Write = Callable[[Sequence[T]], Awaitable[None]]
"""Commits the items in one transaction, or raises. Called by one flusher at a time each."""


class GroupCommit(Generic[T]):
    """Hands items to its flushers in batches; a future is resolved only after its batch's COMMIT."""

    def __init__(self, writers: Sequence[Write[T]], *, most_waiting: int, most_bytes: int) -> None:
        """One flusher per writer. `most_waiting` items and `most_bytes` bound what may wait or be in flight."""
        self._writers = writers
        self._most_waiting = most_waiting
        self._most_bytes = most_bytes
        self._waiting: deque[tuple[T, int, asyncio.Future[None]]] = deque()
        self._held, self._held_bytes = 0, 0
        self._work = asyncio.Event()
        self._begun_at = 0.0

    async def put(self, item: T, size: int) -> None:
        """The item is committed.

        Raises:
            Full: at once, without having taken it.
            CommitFailed: it is not known to be committed.
        """
        if self._held >= self._most_waiting or self._held_bytes + size > self._most_bytes:
            raise Full
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, size, future))
        self._held += 1
        self._held_bytes += size
        self._work.set()
        await future

    async def run(self, stop: asyncio.Event) -> None:
        """Flushes until `stop`; what waits then is still committed."""
        async with asyncio.TaskGroup() as group:
            for write in self._writers:
                group.create_task(self._flush(write, stop))
            await stop.wait()
            self._work.set()

    async def _flush(self, write: Write[T], stop: asyncio.Event) -> None:
        while True:
            if not self._waiting:
                if stop.is_set():
                    return
                self._work.clear()
                await self._work.wait()
                continue
            if (pause := self._pause()) > 0 and not stop.is_set():
                await asyncio.sleep(pause)
                continue
            self._begun_at = asyncio.get_running_loop().time()
            batch = [self._waiting.popleft() for _ in range(min(MOST_ITEMS, len(self._waiting)))]
            await self._commit(write, batch)

    def _pause(self) -> float:
        """Seconds in which more may come before the next commit begins."""
        if len(self._waiting) >= ENOUGH:
            return 0.0
        return self._begun_at + SECONDS_APART - asyncio.get_running_loop().time()

    async def _commit(self, write: Write[T], batch: Sequence[tuple[T, int, asyncio.Future[None]]]) -> None:
        failure: CommitFailed | None = None
        try:
            await write([item for item, _, _ in batch])
        except Exception as error:  # whatever it was, nobody may be told that it stands
            failure = CommitFailed(type(error).__name__)
            failure.__cause__ = error
        except asyncio.CancelledError:
            failure = CommitFailed("the process is stopping")
            raise
        finally:
            self._held -= len(batch)
            self._held_bytes -= sum(size for _, size, _ in batch)
            for _, _, future in batch:
                if not future.done():  # a client that went away has cancelled its own
                    future.set_result(None) if failure is None else future.set_exception(failure)
