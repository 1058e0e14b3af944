"""Loads what a batch from the bus needs and stores what it decided, in a constant number of statements each."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.contracts.coupons import CouponIssuedV1
from libs.eventbus.subscriptions import AnyEvent
from libs.eventbus.transaction import Transaction
from libs.servicekit.clock import Clock
from services.order_ingest.adapters.coupons import request_publications
from services.order_ingest.application.hearing import HeardStore, Hearing

_STORES: Final = text(
    """
    SELECT m.merchant_id, s.merchant_no, s.store_no, s.store_id
    FROM unnest(CAST(:merchants AS uuid[]), CAST(:stores AS uuid[])) w(merchant_id, store_id)
    JOIN merchant m USING (merchant_id) JOIN store s ON (s.merchant_no, s.store_id) = (m.merchant_no, w.store_id)
    """
)


class PostgresHearings:
    """Hearings of this service's database. Facts that nobody asked for never come here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def load(self, transaction: Transaction, events: Sequence[AnyEvent]) -> Hearing:
        """The stores that the events name; nothing is locked, since nothing but effects is written."""
        named = {
            (event.merchant_id, event.fact.store_id)
            for event in events
            if isinstance(event.fact, CouponIssuedV1) and event.fact.store_id is not None
        }
        return Hearing(stores=await _named_stores(transaction.connection, sorted(named)))

    async def store(self, transaction: Transaction, hearing: Hearing) -> None:
        """What stores are to be told is requested."""
        await request_publications(transaction.connection, hearing.publications, self._clock.now())


async def _named_stores(
    connection: AsyncConnection, named: Sequence[tuple[UUID, UUID]]
) -> Mapping[tuple[UUID, UUID], HeardStore]:
    if not named:
        return {}
    merchants, stores = map(list, zip(*named, strict=True))
    rows = await connection.execute(_STORES, {"merchants": merchants, "stores": stores})
    return {
        (row.merchant_id, row.store_id): HeardStore(
            merchant_no=row.merchant_no, store_no=row.store_no, store_id=row.store_id
        )
        for row in rows
    }
