"""Due rows: a note in the database that something must be looked at again at an instant.

A due row is a hint, never the truth. Its handler locks the business rows, decides from their state and the clock,
and may find nothing to do. A fold that moves the instant meanwhile simply wins: the row is removed only where it
still names the instant that was handled.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.writes import Writes
from libs.servicekit.clock import Clock
from libs.servicekit.database import Database
from libs.servicekit.logs import logger
from libs.servicekit.tenancy import enable_tenancy
from libs.servicekit.unit_of_work import UnitOfWork
from libs.servicekit.waiting import wait_for_stop

_log = logger(__name__)


def timer_tables(service: str) -> Sequence[str]:
    """The statements that create `due_row` in a service's first migration."""
    return (
        """
        CREATE TABLE due_row (
            merchant_no int4 NOT NULL,
            kind text NOT NULL,
            key text NOT NULL,
            due_at timestamptz NOT NULL,
            payload jsonb NOT NULL DEFAULT '{}',
            PRIMARY KEY (merchant_no, kind, key)
        )
        """,
        "CREATE INDEX due_row_next ON due_row (kind, due_at)",
        *enable_tenancy("due_row", service),
    )


TIMERS_BY_OWN_KEY = (
    "ALTER TABLE due_row DROP CONSTRAINT due_row_pkey, ADD PRIMARY KEY (key, kind, merchant_no)",
    "DROP INDEX due_row_next",
    # The condition always holds. It keeps this index from statements that do not ask for a time.
    "CREATE INDEX due_row_next ON due_row (kind, due_at, merchant_no, key) WHERE due_at IS NOT NULL",
)
"""For a later migration: a plan made while the table was empty would else read all of it."""
TIMERS_BY_MERCHANT = (
    "ALTER TABLE due_row DROP CONSTRAINT due_row_pkey, ADD PRIMARY KEY (merchant_no, kind, key)",
    "DROP INDEX due_row_next",
    "CREATE INDEX due_row_next ON due_row (kind, due_at)",
)

_SCHEDULE = text(
    """
    INSERT INTO due_row (merchant_no, kind, key, due_at, payload)
    SELECT * FROM unnest(CAST(:merchants AS int4[]), CAST(:kinds AS text[]), CAST(:keys AS text[]),
                         CAST(:dues AS timestamptz[]), CAST(CAST(:payloads AS text[]) AS jsonb[]))
    ON CONFLICT (merchant_no, kind, key) DO UPDATE SET due_at = excluded.due_at, payload = excluded.payload
    """
)
_CANCEL = text(
    """
    DELETE FROM due_row d WHERE d.key = ANY (CAST(:keys AS text[])) AND (d.merchant_no, d.kind, d.key) IN
        (SELECT * FROM unnest(CAST(:merchants AS int4[]), CAST(:kinds AS text[]), CAST(:keys AS text[])))
    """
)
_DUE = text(
    """
    SELECT m.merchant_id, d.merchant_no, d.kind, d.key, d.due_at, d.payload
    FROM due_row d JOIN merchant m USING (merchant_no)
    WHERE d.kind = :kind AND d.due_at <= :now ORDER BY d.due_at, d.merchant_no, d.key LIMIT :limit
    """
)
_DONE = text(
    """
    DELETE FROM due_row d USING unnest(CAST(:merchants AS int4[]), CAST(:keys AS text[]),
                                       CAST(:dues AS timestamptz[])) AS x(merchant_no, key, due_at)
    WHERE d.kind = :kind AND d.key = ANY (CAST(:keys AS text[]))
        AND (d.merchant_no, d.key, d.due_at) = (x.merchant_no, x.key, x.due_at)
    """
)


@dataclass(frozen=True, slots=True)
class Due:
    """One note: look at `key` when `due_at` has come. One per (merchant, kind, key); a later one replaces it."""

    merchant_no: int
    kind: str
    key: str
    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)
    merchant_id: UUID | None = None


TimerHandler = Callable[[UnitOfWork, Sequence[Due], datetime], Awaitable[None]]


async def schedule(connection: AsyncConnection, rows: Sequence[Due]) -> None:
    """Each note stands with its newest instant; call it after the business rows are locked."""
    writes = Writes()
    add_notes(writes, rows)
    await writes.send(connection)


def add_notes(writes: Writes, rows: Sequence[Due]) -> None:
    """Each note will stand with its newest instant, once the writes are sent."""
    newest = {(row.merchant_no, row.kind, row.key): row for row in rows}
    ordered = [newest[key] for key in sorted(newest)]
    if not ordered:
        return
    writes.add(
        _SCHEDULE,
        {
            "merchants": [row.merchant_no for row in ordered],
            "kinds": [row.kind for row in ordered],
            "keys": [row.key for row in ordered],
            "dues": [row.due_at for row in ordered],
            "payloads": [json.dumps(dict(row.payload)) for row in ordered],
        },
    )


async def cancel(connection: AsyncConnection, keys: Sequence[tuple[int, str, str]]) -> None:
    """No note stands under these (merchant_no, kind, key)."""
    ordered = sorted(set(keys))
    if not ordered:
        return
    merchants, kinds, names = (list(column) for column in zip(*ordered, strict=True))
    await connection.execute(_CANCEL, {"merchants": merchants, "kinds": kinds, "keys": names})


class TimerLoop:
    """Hands due rows to their handlers, a kind at a time, each batch in one transaction."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, TimerHandler],
        clock: Clock,
        *,
        poll_seconds: float = 1.0,
        batch: int = 500,
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._batch = batch

    async def run(self, stop: asyncio.Event) -> None:
        """Due rows are handled until `stop`; a failing batch is said in the log and tried again."""
        while not stop.is_set():
            try:
                busy = await self.run_due()
            except Exception as error:  # the next round tries again; the process must not die of one bad row
                _log.error("timer_batch_failed", error=type(error).__name__)
                busy = 0
            if not busy:
                await wait_for_stop(stop, self._poll_seconds)

    async def run_due(self) -> int:
        """One batch of each kind is handled; the number of due rows seen."""
        return sum([await self._run_kind(kind) for kind in sorted(self._handlers)])

    async def _run_kind(self, kind: str) -> int:
        now = self._clock.now()
        async with self._database.begin() as uow:
            rows = [
                Due(row.merchant_no, row.kind, row.key, row.due_at, row.payload, row.merchant_id)
                for row in await uow.connection.execute(_DUE, {"kind": kind, "now": now, "limit": self._batch})
            ]
            if rows:
                await self._handlers[kind](uow, rows, now)
                await uow.connection.execute(_DONE, {"kind": kind, **_columns(rows)})
        return len(rows)


def _columns(rows: Sequence[Due]) -> dict[str, list[Any]]:
    return {
        "merchants": [row.merchant_no for row in rows],
        "keys": [row.key for row in rows],
        "dues": [row.due_at for row in rows],
    }
