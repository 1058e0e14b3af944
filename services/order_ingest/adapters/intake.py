"""Deliveries into the intake: one statement per batch, committed by itself, through the intake role.

Straight on asyncpg: this is the one path where the layer above the driver costs more than the work.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import zstandard

from libs.servicekit.clock import Clock
from libs.servicekit.sealing import Vault
from libs.servicekit.tracing import correlation_id, traceparent
from services.order_ingest.adapters.group_commit import FLUSHERS, GroupCommit
from services.order_ingest.adapters.intake_log import delivery_place
from services.order_ingest.application.accept_delivery import Delivery

_GUARDS: Final = {
    "application_name": "huitou-intake",
    "lock_timeout": "2s",
    "statement_timeout": "15s",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}
_CALL_SECONDS: Final = 10.0

# Dedupe ids first, sorted, then lane counters, sorted: every writer takes its locks in this one order. The lane's row
# stays locked to the end of the statement, which is its commit, so numbers become visible in order and without gaps.
APPEND: Final = """
WITH item AS MATERIALIZED (
    SELECT * FROM unnest($1::int2[], $2::int4[], $3::int4[], $4::bytea[], $5::uuid[], $6::text[], $7::timestamptz[],
        $8::text[], $9::text[], $10::bytea[], $11::bytea[]) WITH ORDINALITY
        i(lane, merchant_no, store_no, dedupe, delivery_id, topic, triggered_at, correlation_id, traceparent,
          body_sha256, body_enc, ord)
), fresh AS (
    INSERT INTO webhook_dedupe (merchant_no, store_no, dedupe, received_at)
    SELECT merchant_no, store_no, dedupe, $12 FROM item ORDER BY merchant_no, store_no, dedupe
    ON CONFLICT DO NOTHING RETURNING merchant_no, store_no, dedupe
), numbered AS MATERIALIZED (
    SELECT item.*, row_number() OVER (PARTITION BY lane ORDER BY ord) AS place
    FROM item JOIN fresh USING (merchant_no, store_no, dedupe)
), locked AS MATERIALIZED (
    SELECT l.lane, n.count FROM intake_lane l JOIN (SELECT lane, count(*) FROM numbered GROUP BY lane) n USING (lane)
    ORDER BY l.lane FOR UPDATE OF l
), moved AS (
    UPDATE intake_lane l SET next_seq = l.next_seq + k.count FROM locked k WHERE l.lane = k.lane
    RETURNING l.lane, l.next_seq - k.count AS first
)
INSERT INTO webhook_delivery (lane, seq, received_at, delivery_id, merchant_no, store_no, topic, triggered_at,
    correlation_id, traceparent, body_sha256, body_enc)
SELECT n.lane, m.first + n.place - 1, $12, n.delivery_id, n.merchant_no, n.store_no, n.topic, n.triggered_at,
    n.correlation_id, n.traceparent, n.body_sha256, n.body_enc
FROM numbered n JOIN moved m USING (lane)
"""


class Sealed:
    """A delivery ready to be written: compressed, encrypted, its place in the row known."""

    __slots__ = ("body_enc", "correlation", "delivery", "trace")

    def __init__(self, delivery: Delivery, body_enc: bytes) -> None:
        self.delivery = delivery
        self.body_enc = body_enc
        self.correlation = correlation_id.get() or str(delivery.delivery_id)
        self.trace = traceparent.get()


class Intake:
    """Accepts deliveries durably: `put` returns after COMMIT. A delivery that was seen before is left as it is."""

    def __init__(self, url: str, vault: Vault, clock: Clock, *, most_waiting: int, most_bytes: int) -> None:
        self._vault = vault
        self._clock = clock
        self._compressor = zstandard.ZstdCompressor(level=1)
        self._writers = [_Writer(url, clock) for _ in range(FLUSHERS)]
        self._group = GroupCommit[Sealed](
            [writer.write for writer in self._writers], most_waiting=most_waiting, most_bytes=most_bytes
        )

    async def put(self, delivery: Delivery) -> None:
        """The delivery stands, now or since it came first.

        Raises:
            Full, CommitFailed: it does not, as far as is known; the sender must try again.
        """
        place = delivery_place(delivery.store.merchant_no, delivery.delivery_id)
        body_enc = self._vault.encrypt(self._compressor.compress(delivery.body), place)
        await self._group.put(Sealed(delivery, body_enc), len(body_enc))

    async def run(self, stop: asyncio.Event) -> None:
        """Writes until `stop`, then closes its connections."""
        try:
            await self._group.run(stop)
        finally:
            for writer in self._writers:
                writer.close()


class _Writer:
    """One flusher's connection; after a failure the next batch opens a new one."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._connection: asyncpg.Connection | None = None

    async def write(self, items: Sequence[Sealed]) -> None:
        """One statement in its own implicit transaction: returned means committed."""
        try:
            connection = await self._connected()
            await connection.execute(APPEND, *columns(items), self._clock.now(), timeout=_CALL_SECONDS)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url, timeout=5, server_settings=_GUARDS)
        return self._connection


def columns(items: Sequence[Sealed]) -> list[list[Any]]:
    """One array per column. Of one delivery twice in a batch the first stays: the join would number both."""
    first: dict[tuple[int, bytes], Sealed] = {}
    for item in items:
        first.setdefault((item.delivery.store.store_no, item.delivery.dedupe), item)
    rows = [
        (
            one.delivery.store.lane,
            one.delivery.store.merchant_no,
            one.delivery.store.store_no,
            one.delivery.dedupe,
            one.delivery.delivery_id,
            one.delivery.topic,
            one.delivery.triggered_at,
            one.correlation,
            one.trace,
            one.delivery.body_sha256,
            one.body_enc,
        )
        for one in first.values()
    ]
    return [list(column) for column in zip(*rows, strict=True)]
