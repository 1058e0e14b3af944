"""The intake's days made ahead and dropped behind, old ids forgotten, broken uploads, failed imports cleared away."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.clock import Clock
from libs.servicekit.database import Database
from libs.servicekit.idempotency import forget_old_keys
from libs.servicekit.logs import logger
from libs.servicekit.waiting import wait_for_stop
from services.order_ingest.adapters.books_questions import FETCH
from services.order_ingest.adapters.coupons import PUBLISH
from services.order_ingest.adapters.hook_refusals import REFUSALS_KEPT, forget_refusals
from services.order_ingest.adapters.hook_restorations import RESTORE_HOOK
from services.order_ingest.adapters.imports import forget_broken_uploads, forget_failed_imports
from services.order_ingest.adapters.privacy_desk import forget_exports
from services.order_ingest.adapters.pulls import PULL
from services.order_ingest.adapters.store_subscriptions import LIST_HOOKS
from services.order_ingest.adapters.withdrawals import WITHDRAW

DAYS_AHEAD: Final = 3
DELIVERIES_KEPT: Final = timedelta(days=14)
IDS_KEPT: Final = timedelta(days=30)
UPLOADS_KEPT: Final = timedelta(days=1)
_EVERY_SECONDS: Final = 3600.0
_IDS_AT_ONCE: Final = 20_000
_log = logger(__name__)

_ENSURE = text("SELECT intake_ensure_days(CAST(:first AS date), :days)")
_DAYS = text(
    """
    SELECT right(c.relname, 8) AS day FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = CAST('webhook_delivery' AS regclass) ORDER BY 1
    """
)
_DROP = text("SELECT intake_drop_day(:day)")
_FORGET_IDS = text(
    """
    DELETE FROM webhook_dedupe WHERE ctid IN (SELECT ctid FROM webhook_dedupe WHERE received_at < :before LIMIT :most)
    """
)
# Their results are in tables or facts: once settled they only say how a day's questions ended.
_FORGET_QUESTIONS = text(
    "DELETE FROM effect WHERE kind = ANY (CAST(:kinds AS text[])) AND calling_until IS NULL AND state <> 'pending'"
    " AND updated_at < :before"
)


async def ensure_days(connection: AsyncConnection, now: datetime) -> None:
    """The intake has children for yesterday (the server's clock may be behind ours), today and 3 days more."""
    first = (now - timedelta(days=1)).date()
    await connection.execute(_ENSURE, {"first": first, "days": DAYS_AHEAD + 1})


async def drop_days(database: Database, now: datetime) -> int:
    """Days older than 14 whose every delivery was normalised are gone; how many."""
    last_kept = (now - DELIVERIES_KEPT).strftime("%Y%m%d")
    async with database.read() as uow:
        days = [row.day for row in await uow.connection.execute(_DAYS) if row.day < last_kept]
    dropped = 0
    for day in days:
        async with database.begin() as uow:
            dropped += bool(await uow.connection.scalar(_DROP, {"day": day}))
    return dropped


async def forget_ids(database: Database, now: datetime) -> int:
    """Dedupe ids older than 30 days are gone, in steps that hold no lock for long; how many."""
    gone = 0
    while True:
        async with database.begin() as uow:
            step = await uow.connection.execute(_FORGET_IDS, {"before": now - IDS_KEPT, "most": _IDS_AT_ONCE})
        gone += step.rowcount
        if step.rowcount < _IDS_AT_ONCE:
            return gone


async def forget_questions(connection: AsyncConnection, before: datetime) -> int:
    """Settled questions and orders to stores are gone; how many."""
    kinds = [FETCH, PULL, LIST_HOOKS, RESTORE_HOOK, PUBLISH, WITHDRAW]
    return (await connection.execute(_FORGET_QUESTIONS, {"kinds": kinds, "before": before})).rowcount


async def maintain(database: Database, clock: Clock, stop: asyncio.Event) -> None:
    """All of it, hourly until `stop` (worker role)."""
    while not stop.is_set():
        now = clock.now()
        try:
            async with database.begin() as uow:
                await ensure_days(uow.connection, now)
                await forget_old_keys(uow.connection, now)
                await forget_broken_uploads(uow.connection, now - UPLOADS_KEPT)
                await forget_failed_imports(uow.connection, now)
                await forget_questions(uow.connection, now - DELIVERIES_KEPT)
                await forget_exports(uow.connection, now)
                await forget_refusals(uow.connection, (now - REFUSALS_KEPT).date())
            count = await drop_days(database, now)
            await forget_ids(database, now)
            _log.info("intake_maintained", count=count)
        except Exception as error:  # days exist three ahead: there is time to come again
            _log.error("intake_maintenance_failed", error_type=type(error).__name__)
        await wait_for_stop(stop, _EVERY_SECONDS)
