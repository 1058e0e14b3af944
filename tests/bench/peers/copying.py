"""Binary COPY of rows that stand already: what PostgreSQL can take in at most."""

import io
import time
from collections.abc import Sequence

import asyncpg


async def rows_of(url: str, tables: Sequence[str]) -> dict[str, bytes]:
    """The tables' rows in COPY's binary form. Needs a superuser's URL: row security forbids COPY to others."""
    connection = await asyncpg.connect(url)
    try:
        found: dict[str, bytes] = {}
        for table in tables:
            output = io.BytesIO()
            await connection.copy_from_query(f"SELECT * FROM {table}", output=output, format="binary")
            found[table] = output.getvalue()
        return found
    finally:
        await connection.close()


async def copy_in(url: str, rows: dict[str, bytes]) -> float:
    """Seconds until all rows were committed into the same tables of another database, in one transaction."""
    connection = await asyncpg.connect(url)
    try:
        began = time.perf_counter()
        async with connection.transaction():
            for table, content in rows.items():
                await connection.copy_to_table(table, source=io.BytesIO(content), format="binary")
        return time.perf_counter() - began
    finally:
        await connection.close()
