"""A batch of history: lines of a file become entries, are folded into the books like any delivery, and counted."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.contracts.commerce import ImportFinishedV1, ImportStartedV1
from libs.contracts.envelope import Cause, Said
from libs.kernel.identifiers import derived_id
from services.order_ingest.application.apply_entries import APPLIED, NO_NEWS, apply
from services.order_ingest.application.convert_file import parted, refusal
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.ports import Books, Telling
from services.order_ingest.application.read_entry import Letter, Reader
from services.order_ingest.domain.changes import Unheeded
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.reading import external_id, load
from services.order_ingest.domain.storefront import Storefront

FORMAT = "standard"
YIELD_EVERY = 16
"""Rows between two looks at the event loop: a chunk is all computation, and live work shares the process."""


class UploadOvertaken(Exception):
    """The same file is being uploaded once more, under the same key: only the last attempt counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One import, as its rows need it."""

    import_id: UUID
    storefront: Storefront
    started_at: datetime
    is_converted: bool = False
    """Its lines were made by `convert_file` and say which row of the file each is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A row that was left out, and why; never the row itself."""

    row_no: int
    reason: str
    external_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows so far, by how they ended."""

    read: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            read=self.read + other.read,
            accepted=self.accepted + other.accepted,
            duplicates=self.duplicates + other.duplicates,
            rejected=self.rejected + other.rejected,
        )


@dataclass(slots=True)
class Prepared:
    """Rows read and ready: entries by row number, and what could not be read."""

    entries: list[tuple[int, Entry]] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)

    @property
    def read(self) -> int:
        return len(self.entries) + len(self.rejections)

    def only(self, row_no: int) -> "Prepared":
        """That one row."""
        return Prepared(
            [each for each in self.entries if each[0] == row_no], [r for r in self.rejections if r.row_no == row_no]
        )


def prepare(row_no: int, line: bytes, history: History, reader: Reader, into: Prepared) -> None:
    """The line is in `into`, as an entry or as a rejection. Its cause is derived from its place in the file, so a
    resumed import says the same facts again under the same ids."""
    if history.is_converted:
        # The row is no part of the order: an overlapping file has the same order elsewhere, and must change nothing.
        row_no, line = parted(line)
    named: str | None = None
    try:
        body = load(line)
        named = _id(body)
        if history.is_converted and (refused := refusal(body)) is not None:
            into.rejections.append(Rejection(row_no=row_no, reason=refused, external_id=named))
            return
        entry = reader.entry(_letter(row_no, line, history), body)
    except Malformed as complaint:
        into.rejections.append(Rejection(row_no=row_no, reason=str(complaint), external_id=named))
        return
    if isinstance(entry.change, Unheeded):
        reason = f"{entry.change.outcome}: {entry.change.reason}"
        into.rejections.append(Rejection(row_no=row_no, reason=reason, external_id=named))
    else:
        into.entries.append((row_no, entry))


def _letter(row_no: int, line: bytes, history: History) -> Letter:
    row_id = derived_id(history.import_id, "row", str(row_no))
    return Letter(
        body=line,
        storefront=history.storefront,
        cause=Cause(row_id, "backfill", str(history.import_id)),
        source="import",
        topic=None,
        triggered_at=None,
        received_at=history.started_at,
        platform=FORMAT,
    )


def _id(body: Mapping[str, Any]) -> str | None:
    content = body.get("data")
    try:
        return external_id(content if isinstance(content, dict) else body, "id")
    except Malformed:
        return None


async def fold(prepared: Prepared, books: Books, telling: Telling, reader: Reader) -> Counts:
    """The rows stand in the books and will be told; how they ended."""
    outcomes: list[str] = []
    if prepared.entries:
        workspace = await books.load([entry for _, entry in prepared.entries])
        for place, (_, entry) in enumerate(prepared.entries):
            if place % YIELD_EVERY == 0:
                await asyncio.sleep(0)
            outcomes.append(apply(workspace, entry, reader.seals))
        await books.store(workspace)
        for said in workspace.said:
            telling.say(said)
    return Counts(
        read=prepared.read,
        accepted=outcomes.count(APPLIED),
        duplicates=outcomes.count(NO_NEWS),
        rejected=len(prepared.rejections),
    )


def tell_started(telling: Telling, history: History, *, expected_rows: int) -> None:
    """Everybody knows that history of this store follows."""
    fact = ImportStartedV1(
        import_id=history.import_id,
        store_id=history.storefront.store_id,
        expected_rows=expected_rows,
        started_at=history.started_at,
    )
    telling.say(_said(fact, history, history.started_at, "started"))


def tell_finished(telling: Telling, history: History, counts: Counts, now: datetime) -> None:
    """Everybody knows that no more of it comes."""
    fact = ImportFinishedV1(
        import_id=history.import_id,
        store_id=history.storefront.store_id,
        read_rows=counts.read,
        accepted_rows=counts.accepted,
        duplicate_rows=counts.duplicates,
        rejected_rows=counts.rejected,
        finished_at=now,
    )
    telling.say(_said(fact, history, now, "finished"))


def _said(fact: ImportStartedV1 | ImportFinishedV1, history: History, at: datetime, step: str) -> Said:
    merchant_id = history.storefront.merchant_id
    return Said(
        fact=fact, merchant_id=merchant_id, occurred_at=at, key=f"{history.import_id}/{step}", origin="backfill"
    )
