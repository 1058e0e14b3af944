"""Deliveries refused at a store's hook: counted in memory, added up in the database every few seconds.

Whoever knows a hook's address can send any number of them, so one costs an addition, and all of them one statement.
"""

import asyncio
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.clock import Clock
from libs.servicekit.database import Database
from libs.servicekit.logs import logger
from libs.servicekit.waiting import wait_for_stop
from services.order_ingest.application.accept_delivery import HookStore

REFUSALS_KEPT: Final = timedelta(days=30)
MOST_COUNTED: Final = 10_000
"""Stores and reasons at a time; of others only the log says how often."""
_EVERY_SECONDS: Final = 5.0
_WRITE_SECONDS: Final = 5.0
_log = logger(__name__)

ADD = text(
    """
    SELECT hook_refused(CAST(:merchants AS int4[]), CAST(:stores AS int4[]), CAST(:reasons AS text[]),
        CAST(:counts AS int8[]), CAST(:last_ats AS timestamptz[]))
    """
)
FORGET = text("DELETE FROM hook_refusal WHERE day < CAST(:before AS date)")
_Key = tuple[int, int, str]
_Sum = tuple[int, datetime]


class HookRefusals:
    """Refusals by store and reason; `run` puts them away. What an outage keeps counts for the day of its last one."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """`database` is the intake role's."""
        self._database = database
        self._clock = clock
        self._sums: dict[_Key, _Sum] = {}
        self._uncounted = 0

    def count(self, store: HookStore, reason: str) -> None:
        """One more refusal waits to be put away."""
        key = store.merchant_no, store.store_no, reason
        before = self._sums.get(key)
        if before is None and len(self._sums) >= MOST_COUNTED:
            self._uncounted += 1
        else:
            self._sums[key] = (before[0] if before else 0) + 1, self._clock.now()

    async def run(self, stop: asyncio.Event) -> None:
        """Refusals are put away every few seconds until `stop`, and once more then; an outage is waited out."""
        while not await wait_for_stop(stop, _EVERY_SECONDS):
            await self._try_to_write()
        await self._try_to_write()

    async def write(self) -> None:
        """All that was counted until now stands. After a failure it still waits.

        A write whose end is unknown is made again, and may then count twice: a figure for people, not a ledger.
        """
        taken = dict(self._sums)
        if not taken:
            return
        async with asyncio.timeout(_WRITE_SECONDS), self._database.begin() as uow:
            await uow.connection.execute(ADD, _columns(taken))
        self._take_off(taken)

    async def _try_to_write(self) -> None:
        try:
            await self.write()
        except Exception as error:  # whatever it was, the sums are still here
            _log.warning("hook_refusals_not_written", count=len(self._sums), error_type=type(error).__name__)
        if self._uncounted:
            _log.warning("hook_refusals_not_counted", count=self._uncounted)
            self._uncounted = 0

    def _take_off(self, written: dict[_Key, _Sum]) -> None:
        """More may have been counted while it was written."""
        for key, (count, _) in written.items():
            now, last_at = self._sums[key]
            if now == count:
                del self._sums[key]
            else:
                self._sums[key] = now - count, last_at


def _columns(sums: dict[_Key, _Sum]) -> dict[str, list[Any]]:
    return {
        "merchants": [merchant_no for merchant_no, _, _ in sums],
        "stores": [store_no for _, store_no, _ in sums],
        "reasons": [reason for _, _, reason in sums],
        "counts": [count for count, _ in sums.values()],
        "last_ats": [last_at for _, last_at in sums.values()],
    }


async def forget_refusals(connection: AsyncConnection, before: date) -> int:
    """Refusals of older days are gone; how many rows (worker role)."""
    return (await connection.execute(FORGET, {"before": before})).rowcount
