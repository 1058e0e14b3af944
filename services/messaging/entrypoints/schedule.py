"""What happens when its time has come."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.servicekit.clock import Clock
from libs.servicekit.logs import logger
from libs.servicekit.process import Stop, Task
from libs.servicekit.timers import Due, TimerHandler
from libs.servicekit.unit_of_work import UnitOfWork
from libs.servicekit.waiting import wait_for_stop
from services.messaging.application.ports import Intents

HOUSEKEEPING_SECONDS: Final = 3600.0
Tidy = Callable[[UnitOfWork, datetime], Awaitable[None]]
_log = logger(__name__)


def timer_handlers(intents: Intents, *, wait_kind: str) -> Mapping[str, TimerHandler]:
    """Every kind of due row of this service."""

    async def end_waiting(uow: UnitOfWork, due: Sequence[Due], now: datetime) -> None:
        """What was waited for has not come; the message is judged by what is known."""
        await intents.release(uow, {(row.merchant_no, UUID(row.key)) for row in due}, now=now)

    return {wait_kind: end_waiting}


def housekeeping(begin: Callable[[], AbstractAsyncContextManager[UnitOfWork]], tidy: Tidy, clock: Clock) -> Task:
    """A task that tidies up hourly until the stop; what fails is tried again an hour later."""

    async def run(stop: Stop) -> None:
        while not stop.is_set():
            try:
                async with begin() as uow:
                    await tidy(uow, clock.now())
            except Exception as error:  # nothing hangs on it: old rows stay an hour longer
                _log.error("housekeeping_failed", error=type(error).__name__)
            await wait_for_stop(stop, HOUSEKEEPING_SECONDS)

    return run
