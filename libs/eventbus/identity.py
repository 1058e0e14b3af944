"""Which physical database this is: facts may go on only in the one that said the earlier ones."""

from typing import Any

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


async def check_identity(connection: Any) -> None:
    """This database said all that its outbox holds; the first caller ever stores who it is.

    `connection`: asyncpg. Raises: SourceRestored.
    """
    present = tuple(await connection.fetchrow(_PRESENT))
    await connection.execute(_STORE, *present)
    stored = tuple(await connection.fetchrow(_STORED))
    if stored != present:
        raise SourceRestored(f"the outbox belongs to database {stored}, this is {present}; start a new epoch first")
