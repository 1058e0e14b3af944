"""Which physical database this is: facts may go on only in the one that said the earlier ones."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.errors import SourceRestored

# The timeline changes with a point-in-time recovery, the oid with a restored dump, the identifier with a new cluster.
_PRESENT = """
SELECT system_identifier::text, left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline,
    (SELECT oid::int8 FROM pg_database WHERE datname = current_database()) AS database_oid
FROM pg_control_system()
"""
_STORE = """
INSERT INTO source_identity (system_identifier, timeline, database_oid) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
_STORED = "SELECT system_identifier, timeline, database_oid FROM source_identity"
_BOUND = _PRESENT.replace(":", "\\:")
_RENEW = text(
    "INSERT INTO source_identity (system_identifier, timeline, database_oid)"
    + _BOUND
    + """
ON CONFLICT (one) DO UPDATE SET system_identifier = excluded.system_identifier, timeline = excluded.timeline,
    database_oid = excluded.database_oid, stored_at = now()
"""
)
_COMPARE = text(
    "WITH p AS ("
    + _BOUND
    + """)
SELECT p.system_identifier || '/' || p.timeline || '/' || p.database_oid AS present,
    i.system_identifier || '/' || i.timeline || '/' || i.database_oid AS stored
FROM p LEFT JOIN source_identity i ON true
"""
)


async def check_identity(connection: Any) -> None:
    """This database said all that its outbox holds; the first caller ever stores who it is.

    `connection`: asyncpg. Raises: SourceRestored.
    """
    present = tuple(await connection.fetchrow(_PRESENT))
    await connection.execute(_STORE, *present)
    stored = tuple(await connection.fetchrow(_STORED))
    if stored != present:
        raise SourceRestored(f"the outbox belongs to database {stored}, this is {present}; start a new epoch first")


@dataclass(frozen=True, slots=True)
class Identity:
    """Which database this is, and which one said what the outbox holds (None: nobody has spoken yet)."""

    present: str
    stored: str | None

    @property
    def may_speak(self) -> bool:
        return self.stored in (None, self.present)


async def renew(connection: AsyncConnection) -> None:
    """This database is the one that speaks from here on."""
    await connection.execute(_RENEW)


async def compare(connection: AsyncConnection) -> Identity:
    """This database, beside the one that spoke last."""
    return Identity(*(await connection.execute(_COMPARE)).one())
