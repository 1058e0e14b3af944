"""The routes: who may, whose they are, and what is true of every list."""

import json
import re
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.order_ingest.domain.canonical_events import EXAMPLE_EVENTS
from services.order_ingest.domain.platform_table import PLATFORMS
from tests.services.order_ingest import bodies
from tests.services.order_ingest.conftest import ALL_SCOPES, House, Shop

_READS = (
    "/v1/stores/{store_id}",
    "/v1/stores/{store_id}/credentials",
    "/v1/orders/{order_id}",
    "/v1/orders/{order_id}/history",
    "/v1/customers/{customer_id}",
    "/v1/customers/{customer_id}/identities",
    "/v1/deliveries/{delivery_id}",
    "/v1/imports/{import_id}",
    "/v1/imports/{import_id}/rejected_rows",
)
_LISTS = ("stores", "orders", "customers", "products", "deliveries", "imports", "fx_rates")


async def _filled(house: House) -> tuple[Shop, dict[str, str]]:
    """A merchant with one of everything, and the ids."""
    shop = await house.shop()
    await house.deliver(shop, "orders/create", bodies.order())
    await house.normaliser.drain()
    imported = await house.upload(shop, b"{}\n")
    order = (await house.get(shop, "/v1/orders"))["items"][0]
    delivery = (await house.get(shop, "/v1/deliveries"))["items"][0]
    ids = {
        "store_id": str(shop.store_id),
        "order_id": order["order_id"],
        "customer_id": order["customer_id"],
        "delivery_id": delivery["delivery_id"],
        "import_id": imported.json()["import_id"],
    }
    return shop, ids


async def test_nobody_sees_another_merchants_things(house: House) -> None:
    shop, ids = await _filled(house)
    stranger = Shop(shop.store_id, await house.merchant("Other"), "shopify", "")
    headers = house.bearer(*ALL_SCOPES, merchant_id=stranger.merchant_id)

    for path in _READS:
        mine = await house.client.get(
            path.format(**ids), headers=house.bearer(*ALL_SCOPES, merchant_id=shop.merchant_id)
        )
        theirs = await house.client.get(path.format(**ids), headers=headers)
        assert (path, mine.status_code, theirs.status_code) == (path, 200, 404)
    for name in _LISTS:
        assert (await house.get(stranger, f"/v1/{name}"))["items"] == []
    for path, body in (
        (f"/v1/stores/{shop.store_id}/credentials", {"secret": "x" * 20}),
        (f"/v1/deliveries/{ids['delivery_id']}/replays", {}),
    ):
        answer = await house.client.post(path, json=body, headers=headers)
        assert answer.status_code == 404, path
    changed = await house.client.patch(f"/v1/stores/{shop.store_id}", json={"name": "Mine"}, headers=headers)
    assert changed.status_code == 404


async def test_every_operation_but_the_hook_asks_for_a_token_and_its_scope(shared_house: House) -> None:
    document = (await shared_house.client.get("/openapi.json")).json()
    merchant_id = await shared_house.merchant()

    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/v1/hooks") or not path.startswith("/v1/"):
                continue
            address = re.sub(r"\{\w+\}", str(uuid4()), path)
            without = await shared_house.client.request(method, address)
            unscoped = await shared_house.client.request(
                method, address, headers=shared_house.bearer("x", merchant_id=merchant_id)
            )
            assert (method, path, without.status_code, unscoped.status_code) == (method, path, 401, 403)
            assert operation["summary"]


async def test_every_schema_of_ours_has_an_example_that_fits_it(shared_house: House) -> None:
    document = (await shared_house.client.get("/openapi.json")).json()

    for name in (
        "NewMerchant",
        "NewStore",
        "NewCredential",
        "StoreOut",
        "OrderOut",
        "CustomerOut",
        "ImportOut",
        "DeliveryOut",
    ):
        schema = document["components"]["schemas"][name]
        assert schema["examples"], name
        # A null in an example is left out of the document.
        missing = set(schema.get("required", ())) - set(schema["examples"][0])
        assert all({"type": "null"} in schema["properties"][each].get("anyOf", ()) for each in missing), (name, missing)


async def test_the_examples_of_writes_are_accepted_as_they_stand(house: House) -> None:
    document = (await house.client.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    merchant = await house.client.post(
        "/v1/merchants", json=schemas["NewMerchant"]["examples"][0], headers=house.bearer("platform")
    )
    headers = house.bearer(*ALL_SCOPES, merchant_id=UUID(merchant.json()["merchant_id"]))

    store = await house.client.post("/v1/stores", json=schemas["NewStore"]["examples"][0], headers=headers)
    rotated = await house.client.post(
        f"/v1/stores/{store.json()['store_id']}/credentials",
        json=schemas["NewCredential"]["examples"][0],
        headers=headers,
    )
    example = document["paths"]["/v1/imports"]["post"]["requestBody"]["content"]["application/x-ndjson"]["example"]
    imported = await house.client.post(
        "/v1/imports", params={"store_id": store.json()["store_id"]}, content=example.encode(), headers=headers
    )

    assert [answer.status_code for answer in (merchant, store, rotated, imported)] == [201, 201, 201, 202]


async def test_the_examples_of_our_own_hook_are_understood(house: House) -> None:
    document = (await house.client.get("/openapi.json")).json()
    post = document["paths"]["/v1/hooks/{platform}/{endpoint_token}"]["post"]
    examples = post["requestBody"]["content"]["application/json"]["examples"]
    examples = {kind: each for kind, each in examples.items() if kind not in PLATFORMS}
    assert examples.keys() == EXAMPLE_EVENTS.keys()
    shop = await house.shop("standard")

    answers = [await house.send(shop, each["value"]["type"], each["value"]["data"]) for each in examples.values()]
    await house.normaliser.drain()

    assert {answer.status_code for answer in answers} == {200}
    deliveries = (await house.get(shop, "/v1/deliveries"))["items"]
    assert len(deliveries) == len(examples)
    # What two examples say alike is news only once.
    assert {(delivery["state"], delivery["reason"]) for delivery in deliveries} == {
        ("applied", None),
        ("no_news", None),
    }


async def test_the_same_key_registers_one_merchant(house: House) -> None:
    body, headers = {"name": "A", "currency": "USD"}, {**house.bearer("platform"), "idempotency-key": "k"}

    first = await house.client.post("/v1/merchants", json=body, headers=headers)
    again = await house.client.post("/v1/merchants", json=body, headers=headers)

    assert first.json() == again.json()
    assert len(await house.facts("merchant.registered")) == 1


async def test_one_account_connects_once_and_changes_are_told(house: House) -> None:
    shop = await house.shop()
    headers = house.bearer("stores:write", merchant_id=shop.merchant_id)

    changed = await house.client.patch(f"/v1/stores/{shop.store_id}", json={"return_window_days": 45}, headers=headers)
    body = {
        "platform": "shopify",
        "account": "690933842",
        "domain": bodies.DOMAIN,
        "currency": "USD",
        "secret": "x" * 16,
    }
    twice = await house.client.post("/v1/stores", json=body, headers=headers)

    assert changed.json()["version"] == 2
    assert twice.status_code == 409
    told = [json.loads(fact.to_bytes()) for fact in await house.facts("store.upserted")]
    assert [(fact["version"], fact["return_window_days"]) for fact in told] == [(1, 30), (2, 45)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"currency": "XXQ"},
        {"time_zone": "Mars/Olympus"},
        {"secret": "short"},
        {"domain": None},
        {"platform": "standard", "secret": "whsec_AAAAAAAAAAAAAAAA"},
        {"platform": "standard", "secret": "no base64 at all!"},
        {"unknown": 1},
    ],
)
async def test_a_store_that_could_never_work_is_refused(shared_house: House, wrong: dict[str, Any]) -> None:
    headers = shared_house.bearer("stores:write", merchant_id=await shared_house.merchant())
    body = {"platform": "shopify", "account": "a", "domain": bodies.DOMAIN, "currency": "USD", "secret": "x" * 16}

    answer = await shared_house.client.post("/v1/stores", json={**body, **wrong}, headers=headers)

    assert answer.status_code == 422, answer.text


async def test_lists_page_through_everything_once(house: House) -> None:
    shop = await house.shop()
    for n in range(5):
        await house.deliver(
            shop, "orders/create", bodies.order(id=n + 1, customer={"id": n + 1}, email=f"c{n}@example.com")
        )
    await house.normaliser.drain()

    for name, key in (("orders", "order_id"), ("customers", "customer_id"), ("deliveries", "delivery_id")):
        seen, cursor = [], None
        while True:
            page = await house.get(shop, f"/v1/{name}", limit=2, **({"cursor": cursor} if cursor else {}))
            seen += [item[key] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 5, name


async def test_the_summary_counts_what_is_there(house: House) -> None:
    shop = await house.shop()
    await house.deliver(shop, "orders/create", bodies.order())
    await house.deliver(shop, "refunds/create", bodies.refund(order_id=99))
    waiting = await house.get(shop, "/v1/orders/summary")
    await house.normaliser.drain()
    after = await house.get(shop, "/v1/orders/summary")

    assert waiting["deliveries_waiting"] == 2
    assert (after["orders"], after["shells"], after["placed"], after["paid"]) == (2, 1, 1, 1)
    assert after["deliveries_waiting"] == 0
    assert after["money"] == [
        {
            "currency": "USD",
            "orders": 1,
            "goods_minor": 3598,
            "discount_minor": 500,
            "total_minor": 4386,
            "refunded_minor": 0,
        }
    ]


async def test_history_shows_each_step_with_what_was_told(house: House) -> None:
    shop = await house.shop()
    await house.deliver(shop, "orders/create", bodies.order(financial_status="pending"))
    await house.deliver(shop, "orders/paid", bodies.order(updated_at="2026-05-03T00:00:00Z"))
    await house.deliver(shop, "refunds/create", bodies.refund())
    await house.normaliser.drain()
    [order] = (await house.get(shop, "/v1/orders"))["items"]

    steps = (await house.get(shop, f"/v1/orders/{order['order_id']}/history"))["items"]

    assert [(step["source"], step["facts"]) for step in steps] == [
        ("orders/create", ["order.placed.v1"]),
        ("orders/paid", ["order.changed.v1", "order.paid.v1"]),
        ("refunds/create", ["order.refunded.v1"]),
    ]
