"""Runs an import as a job: chunk by chunk, each one transaction with its position, yielding to live work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from libs.eventbus.failures import classify
from libs.eventbus.words import Failure
from libs.servicekit.clock import Clock
from libs.servicekit.database import Database
from libs.servicekit.errors import JobRefused
from libs.servicekit.jobs import JobRun
from libs.servicekit.logs import logger
from libs.servicekit.sealing import Vault
from libs.servicekit.unit_of_work import UnitOfWork
from libs.servicekit.waiting import wait_for_stop
from services.order_ingest.adapters.books import PostgresBooks
from services.order_ingest.adapters.imports import ImportFiles, ImportRun
from services.order_ingest.application.import_rows import (
    YIELD_EVERY,
    Counts,
    History,
    Prepared,
    Rejection,
    fold,
    prepare,
    tell_finished,
    tell_started,
)
from services.order_ingest.application.read_entry import Reader

KIND: Final = "import"
_LOOK_SECONDS: Final = 0.05
_RENEW_AFTER: Final = timedelta(seconds=10)
_log = logger(__name__)

Busy = Callable[[int], Awaitable[bool]]
"""True while others are behind by more than so many facts, or live deliveries wait."""


@dataclass(slots=True)
class ImportRunner:
    """The job handler of imports (worker role)."""

    database: Database
    vault: Vault
    reader: Reader
    clock: Clock
    busy: Busy

    async def run(self, run: JobRun, stop: asyncio.Event) -> Mapping[str, Any] | None:
        """The import is finished; None if it stopped half way. After a crash it goes on behind its last chunk.

        Raises:
            JobRefused: there is no such import.
        """
        found = await self._open(run)
        history = History(
            import_id=found.import_id,
            storefront=found.storefront,
            started_at=found.started_at or self.clock.now(),
            is_converted="preset" in found.options,
        )
        position = _Position(**(run.position or {}))
        if position.over:
            return _result(found.counts)
        if not position.started:
            await self._start(run, history, found)
        return await self._chunks(run, history, found, position, stop)

    async def _open(self, run: JobRun) -> ImportRun:
        async with self.database.read() as uow:
            found = await self._files(uow, run).open(UUID(run.request["import_id"]))
        if found is None:
            raise JobRefused("No such import", "The import was deleted before its job ran.")
        return found

    async def _start(self, run: JobRun, history: History, found: ImportRun) -> None:
        async with self.database.begin() as uow:
            await self._files(uow, run).count(
                history.import_id, Counts(), state="running", started_at=history.started_at
            )
            tell_started(uow, history, expected_rows=found.rows_uploaded)
            await run.advance(uow.connection, done=0, total=found.rows_uploaded, position={"started": True})

    async def _chunks(
        self, run: JobRun, history: History, found: ImportRun, position: "_Position", stop: asyncio.Event
    ) -> Mapping[str, Any] | None:
        chunk_no, done = position.chunk, run.done
        backlog = int(found.options["max_backlog"])
        prepared = await self._prepare(run, history, chunk_no)
        while prepared is not None:
            if not await self._held_back(run, backlog, stop):
                return None
            # The next chunk is read while the database works on this one.
            following = asyncio.create_task(self._prepare(run, history, chunk_no + 1))
            try:
                await self._apply(run, history, prepared, chunk_no, done, skip=position.row)
            except BaseException:
                following.cancel()
                raise
            done += prepared.read - position.row
            position, chunk_no, prepared = _Position(started=True), chunk_no + 1, await following
        return await self._finish(run, history, done, rows=found.rows_uploaded)

    async def _prepare(self, run: JobRun, history: History, chunk_no: int) -> Prepared | None:
        async with self.database.read() as uow:
            chunk = await self._files(uow, run).chunk(history.import_id, chunk_no)
        if chunk is None:
            return None
        first_row, lines = chunk
        prepared = Prepared()
        for place, line in enumerate(lines):
            if place % YIELD_EVERY == 0:
                await asyncio.sleep(0)
            prepare(first_row + place, line, history, self.reader, prepared)
        return prepared

    async def _held_back(self, run: JobRun, backlog: int, stop: asyncio.Event) -> bool:
        """True once there is room; False if the process stops first. The lease is kept meanwhile."""
        renewed = self.clock.now()
        while await self.busy(backlog):
            if await wait_for_stop(stop, _LOOK_SECONDS):
                return False
            if self.clock.now() - renewed > _RENEW_AFTER:
                async with self.database.begin() as uow:
                    await run.advance(uow.connection, done=run.done)
                renewed = self.clock.now()
        return not stop.is_set()

    async def _apply(
        self, run: JobRun, history: History, prepared: Prepared, chunk_no: int, done: int, *, skip: int
    ) -> None:
        if skip == 0:
            try:
                after = {"started": True, "chunk": chunk_no + 1}
                await self._transaction(run, history, prepared, done + prepared.read, after)
                return
            except Exception as error:
                if classify(error) is not Failure.PERMANENT:
                    raise
                _log.warning(
                    "import_chunk_redone_singly", import_id=str(history.import_id), error_type=type(error).__name__
                )
        await self._singly(run, history, prepared, chunk_no, done, skip=skip)

    async def _singly(
        self, run: JobRun, history: History, prepared: Prepared, chunk_no: int, done: int, *, skip: int
    ) -> None:
        """Row by row, from the row behind the last one that stands: the one that cannot be applied is rejected."""
        rows = sorted([row_no for row_no, _ in prepared.entries] + [each.row_no for each in prepared.rejections])
        for place, row_no in enumerate(rows[skip:], start=skip + 1):
            last = place == len(rows)
            after = {"started": True, "chunk": chunk_no + last, "row": 0 if last else place}
            one, so_far = prepared.only(row_no), done + place - skip
            try:
                await self._transaction(run, history, one, so_far, after)
            except Exception as error:
                if classify(error) is not Failure.PERMANENT:
                    raise
                _log.error("import_row_rejected", import_id=str(history.import_id), error_type=type(error).__name__)
                rejection = Rejection(row_no=row_no, reason=f"cannot be applied: {type(error).__name__}")
                await self._transaction(run, history, Prepared([], [rejection]), so_far, after)

    async def _transaction(
        self, run: JobRun, history: History, prepared: Prepared, done: int, position: Mapping[str, Any]
    ) -> None:
        """The rows, their facts, the figures and the position: one COMMIT."""
        async with self.database.begin() as uow:
            files = self._files(uow, run)
            books = PostgresBooks(uow.connection, self.vault, self.clock.now())
            counts = await fold(prepared, books, uow, self.reader)
            await files.reject(history.import_id, prepared.rejections)
            await files.count(history.import_id, counts, state="running")
            await run.advance(uow.connection, done=done, position=position)

    async def _finish(self, run: JobRun, history: History, done: int, *, rows: int) -> Mapping[str, Any]:
        """Raises: JobRefused: fewer rows were read than had been uploaded; the import is over all the same."""
        async with self.database.begin() as uow:
            now, files = self.clock.now(), self._files(uow, run)
            so_far = await files.count(history.import_id, Counts(), state="running")
            state = "finished" if so_far.read == rows else "failed"
            counts = await files.count(history.import_id, Counts(), state=state, finished_at=now)
            await files.forget_chunks(history.import_id)  # nobody can take an import up again that is over
            if state == "finished":
                tell_finished(uow, history, counts, now)
                await run.advance(uow.connection, done=done, position={"started": True, "over": True})
        if state == "failed":
            raise JobRefused("Rows are missing", f"{counts.read} of the {rows} rows that were uploaded were read.")
        return _result(counts)

    def _files(self, uow: UnitOfWork, run: JobRun) -> ImportFiles:
        return ImportFiles(uow.connection, run.merchant_no, self.vault)


@dataclass(frozen=True, slots=True)
class _Position:
    """Where the job goes on: the chunk, and how many of its rows stand already."""

    started: bool = False
    chunk: int = 0
    row: int = 0
    over: bool = False


def _result(counts: Counts) -> Mapping[str, Any]:
    return {
        "rows_read": counts.read,
        "accepted": counts.accepted,
        "duplicates": counts.duplicates,
        "rejected": counts.rejected,
    }
