"""OpenAPI shows how each platform is connected, and what it shows works."""

from typing import Any, Final
from uuid import UUID

import httpx
import pytest

from services.order_ingest.domain.canonical_events import EXAMPLE_EVENTS
from services.order_ingest.domain.platform_table import PLATFORMS
from services.order_ingest.domain.platforms import (
    shopify,
    shopify_goods,
    shopify_privacy,
    shopify_product,
    shopify_tags,
    shoplazza,
    shoplazza_departure,
    shoplazza_product,
    woocommerce,
    woocommerce_product,
)
from services.order_ingest.entrypoints.platform_examples import EXAMPLE_HOOKS
from tests.attack.hooks import SENDERS, Sender
from tests.services.order_ingest.bodies import encoded
from tests.services.order_ingest.conftest import ALL_SCOPES, House

HEEDED: Final = {
    "shopify": {
        *shopify.ORDER_TOPICS,
        *shopify.CUSTOMER_TOPICS,
        *shopify.CONSENT_TOPICS,
        *shopify_tags.TAG_TOPICS,
        *shopify_goods.FULFILMENT_TOPICS,
        *shopify_goods.RETURN_TOPICS,
        *shopify_product.PRODUCT_TOPICS,
        *shopify_privacy.PRIVACY_TOPICS,
        shopify_goods.FULFILMENT_EVENT,
        shopify.MERGE_TOPIC,
        "orders/delete",
        "refunds/create",
    },
    "shoplazza": {
        *shoplazza.ORDER_TOPICS,
        *shoplazza.CUSTOMER_TOPICS,
        *shoplazza_product.PRODUCT_TOPICS,
        shoplazza_product.PRODUCT_DELETED,
        shoplazza_departure.UNINSTALLED,
        "orders/delete",
    },
    "woocommerce": {
        *woocommerce.ORDER_TOPICS,
        *woocommerce.CUSTOMER_TOPICS,
        *woocommerce_product.PRODUCT_TOPICS,
        woocommerce_product.PRODUCT_DELETED,
        woocommerce.ORDER_DELETED,
    },
}
"""The topics that each platform's module reads."""


async def test_the_documents_show_how_to_connect_each_platform_and_what_its_hook_says(house: House) -> None:
    """Each example of a store is accepted, and the store reads the platform's example as the news that it is."""
    document = (await house.client.get("/openapi.json")).json()
    stores = _examples(document, "/v1/stores")
    hooks = _examples(document, "/v1/hooks/{platform}/{endpoint_token}")
    merchant_id = await house.merchant()

    shown = {name: await _connected(house, merchant_id, told) for name, told in stores.items()}
    for sender in SENDERS:
        if sender.platform != "standard":
            await _delivered(house, sender, stores[sender.platform], shown[sender.platform], hooks[sender.platform])
    await house.normaliser.drain()

    headers = house.bearer(*ALL_SCOPES, merchant_id=merchant_id)
    found = (await house.client.get("/v1/deliveries", headers=headers)).json()["items"]
    assert stores.keys() == PLATFORMS.keys()
    assert hooks.keys() - EXAMPLE_EVENTS.keys() == {name for name in PLATFORMS if name not in ("magento", "standard")}
    assert {each["store_id"] for each in found} == {shown[name]["store_id"] for name in hooks if name in PLATFORMS}
    assert [(each["state"], each["reason"]) for each in found] == [("applied", None)] * 6


def _examples(document: dict[str, Any], path: str) -> dict[str, Any]:
    content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    return {name: each["value"] for name, each in content["examples"].items()}


async def _connected(house: House, merchant_id: UUID, told: dict[str, Any]) -> dict[str, Any]:
    headers = house.bearer(*ALL_SCOPES, merchant_id=merchant_id)
    answer = await house.client.post("/v1/stores", json=told, headers=headers)
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def _delivered(
    house: House, sender: Sender, told: dict[str, Any], store: dict[str, Any], body: dict[str, Any]
) -> None:
    raw = encoded(body)
    headers = dict(sender.sign(raw, told["secret"], "m-1", int(house.clock.now().timestamp())))
    if domain := PLATFORMS[sender.platform].shop_domain:
        headers[domain.decode()] = told["domain"]
    if topic := PLATFORMS[sender.platform].topic:
        headers[topic.decode()] = EXAMPLE_HOOKS[sender.platform][0]
    answer = await house.client.post(httpx.URL(store["hook_url"]).path, content=raw, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("platform", HEEDED)
async def test_the_documents_name_every_topic_that_is_heeded(shared_house: House, platform: str) -> None:
    document = (await shared_house.client.get("/openapi.json")).json()
    post = document["paths"]["/v1/hooks/{platform}/{endpoint_token}"]["post"]
    named = (PLATFORMS[platform].topic or b"").decode()
    [told] = [each["description"] for each in post["parameters"] if each["name"].lower() == named]

    assert set(told.partition(";")[0].split(", ")) == HEEDED[platform]
