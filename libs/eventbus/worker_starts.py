"""Worker starts: a start whose end is missing tells the next one that the process died."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_LOOK = text("""
SELECT ended_at FROM worker_start WHERE consumer_group = :group AND instance = :instance FOR UPDATE
""")
_START = text("""
INSERT INTO worker_start (consumer_group, instance, started_at) VALUES (:group, :instance, :now)
ON CONFLICT (consumer_group, instance) DO UPDATE SET started_at = excluded.started_at, ended_at = NULL
""")
_END = text("UPDATE worker_start SET ended_at = :now WHERE consumer_group = :group AND instance = :instance")


async def start(connection: AsyncConnection, group: str, instance: str, now: datetime) -> bool:
    """This instance is noted as running; True if its last run ended cleanly, or there was none."""
    last = (await connection.execute(_LOOK, {"group": group, "instance": instance})).one_or_none()
    await connection.execute(_START, {"group": group, "instance": instance, "now": now})
    return last is None or last.ended_at is not None


async def end(connection: AsyncConnection, group: str, instance: str, now: datetime) -> None:
    """This instance's run ended on purpose."""
    await connection.execute(_END, {"group": group, "instance": instance, "now": now})
