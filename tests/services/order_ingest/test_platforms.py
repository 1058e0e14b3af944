"""Each platform's hook on the running service: what it signs is taken once, what proves nothing is refused."""

import base64
import hashlib
import hmac
from typing import Any

import httpx
import pytest

from tests.services.order_ingest import bodies, bodies_shoplazza, bodies_woocommerce
from tests.services.order_ingest.conftest import House, Shop

_WOOCOMMERCE: dict[str, Any] = {"domain": None, "secret": 'k&y <of> the "hook" it\'s'}
_SHOPLAZZA: dict[str, Any] = {"domain": "acme.myshoplaza.com", "secret": "shoplazza-client-secret"}


def _signature(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


async def _woocommerce(house: House, shop: Shop, topic: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    raw = bodies.encoded(body)
    genuine = {
        "x-wc-webhook-topic": topic,
        "x-wc-webhook-signature": _signature(raw, _WOOCOMMERCE["secret"]),
        "x-wc-webhook-delivery-id": "f0a1",
        "x-wc-webhook-source": "https://acme.example/",
    }
    return await house.client.post(shop.path, content=raw, headers={**genuine, **headers})


async def _shoplazza(house: House, shop: Shop, topic: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    raw = bodies.encoded(body)
    genuine = {
        "x-shoplazza-topic": topic,
        "x-shoplazza-hmac-sha256": _signature(raw, _SHOPLAZZA["secret"]),
        "x-shoplazza-deduplication-id": "d-1",
        "x-shoplazza-shop-domain": _SHOPLAZZA["domain"],
    }
    return await house.client.post(shop.path, content=raw, headers={**genuine, **headers})


async def _orders(house: House, shop: Shop) -> list[dict[str, Any]]:
    await house.normaliser.drain()
    items: list[dict[str, Any]] = (await house.get(shop, "/v1/orders"))["items"]
    return items


async def test_woocommerces_first_knock_is_answered_200_and_leaves_no_trace(house: House) -> None:
    shop = await house.shop("woocommerce", **_WOOCOMMERCE)
    headers = {"content-type": "application/x-www-form-urlencoded"}

    ping = await house.client.post(shop.path, content=b"webhook_id=42", headers=headers)
    no_ping = await house.client.post(shop.path, content=b"webhook_id=42&order=1", headers=headers)

    assert (ping.status_code, ping.content) == (200, b"")
    assert no_ping.status_code == 401
    assert (await house.get(shop, "/v1/deliveries"))["items"] == []


async def test_woocommerce_orders_of_one_second_share_a_delivery_id_and_all_count(house: House) -> None:
    shop = await house.shop("woocommerce", **_WOOCOMMERCE)
    first, second = bodies_woocommerce.order(id=1), bodies_woocommerce.order(id=2)

    answers = [await _woocommerce(house, shop, "order.updated", body) for body in (first, second, first)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert sorted(order["external_id"] for order in await _orders(house, shop)) == ["1", "2"]
    assert len((await house.get(shop, "/v1/deliveries"))["items"]) == 2


async def test_an_error_that_woocommerce_signs_is_stored_and_parked(house: House) -> None:
    shop = await house.shop("woocommerce", **_WOOCOMMERCE)
    refusal = {"code": "woocommerce_rest_cannot_view", "message": "Sorry", "data": {"status": 401}}

    answer = await _woocommerce(house, shop, "order.updated", refusal)
    await house.normaliser.drain()

    [delivery] = (await house.get(shop, "/v1/deliveries"))["items"]
    assert (answer.status_code, delivery["state"]) == (200, "parked")
    assert "woocommerce_rest_cannot_view" in delivery["reason"]


async def test_a_full_refund_at_woocommerce_is_told_line_by_line(house: House) -> None:
    shop = await house.shop("woocommerce", **_WOOCOMMERCE)
    order = bodies_woocommerce.order(
        status="refunded", refunds=[bodies_woocommerce.refund(total=f"-{bodies_woocommerce.order()['total']}")]
    )

    await _woocommerce(house, shop, "order.updated", order)
    [shown] = await _orders(house, shop)

    facts: list[Any] = await house.facts("order.placed", "order.refunded")
    placed, refunded = facts
    paid = {line.line_id: line.total_minor for line in placed.lines if line.total_minor > 0}
    assert {line.line_id: line.amount_minor for line in refunded.cumulative_lines} == paid
    assert refunded.fully_refunded
    assert shown["refunded"] == shown["total"]


async def test_shoplazza_needs_its_domain_on_the_store_and_in_each_delivery(house: House) -> None:
    merchant_id = await house.merchant()
    body = {"platform": "shoplazza", "account": "acme", "currency": "USD", "secret": _SHOPLAZZA["secret"]}
    headers = house.bearer("stores:write", merchant_id=merchant_id)

    without = await house.client.post("/v1/stores", json=body, headers=headers)
    shop = await house.shop("shoplazza", merchant_id=merchant_id, **_SHOPLAZZA)
    foreign = {"x-shoplazza-shop-domain": "evil.myshoplaza.com"}
    refused = await _shoplazza(house, shop, "orders/create", bodies_shoplazza.order(), **foreign)

    assert without.status_code == 422
    assert "needs its domain" in without.text
    assert refused.status_code == 401


@pytest.mark.parametrize("body", [bodies_shoplazza.order(), bodies_shoplazza.wrapped()], ids=["bare", "wrapped"])
async def test_a_shoplazza_order_is_taken_once(house: House, body: dict[str, Any]) -> None:
    shop = await house.shop("shoplazza", **_SHOPLAZZA)

    answers = [await _shoplazza(house, shop, "orders/create", body) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(await _orders(house, shop)) == 1
    assert "order.placed" in await house.told()


async def test_products_of_woocommerce_and_shoplazza_are_kept_as_they_tell_them(house: House) -> None:
    woo = await house.shop("woocommerce", **_WOOCOMMERCE)
    shoplazza = await house.shop("shoplazza", **_SHOPLAZZA)

    await _woocommerce(house, woo, "order.created", bodies_woocommerce.order())
    await _woocommerce(house, woo, "product.updated", bodies_woocommerce.product(name="First"))
    await _woocommerce(house, woo, "product.updated", bodies_woocommerce.product(name="First", stock_quantity=4))
    await _woocommerce(house, woo, "product.deleted", {"id": 93})
    await _shoplazza(house, shoplazza, "products/create", bodies_shoplazza.product())
    await house.normaliser.drain()

    [mug] = (await house.get(woo, "/v1/products"))["items"]
    [other] = (await house.get(shoplazza, "/v1/products"))["items"]
    assert (mug["title"], mug["category_path"], mug["price_minor"]) == ("First", ["Kitchen & Table", "Mugs"], 900)
    assert (other["title"], other["price_minor"]) == ("Mug, hand-made", 1999)
    # Of the order's line, of the product itself; and the one of the other shop.
    assert (await house.told()).count("product.upserted") == 3


async def test_a_product_told_alike_at_a_later_time_keeps_out_what_lies_between(house: House) -> None:
    shop = await house.shop("woocommerce", **_WOOCOMMERCE)
    days = {"First": "2026-05-01T08:00:00", "Between": "2026-05-02T08:00:00", "First again": "2026-05-03T08:00:00"}

    for day in ("First", "First again", "Between"):
        body = bodies_woocommerce.product(name=day.removesuffix(" again"), date_modified_gmt=days[day])
        await _woocommerce(house, shop, "product.updated", body)
        await house.normaliser.drain()

    [kept] = (await house.get(shop, "/v1/products"))["items"]
    assert kept["title"] == "First"
    assert (await house.told()).count("product.upserted") == 1
