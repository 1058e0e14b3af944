"""Who reads which partition: advisory locks on a dedicated connection, counted and shared out every half second."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from math import ceil
from typing import Any
from zlib import crc32

_log = logging.getLogger(__name__)

ROUND_SECONDS = 0.5
_MEMBER = -1

_JOIN = "SELECT pg_advisory_lock_shared($1::int4, $2::int4)"
_MEMBERS = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted
AND classid = $1::int8::oid AND objid = 4294967295::oid
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_CLAIM = "SELECT pg_try_advisory_lock($1::int4, $2::int4)"
_RELEASE = "SELECT pg_advisory_unlock($1::int4, $2::int4)"


class Ownership:
    """The partitions that this member of a group holds. A lost connection holds nothing, and is made anew.

    A zombie that still believes in its partitions can only waste work: lane marks judge what counts.
    """

    def __init__(
        self,
        group: str,
        partitions: Sequence[int],
        connect: Callable[[], Awaitable[Any]],
        rng: random.Random,
    ) -> None:
        self._key = crc32(group.encode()) & 0x7FFFFFFF
        self._group = group
        self._partitions = partitions
        self._connect = connect
        self._rng = rng
        self._owned: set[int] = set()

    def owned(self) -> frozenset[int]:
        """What is held now."""
        return frozenset(self._owned)

    async def keep(self) -> None:
        """Runs until cancelled: joins the group and takes its even share, every half second anew."""
        while True:
            try:
                await self._hold_a_session()
            except Exception as lost:  # whatever the driver raises: hold nothing, join again
                _log.warning("eventbus_ownership_lost", extra={"group": self._group, "error": repr(lost)})
            self._owned.clear()
            await asyncio.sleep(ROUND_SECONDS)

    async def _hold_a_session(self) -> None:
        connection = await self._connect()
        try:
            await connection.execute(_JOIN, self._key, _MEMBER)
            while True:
                await self._share(connection)
                # Half a second also keeps the session from idling into its 10 s timeout.
                await asyncio.sleep(ROUND_SECONDS)
        finally:
            connection.terminate()  # closes the socket: the locks are free at once

    async def _share(self, connection: Any) -> None:
        members = max(1, await connection.fetchval(_MEMBERS, self._key))
        share = ceil(len(self._partitions) / members)
        for surplus in sorted(self._owned)[share:]:
            self._owned.discard(surplus)
            await connection.execute(_RELEASE, self._key, surplus)
        free = [number for number in self._partitions if number not in self._owned]
        self._rng.shuffle(free)  # two joining members would else fight over the same ones
        for number in free:
            if len(self._owned) >= share:
                return
            if await connection.fetchval(_CLAIM, self._key, number):
                self._owned.add(number)
