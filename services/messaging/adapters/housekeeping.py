"""What was kept only for a while goes."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text

from libs.servicekit.unit_of_work import UnitOfWork

ORDERS_KEPT_FOR: Final = timedelta(days=14)
"""As long as the bus keeps facts: points cannot come later than that."""

_FORGET_ORDERS = text("DELETE FROM heard_order WHERE heard_at < :before")


async def forget_the_old(uow: UnitOfWork, now: datetime) -> None:
    """Payments that no points can follow any more are gone."""
    await uow.connection.execute(_FORGET_ORDERS, {"before": now - ORDERS_KEPT_FOR})
