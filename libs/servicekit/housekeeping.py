"""Tidying up that nothing waits for."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from libs.servicekit.clock import Clock
from libs.servicekit.database import Database
from libs.servicekit.logs import logger
from libs.servicekit.process import Stop, Task
from libs.servicekit.unit_of_work import UnitOfWork
from libs.servicekit.waiting import wait_for_stop

HOUSEKEEPING_SECONDS: Final = 3600.0
Tidy = Callable[[UnitOfWork, datetime], Awaitable[object]]
_log = logger(__name__)


def housekeeping(database: Database, tidy: Tidy, clock: Clock) -> Task:
    """A task that tidies up hourly until the stop; what fails is tried again an hour later."""

    async def run(stop: Stop) -> None:
        while not stop.is_set():
            try:
                async with database.begin() as uow:
                    await tidy(uow, clock.now())
            except Exception as error:  # nothing hangs on it: old rows stay an hour longer
                _log.error("housekeeping_failed", error=type(error).__name__)
            await wait_for_stop(stop, HOUSEKEEPING_SECONDS)

    return run
