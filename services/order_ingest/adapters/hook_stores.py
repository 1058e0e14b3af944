"""Which store stands behind a hook's address: read through the intake role, remembered for a few seconds."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zlib import crc32

from sqlalchemy import Row, text

from libs.servicekit.clock import Clock
from libs.servicekit.database import Database
from libs.servicekit.sealing import Vault
from services.order_ingest.application.accept_delivery import HookStore
from services.order_ingest.domain.signatures import Secret

INTAKE_LANES: Final = 64
REMEMBERED_FOR: Final = timedelta(seconds=5)
_MOST_REMEMBERED: Final = 10_000
_FIND = text(
    """
    SELECT s.merchant_no, s.store_no, s.store_id, s.platform, s.domain, k.secret_id, k.secret_enc, k.not_after
    FROM store s LEFT JOIN store_secret k USING (merchant_no, store_no)
    WHERE s.endpoint_token = :token ORDER BY k.created_at DESC
    """
)


def secret_place(merchant_no: int, secret_id: Any) -> str:
    """What a secret's ciphertext is bound to."""
    return f"{merchant_no}|store_secret|secret|{secret_id}"


class HookStores:
    """Stores by endpoint token, each read at most once in 5 seconds; unknown tokens are remembered too."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._remembered: OrderedDict[str, tuple[datetime, HookStore | None]] = OrderedDict()
        self._reading: dict[str, asyncio.Task[HookStore | None]] = {}

    async def find(self, token: str) -> HookStore | None:
        """The store with this endpoint token; changes of its secrets are seen within 5 seconds."""
        now = self._clock.now()
        known = self._remembered.get(token)
        if known is not None and now - known[0] < REMEMBERED_FOR:
            return known[1]
        # Thousands of requests may miss at one instant: they share one read.
        reading = self._reading.get(token)
        if reading is None:
            reading = asyncio.create_task(self._read(token, now))
            self._reading[token] = reading
            reading.add_done_callback(lambda _: self._reading.pop(token, None))
        return await asyncio.shield(reading)

    def remembered(self, token: str) -> HookStore | None:
        """The store as it was last read, if it still is remembered."""
        known = self._remembered.get(token)
        return known[1] if known is not None else None

    async def _read(self, token: str, now: datetime) -> HookStore | None:
        async with self._database.read() as uow:
            rows = (await uow.connection.execute(_FIND, {"token": token})).all()
        store = self._store(rows) if rows else None
        self._remembered[token] = (now, store)
        self._remembered.move_to_end(token)
        if len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return store

    def _store(self, rows: Sequence[Row[Any]]) -> HookStore:
        one = rows[0]
        secrets = [
            Secret(
                self._vault.decrypt(row.secret_enc, secret_place(row.merchant_no, row.secret_id)).decode(),
                row.not_after,
            )
            for row in rows
            if row.secret_id is not None
        ]
        return HookStore(
            merchant_no=one.merchant_no,
            store_no=one.store_no,
            store_id=one.store_id,
            platform=one.platform,
            domain=one.domain,
            lane=crc32(one.store_id.bytes) % INTAKE_LANES,
            secrets=secrets,
        )
