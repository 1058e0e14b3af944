"""A file of history is brought to the service and followed until its rows are read, whatever breaks in between."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from services.order_ingest.application.history_service import (
    HistoryFile,
    HistoryService,
    ImportFailed,
    ImportSeen,
    Query,
    RejectedRow,
    ServiceAway,
)

T = TypeVar("T")
Pause: TypeAlias = Callable[[float], Awaitable[None]]

FINISHED: Final = "finished"
LOOK_SECONDS: Final = 0.5
PATIENCE: Final = (1.0, 2.0, 5.0, 10.0, 20.0)
"""The pauses before the second to the sixth attempt; after that the service is taken to be away."""
LONGEST_PAUSE_SECONDS: Final = 60.0


class Watch(Protocol):
    """Who looks on."""

    def begin(self, words: str, unit: str, total: int | None) -> None: ...
    def reached(self, done: int, total: int | None = None) -> None: ...
    def say(self, text: str) -> None: ...


def key_of(digest: str, query: Query) -> str:
    """The same file with the same options always has the same Idempotency-Key."""
    told = json.dumps([digest, sorted(query.items())], ensure_ascii=True)
    return f"history-{hashlib.sha256(told.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Courier:
    """Brings files; an attempt that breaks is made again, a few times and with pauses."""

    service: HistoryService
    watch: Watch
    pause: Pause

    async def bring(self, file: HistoryFile, query: Query) -> ImportSeen:
        """The import of the file with all its rows read; what an earlier run began is gone on with.

        Raises:
            HistoryError: see there.
        """
        self.watch.begin("checksum", "bytes", file.size)
        key = key_of(await file.digest(self.watch.reached), query)
        seen = await self._patiently(partial(self._brought, file, query, key))
        if seen.is_known:
            self.watch.say(_known(seen))
        if seen.state != FINISHED:
            await self._follow(seen.job_id)
        return _whole(await self._patiently(partial(self.service.shown, seen.import_id)))

    async def preview(self, file: HistoryFile, query: Query) -> Mapping[str, Any]:
        """What the import would bring, as the service tells it. Raises: HistoryError."""

        async def previewed() -> Mapping[str, Any]:
            self.watch.begin("sent", "bytes", file.size)
            return await self.service.preview(query, file, self.watch.reached)

        return await self._patiently(previewed)

    async def rejected(self, import_id: str) -> AsyncIterator[RejectedRow]:
        """All rejected rows by number. Raises: HistoryError."""
        cursor: str | None = None
        while True:
            rows, cursor = await self._patiently(partial(self.service.rejected, import_id, cursor))
            for row in rows:
                yield row
            if cursor is None:
                return

    async def _brought(self, file: HistoryFile, query: Query, key: str) -> ImportSeen:
        # Asked before each attempt: an upload whose answer was lost may stand, and a refusal costs no upload.
        if (seen := await self.service.known(query, key)) is not None:
            return seen
        self.watch.begin("sent", "bytes", file.size)
        return await self.service.upload(query, key, file, self.watch.reached)

    async def _follow(self, job_id: str) -> None:
        self.watch.begin("read", "rows", None)
        while True:
            job = await self._patiently(partial(self.service.job, job_id))
            self.watch.reached(job.done, job.total)
            if job.failure is not None:
                raise ImportFailed(job.failure)
            if job.is_over:
                return
            await self.pause(LOOK_SECONDS)

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        for attempt, seconds in enumerate(PATIENCE, start=1):
            try:
                return await ask()
            except ServiceAway as away:
                wait = max(seconds, min(away.after_seconds or 0.0, LONGEST_PAUSE_SECONDS))
                self.watch.say(f"{away}; attempt {attempt + 1} of {len(PATIENCE) + 1} in {wait:.0f} s")
                await self.pause(wait)
        return await ask()


def _known(seen: ImportSeen) -> str:
    if seen.state == FINISHED:
        return f"This file was imported with these options before; the import ended at {seen.finished_at}."
    return "The service has the whole file from an earlier run; its import goes on."


def _whole(seen: ImportSeen) -> ImportSeen:
    if seen.rows_read < seen.rows_uploaded:
        raise ImportFailed(f"only {seen.rows_read} of the file's {seen.rows_uploaded} rows were read")
    return seen
