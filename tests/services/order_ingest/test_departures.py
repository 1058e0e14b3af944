"""A shop that ends our access: told once for each time it does, whatever comes how often and in which order."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Final

import pytest

from libs.contracts.commerce import StoreDisconnectedV1
from tests.services.order_ingest import bodies
from tests.services.order_ingest.conftest import House, Shop

_HOUR: Final = timedelta(hours=1)


async def _leave(house: House, shop: Shop, *ats: datetime) -> None:
    """A notice for each instant, each under an id of its own, all in the intake."""
    for at in ats:
        told = {"x-shopify-triggered-at": at.isoformat()}
        assert (await house.deliver(shop, "app/uninstalled", bodies.uninstalled(), **told)).status_code == 200


async def _connect(house: House, shop: Shop) -> None:
    headers = house.bearer("stores:write", merchant_id=shop.merchant_id)
    secrets = {"secrets": {"access_token": "shpat_0123456789"}}
    answer = await house.client.put(f"/v1/stores/{shop.store_id}/access", json=secrets, headers=headers)
    assert answer.status_code == 200, answer.text


async def _told(house: House) -> Sequence[datetime]:
    await house.normaliser.drain()
    facts = await house.facts("store.disconnected")
    return [fact.at for fact in facts if isinstance(fact, StoreDisconnectedV1)]


async def _standing(house: House) -> tuple[datetime | None, int]:
    """Since when the one store is disconnected, and how many accesses there are."""
    [row] = await house.rows("SELECT disconnected_at, (SELECT count(*) FROM store_access) AS accesses FROM store")
    return row["disconnected_at"], row["accesses"]


async def test_a_hundred_notices_are_told_once(house: House) -> None:
    shop = await house.shop()
    await _connect(house, shop)
    left = house.clock.now() + _HOUR
    for _ in range(4):
        await _leave(house, shop, *[left] * 25)
        told = await _told(house)

    assert told == [left]
    assert await _standing(house) == (left, 0)
    states = await house.rows("SELECT state, count(*) AS n FROM delivery_outcome GROUP BY 1 ORDER BY 1")
    assert states == [{"state": "applied", "n": 1}, {"state": "no_news", "n": 99}]


async def test_each_reconnection_makes_the_next_departure_news(house: House) -> None:
    shop = await house.shop()
    lefts = []
    for _ in range(3):
        await _connect(house, shop)
        house.clock.advance(_HOUR)
        lefts.append(house.clock.now())
        await _leave(house, shop, *[lefts[-1]] * 2)
        assert await _told(house) == lefts
        house.clock.advance(_HOUR)


async def test_a_notice_from_before_the_access_was_put_again_ends_nothing(house: House) -> None:
    shop = await house.shop()
    await _connect(house, shop)
    first = house.clock.now() + _HOUR
    await _leave(house, shop, first)
    assert await _told(house) == [first]
    house.clock.advance(2 * _HOUR)
    await _connect(house, shop)

    await _leave(house, shop, first, first + _HOUR / 2)

    assert await _told(house) == [first]
    assert await _standing(house) == (None, 1)


@pytest.mark.parametrize("at_once", [True, False])
async def test_notices_of_different_times_end_alike_in_any_order(house: House, at_once: bool) -> None:
    shop = await house.shop()
    for count, order in enumerate(permutations((0, 1, 2)), start=1):
        await _connect(house, shop)
        now = house.clock.now()
        for number in order:
            await _leave(house, shop, now + (1 + number) * _HOUR)
            if not at_once:
                await house.normaliser.drain()

        assert len(await _told(house)) == count
        assert await _standing(house) == (now + _HOUR, 0)
        house.clock.advance(8 * _HOUR)


async def test_stores_that_leave_in_one_batch_are_each_told_once(house: House) -> None:
    shops = [await house.shop() for _ in range(3)]
    for shop in [*shops, *shops]:
        await _leave(house, shop, house.clock.now())
    await house.normaliser.drain()

    told = [fact.store_id for fact in await house.facts("store.disconnected") if isinstance(fact, StoreDisconnectedV1)]

    assert sorted(told) == sorted(shop.store_id for shop in shops)
