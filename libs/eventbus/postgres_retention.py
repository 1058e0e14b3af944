"""Retention of the PostgreSQL bus: days are made ahead, and dropped after a week once every group has passed."""

import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from libs.eventbus import metrics
from libs.eventbus.postgres_schema import DAYS_AHEAD, yesterday

_log = logging.getLogger(__name__)

KEEP_DAYS: Final = 7
CAP_DAYS: Final = 14
CAP_BYTES: Final = 20 * 1024**3

_DAYS = """
SELECT c.relname, pg_total_relation_size(c.oid) AS bytes FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'log'::regclass ORDER BY c.relname
"""


async def keep_days(pool: Any, now: datetime) -> list[str]:
    """Three days ahead exist, expired ones are gone; the dropped children are returned.

    A group that is behind holds a day back, with an alarm, until the hard cap: it then jumps to what is left, and its
    marks find the gap. `pool`: asyncpg.
    """
    await pool.execute("SELECT log_ensure_days($1, $2)", yesterday(now), DAYS_AHEAD + 1)
    days = [(name, _day(name), size) for name, size in await pool.fetch(_DAYS)]
    total = sum(size for _, _, size in days)
    dropped = []
    for name, day, size in days:
        too_much = total > CAP_BYTES and day < now.date()
        if day + timedelta(days=KEEP_DAYS) > now.date() and not too_much:
            break
        force = too_much or day + timedelta(days=CAP_DAYS) <= now.date()
        if not await pool.fetchval("SELECT log_drop_day($1, $2)", name, force):
            metrics.HELD_DAYS.labels("log").set(1)
            _log.error("eventbus_log_day_held", extra={"child": name})
            break
        total -= size
        dropped.append(name)
    return dropped


def _day(child: str) -> date:
    return datetime.strptime(child.rpartition("_")[2], "%Y%m%d").replace(tzinfo=UTC).date()
