"""What hooks lost, the store itself still knows: after one pull nothing is missing, and health says what happened."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from services.order_ingest.adapters.store_apis.shopify import ShopifyApi
from tests.services.order_ingest import bodies
from tests.services.order_ingest.asking import Clockwork
from tests.services.order_ingest.conftest import House, Shop
from tests.services.order_ingest.stores.shopify_server import TOKEN, ShopifyServer

_ORDERS: Final = 120
_LOST: Final = 0.05
_DISABLED: Final = "orders/cancelled"


async def test_after_five_percent_are_lost_and_a_hook_is_disabled_one_pull_makes_the_orders_complete(
    house: House,
) -> None:
    shop, server = await house.shop(), ShopifyServer()
    lives = [_life(number, house.clock.now()) for number in range(1, _ORDERS + 1)]
    lost = await _delivered_with_losses(house, shop, server, lives)
    before = await _orders(house)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=server.app)) as http:
        clockwork = Clockwork(house, {"shopify": ShopifyApi(http)})
        await clockwork.reach(shop, access_token=TOKEN)
        await clockwork.run()

    after = await _orders(house)
    expected = {str(life[-1][1]["id"]): _expected(life[-1][1]) for life in lives}
    health = await house.get(shop, f"/v1/stores/{shop.store_id}/health")
    print(f"lost {lost} deliveries, and every one of {_DISABLED}; {len(server.asked)} questions")
    assert lost > 0
    assert before != expected
    assert after == expected
    assert _DISABLED not in {each["topic"] for each in health["topics_7d"]}
    assert next(each["count"] for each in health["topics_7d"] if each["topic"] == "pull/order") == _ORDERS
    assert (health["asked"]["last_failure"], health["states_24h"].get("parked", 0)) == (None, 0)


async def test_a_shop_that_takes_its_token_back_is_seen_in_health(house: House) -> None:
    shop, server = await house.shop(), ShopifyServer()

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=server.app)) as http:
        clockwork = Clockwork(house, {"shopify": ShopifyApi(http)})
        await clockwork.reach(shop, access_token="shpat_taken_back")
        await clockwork.run()

    health = await house.get(shop, f"/v1/stores/{shop.store_id}/health")
    assert health["asked"]["last_failure"] == "status 401 of /admin/api/2026-04/orders.json"


def _life(number: int, now: datetime) -> list[tuple[str, dict[str, Any]]]:
    """What happened to one order: made, paid, every third cancelled; each is a whole order with its own time."""
    at = now - timedelta(minutes=8) + timedelta(seconds=number)

    def version(minutes: int, **changes: Any) -> dict[str, Any]:
        told = (at + timedelta(minutes=minutes)).astimezone(UTC).isoformat(timespec="seconds")
        customer = {"id": 9_000 + number, "email": f"c{number}@example.com"}
        return bodies.order(
            id=number, name=f"#{number}", order_status_url=None, customer=customer, updated_at=told, **changes
        )

    life = [
        ("orders/create", version(0, financial_status="pending")),
        ("orders/paid", version(1)),
    ]
    if number % 3 == 0:
        life.append((_DISABLED, version(2, cancelled_at=at.isoformat(timespec="seconds"), cancel_reason="customer")))
    return life


async def _delivered_with_losses(
    house: House, shop: Shop, server: ShopifyServer, lives: list[list[tuple[str, dict[str, Any]]]]
) -> int:
    """The shop knows everything; of its deliveries some never come, and of one topic none. How many of the others."""
    dice, lost = random.Random(20261130), 0
    for life in lives:
        for topic, body in life:
            server.put(body)
            if topic == _DISABLED:
                continue
            if dice.random() < _LOST:
                lost += 1
                continue
            assert (await house.deliver(shop, topic, body)).status_code == 200
    await house.normaliser.drain()
    return lost


def _expected(body: dict[str, Any]) -> tuple[str, bool]:
    return body["financial_status"], body.get("cancelled_at") is not None


async def _orders(house: House) -> dict[str, tuple[str, bool]]:
    found = await house.rows(
        "SELECT external_id, financial_status, cancelled_at IS NOT NULL AS gone FROM customer_order"
    )
    return {row["external_id"]: (row["financial_status"], row["gone"]) for row in found}
