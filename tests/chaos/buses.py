"""What the faults must know of a transport: how to wipe it, and what it holds. One seam, an implementation each."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import asyncpg

from deploy.local.stack import Stack
from tests.chaos.proxy import Proxy, proxied, through

_TOLD = """
SELECT lane, max(seq) FROM (
    SELECT (headers::json ->> 'ce_lane')::int AS lane, (headers::json ->> 'ce_sequence')::int8 AS seq
    FROM log JOIN part USING (tp) WHERE part.topic = $1 AND off >= part.next_off - 400
) x WHERE seq IS NOT NULL GROUP BY lane
"""


class Told(Protocol):
    """Looks at the end of one topic, quickly and again and again."""

    async def highest(self) -> Mapping[int, int]:
        """Per lane the highest sequence among the last records."""


class BusFaults(Protocol):
    """One transport under faults."""

    @property
    def name(self) -> str:
        """`postgres` or `kafka`."""

    async def wipe(self) -> int:
        """The bus has forgotten all records and positions; how many records that were."""

    def told(self, topic: str) -> AbstractAsyncContextManager[Told]:
        """What was told on the topic, looked at for as long as the block lasts."""

    def proxied(self) -> AbstractAsyncContextManager[tuple[Proxy, str]]:
        """A fault proxy before the bus, and the bus's URL through it, for as long as the block lasts."""


@dataclass(frozen=True, slots=True)
class PostgresFaults:
    """The bus in the stack's own PostgreSQL server."""

    stack: Stack
    name: str = "postgres"

    async def wipe(self) -> int:
        """As if the database had been made anew: a new incarnation, no record, no position."""
        async with self._connection() as connection, asyncio.timeout(30):
            while True:
                try:
                    return await _wiped(connection)
                except asyncpg.LockNotAvailableError:  # readers lock these tables in several orders
                    continue

    @asynccontextmanager
    async def told(self, topic: str) -> AsyncIterator["_PostgresTold"]:
        """Looks over one connection that stays open: a stopped process must not wait for ours to be made."""
        async with self._connection() as connection:
            yield _PostgresTold(connection, topic)

    @asynccontextmanager
    async def proxied(self) -> AsyncIterator[tuple[Proxy, str]]:
        """The server's one port, reached through the proxy's."""
        async with proxied(urlsplit(self.stack.bus_url).port or 0) as proxy:
            yield proxy, through(proxy, self.stack.bus_url)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:  # Any: asyncpg ships no types
        address = urlsplit(self.stack.admin_url)._replace(path="/bus").geturl()
        connection = await asyncpg.connect(address, timeout=10)
        try:
            yield connection
        finally:
            await connection.close(timeout=5)


async def _wiped(connection: Any) -> int:
    """How many records the bus has forgotten.

    Raises:
        LockNotAvailableError: nothing was wiped. A wait ends before PostgreSQL looks for a deadlock, for whoever it
            then picks is either this fault or a statement that the fault did not mean to break.
    """
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '300ms'")
        await connection.execute("LOCK TABLE bus_identity, part, group_offset, log IN ACCESS EXCLUSIVE MODE")
        records: int = await connection.fetchval("SELECT count(*) FROM log")
        await connection.execute("TRUNCATE log, group_offset")
        await connection.execute("UPDATE part SET next_off = 0, low_off = 0")
        await connection.execute("UPDATE bus_identity SET incarnation = gen_random_uuid()")
    return records


@dataclass(frozen=True, slots=True)
class _PostgresTold:
    connection: Any
    topic: str

    async def highest(self) -> Mapping[int, int]:
        """The last 400 records of each partition."""
        return dict(await self.connection.fetch(_TOLD, self.topic))
