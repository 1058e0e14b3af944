"""When points became visible to somebody who looks from outside, order by order."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from libs.kernel.identifiers import derived_id
from tests.chaos.arena import Arena

_EVERY_SECONDS = 0.02
_LATEST = "SELECT coalesce(max(txn_id), 0) FROM txn"
_NEW = "SELECT txn_id, order_id FROM txn WHERE txn_id > $1 AND kind = 'earn' ORDER BY txn_id"
_LOOK_BACK = 200  # two consumers may commit in another order than they took their ids


class Stopwatch:
    """The instants (of the event loop) at which a look every 20 ms first found each order's points."""

    def __init__(self, connection: Any, after: int) -> None:  # Any: an asyncpg connection, untyped
        self._connection = connection
        self._after = after
        self._seen: dict[UUID, float] = {}

    async def look(self) -> None:
        """What is there now has been seen."""
        rows = await self._connection.fetch(_NEW, self._after - _LOOK_BACK)
        now = asyncio.get_running_loop().time()
        for row in rows:
            self._after = row["txn_id"]
            self._seen.setdefault(row["order_id"], now)

    def waits(self, store_id: UUID, due: Mapping[str, float]) -> list[float]:
        """Seconds from the instant that each webhook was due until its points were visible; orders without points
        are left out."""
        ids = {derived_id(store_id, "order", order_id): at for order_id, at in due.items()}
        return [self._seen[order_id] - at for order_id, at in ids.items() if order_id in self._seen]


@asynccontextmanager
async def stopwatch(arena: Arena) -> AsyncIterator[Stopwatch]:
    """Looks until the block ends, and once more then."""
    async with arena.admin("loyalty") as connection:
        watch = Stopwatch(connection, await connection.fetchval(_LATEST))

        async def keep_looking() -> None:
            while True:
                await watch.look()
                await asyncio.sleep(_EVERY_SECONDS)

        looking = asyncio.create_task(keep_looking())
        try:
            yield watch
        finally:
            looking.cancel()
            await asyncio.wait([looking])
            await watch.look()
