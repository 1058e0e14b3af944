"""What happens when its time has come."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.servicekit.logs import logger
from libs.servicekit.timers import Due, TimerHandler
from libs.servicekit.unit_of_work import UnitOfWork
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
