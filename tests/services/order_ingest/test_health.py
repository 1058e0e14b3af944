"""A store's health: what came, how it ended, and whether it has been quiet for too long."""

from datetime import UTC, datetime, timedelta

import pytest

from services.order_ingest.domain.silence import FEWEST, Habits, expected_until
from tests.services.order_ingest import bodies
from tests.services.order_ingest.conftest import House

_AT = datetime(2026, 5, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("deliveries", "pause", "hours"),
    [
        (FEWEST, timedelta(hours=6), 12),
        (FEWEST, timedelta(minutes=2), 1),
        (FEWEST - 1, timedelta(hours=6), None),
        (1, None, None),
    ],
)
def test_the_next_delivery_is_late_after_twice_the_longest_pause_but_an_hour_at_least(
    deliveries: int, pause: timedelta | None, hours: int | None
) -> None:
    until = expected_until(Habits(deliveries=deliveries, last_at=_AT, longest_pause=pause))

    assert until == (None if hours is None else _AT + timedelta(hours=hours))


def test_a_store_that_never_spoke_is_not_silent() -> None:
    assert expected_until(Habits(deliveries=0, last_at=None, longest_pause=None)) is None


async def test_a_hook_that_ends_without_a_word_is_noticed(house: House) -> None:
    shop, other = await house.shop(), await house.shop()
    path = f"/v1/stores/{shop.store_id}/health"
    unknown = await house.get(shop, path)
    for number in range(FEWEST):
        await house.deliver(shop, "orders/create", bodies.order(id=number + 1))
        await house.deliver(other, "orders/create", bodies.order(id=number + 1))
        house.clock.advance(timedelta(minutes=50 if number == 4 else 5))
    waiting = await house.get(shop, path)
    await house.deliver(shop, "orders/updated", {"id": "broken"})
    await house.normaliser.drain()

    house.clock.advance(timedelta(minutes=99))
    speaking = await house.get(shop, path)
    house.clock.advance(timedelta(minutes=2))
    silent = await house.get(shop, path)

    assert (unknown["silent"], unknown["deliveries_7d"], unknown["last_delivery_at"]) == (None, 0, None)
    assert (waiting["states_24h"], waiting["waiting_seconds"] > 90 * 60) == ({"received": FEWEST}, True)
    assert (speaking["silent"], silent["silent"]) == (False, True)
    assert (silent["longest_pause_seconds"], silent["waiting_seconds"]) == (50 * 60, 0)
    assert silent["states_24h"] == {"applied": FEWEST, "parked": 1}
    assert [(each["topic"], each["count"]) for each in silent["topics_7d"]] == [
        ("orders/create", FEWEST),
        ("orders/updated", 1),
    ]


async def test_a_store_of_somebody_else_is_not_found(house: House) -> None:
    mine, theirs = await house.shop(), await house.shop()
    headers = house.bearer("stores:read", merchant_id=mine.merchant_id)

    answer = await house.client.get(f"/v1/stores/{theirs.store_id}/health", headers=headers)

    assert answer.status_code == 404
