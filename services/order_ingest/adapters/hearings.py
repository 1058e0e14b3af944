"""Loads what a batch from the bus needs and stores what it decided, in a constant number of statements each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.contracts.coupons import CouponIssuedV1
from libs.contracts.messaging import ConsentChangedV1
from libs.eventbus.subscriptions import AnyEvent
from libs.eventbus.transaction import Transaction
from libs.servicekit.clock import Clock
from libs.servicekit.sealing import Sealer, Vault
from libs.servicekit.tenancy import merchant_numbers
from services.order_ingest.adapters.coupons import request_publications
from services.order_ingest.adapters.names_at_stores import names_at_stores
from services.order_ingest.adapters.privacy_answers import Answer, close_answered, data_place, keep_answers
from services.order_ingest.adapters.withdrawals import request_withdrawals
from services.order_ingest.application.hearing import HeardAnswer, HeardStore, Hearing
from services.order_ingest.application.push_withdrawal import is_withdrawal

_STORES: Final = text(
    """
    SELECT m.merchant_id, s.merchant_no, s.store_no, s.store_id, s.platform
    FROM unnest(CAST(:merchants AS uuid[]), CAST(:stores AS uuid[])) w(merchant_id, store_id)
    JOIN merchant m USING (merchant_id) JOIN store s ON (s.merchant_no, s.store_id) = (m.merchant_no, w.store_id)
    """
)
_REACHABLE: Final = text(
    """
    SELECT s.merchant_no, s.store_no, s.store_id, s.platform FROM store_access a JOIN store s USING (store_no)
    WHERE a.store_no = ANY (CAST(:numbers AS int4[]))
    """
)


class PostgresHearings:
    """Hearings of this service's database. Facts that nobody asked for never come here."""

    def __init__(self, vault: Vault, sealer: Sealer, clock: Clock) -> None:
        self._vault = vault
        self._sealer = sealer
        self._clock = clock

    async def load(self, transaction: Transaction, events: Sequence[AnyEvent]) -> Hearing:
        """The stores that the events concern; nothing is locked, since nothing but effects is written."""
        connection = transaction.connection
        return Hearing(
            stores=await _named_stores(connection, _stores_of(events)),
            knowing=await _knowing_stores(connection, _withdrawing(events)),
        )

    async def store(self, transaction: Transaction, hearing: Hearing) -> None:
        """What stores are to be told is requested; answers stand, and who has them all is closed."""
        connection, now = transaction.connection, self._clock.now()
        await request_publications(connection, hearing.publications, now)
        await request_withdrawals(connection, hearing.withdrawals, now)
        await self._keep(connection, hearing.answers, now)

    async def _keep(self, connection: AsyncConnection, heard: Sequence[HeardAnswer], now: datetime) -> None:
        if not heard:
            return
        numbers = await merchant_numbers(connection, [each.merchant_id for each in heard])
        answers = [self._answer(each, numbers[each.merchant_id]) for each in heard if each.merchant_id in numbers]
        await keep_answers(connection, answers, now)
        await close_answered(connection, answers, now)

    def _answer(self, heard: HeardAnswer, merchant_no: int) -> Answer:
        """The answer as a row, its data under this service's own key."""
        answer = Answer(merchant_no, heard.request_id, heard.kind, heard.service, heard.part, heard.parts)
        if heard.data_sealed is None:
            return answer
        data = self._sealer.open(heard.data_sealed)["data"].encode()
        return replace(answer, data_enc=self._vault.encrypt(data, data_place(answer)))


def _stores_of(events: Sequence[AnyEvent]) -> Sequence[tuple[UUID, UUID]]:
    named = {
        (event.merchant_id, event.fact.store_id)
        for event in events
        if isinstance(event.fact, CouponIssuedV1) and event.fact.store_id is not None
    }
    return sorted(named)


def _withdrawing(events: Sequence[AnyEvent]) -> set[tuple[UUID, UUID]]:
    return {
        (event.merchant_id, event.fact.customer_id)
        for event in events
        if isinstance(event.fact, ConsentChangedV1) and is_withdrawal(event.fact)
    }


async def _named_stores(
    connection: AsyncConnection, named: Sequence[tuple[UUID, UUID]]
) -> Mapping[tuple[UUID, UUID], HeardStore]:
    if not named:
        return {}
    merchants, stores = map(list, zip(*named, strict=True))
    rows = await connection.execute(_STORES, {"merchants": merchants, "stores": stores})
    return {(row.merchant_id, row.store_id): _heard_store(row) for row in rows}


async def _knowing_stores(
    connection: AsyncConnection, customers: Collection[tuple[UUID, UUID]]
) -> Mapping[tuple[UUID, UUID], Sequence[HeardStore]]:
    if not customers:
        return {}
    numbers = await merchant_numbers(connection, [merchant_id for merchant_id, _ in customers])
    persons = {pair: (numbers[pair[0]], pair[1]) for pair in customers if pair[0] in numbers}
    names = await names_at_stores(connection, persons.values())
    stores = await _reachable(connection, {name.store_no for each in names.values() for name in each})
    found = {pair: {name.store_no for name in names.get(person, ())} for pair, person in persons.items()}
    return {pair: [stores[number] for number in sorted(known & stores.keys())] for pair, known in found.items()}


async def _reachable(connection: AsyncConnection, numbers: Collection[int]) -> Mapping[int, HeardStore]:
    if not numbers:
        return {}
    rows = await connection.execute(_REACHABLE, {"numbers": sorted(numbers)})
    return {row.store_no: _heard_store(row) for row in rows}


def _heard_store(row: Row[Any]) -> HeardStore:
    return HeardStore(merchant_no=row.merchant_no, store_no=row.store_no, store_id=row.store_id, platform=row.platform)
