"""Rows of the PostgreSQL bus read as they are: nothing is parsed, no mark is kept."""

from typing import Final

import asyncpg

_READ: Final = """
SELECT l.tp, l.off, l.key, l.headers, l.payload FROM unnest($1::int4[], $2::int8[]) a(tp, f)
CROSS JOIN LATERAL (SELECT * FROM log WHERE log.tp = a.tp AND log.off >= a.f ORDER BY off LIMIT $3) l
ORDER BY l.tp, l.off
"""
_READ_AT_ONCE: Final = 1_000


async def read(connection: asyncpg.Connection, topic: str, count: int) -> None:
    """So many records were received from the topic's beginning."""
    parts = await connection.fetch("SELECT tp FROM part WHERE topic = $1 ORDER BY tp", topic)
    places = {row["tp"]: 0 for row in parts}
    taken = 0
    while taken < count:
        rows = await connection.fetch(_READ, list(places), list(places.values()), _READ_AT_ONCE // len(places))
        places.update((row[0], row[1] + 1) for row in rows)
        taken += len(rows)
