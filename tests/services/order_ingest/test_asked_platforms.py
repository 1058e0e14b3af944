"""Platforms whose hooks only name an order, or that have none: the store is asked, over a real connection."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
from starlette.types import ASGIApp

from libs.servicekit.clock import ManualClock
from services.order_ingest.adapters.outbound import outbound_client
from services.order_ingest.adapters.store_apis.by_platform import store_apis
from tests.services.order_ingest import bodies, bodies_amazon, bodies_bigcommerce, bodies_magento, bodies_taobao
from tests.services.order_ingest.asking import Clockwork
from tests.services.order_ingest.conftest import House, Shop
from tests.services.order_ingest.stores import magento_server
from tests.services.order_ingest.stores.amazon_server import CREDENTIALS, AmazonServer
from tests.services.order_ingest.stores.bigcommerce_server import BigcommerceServer
from tests.services.order_ingest.stores.magento_server import MagentoServer
from tests.services.order_ingest.stores.serving import serving
from tests.services.order_ingest.stores.taobao_server import TaobaoServer

_TAOBAO: Final = {"app_key": "12497914", "app_secret": "a-secret-of-the-app", "session": "a-session"}


@dataclass(frozen=True)
class Case:
    """One platform: its store, what its hook says, its API's stand-in with an order in it, and what may ask it."""

    platform: str
    store: Mapping[str, Any]
    hook: Mapping[str, Any]
    secrets: Mapping[str, str]
    external_id: str
    app: Callable[[ManualClock], ASGIApp]
    path: str = ""


def _bigcommerce(clock: ManualClock) -> ASGIApp:
    server = BigcommerceServer()
    server.put(
        bodies_bigcommerce.order(), products=[bodies_bigcommerce.product()], coupons=[bodies_bigcommerce.coupon()]
    )
    return server.app


def _amazon(clock: ManualClock) -> ASGIApp:
    server = AmazonServer(now=clock.now)
    server.put(bodies_amazon.order())
    return server.app


def _taobao(clock: ManualClock) -> ASGIApp:
    server = TaobaoServer(**_TAOBAO, now=clock.now)
    # Trades can be asked for three months only.
    today = clock.now().strftime("%Y-%m-%d")
    server.put(bodies_taobao.trade(created=f"{today} 00:00:00", modified=f"{today} 00:00:01"))
    return server.app


BIGCOMMERCE: Final = Case(
    platform="bigcommerce",
    store={"account": bodies_bigcommerce.STORE_HASH, "secret": "client-secret-of-the-app"},
    hook=bodies_bigcommerce.hook(),
    secrets={"access_token": "a-token"},
    external_id="727",
    app=_bigcommerce,
)
AMAZON: Final = Case(
    platform="amazon",
    store={"account": bodies_amazon.SELLER, "site": "US"},
    hook=bodies_amazon.notification(),
    secrets=CREDENTIALS,
    external_id=bodies_amazon.order()["orderId"],
    app=_amazon,
)
TAOBAO: Final = Case(
    platform="taobao",
    store={"account": bodies_taobao.SELLER, "currency": "CNY", "time_zone": "Asia/Shanghai"},
    hook=bodies_taobao.message(),
    secrets=_TAOBAO,
    external_id=str(bodies_taobao.TID),
    app=_taobao,
)
thin = pytest.mark.parametrize("case", [BIGCOMMERCE, AMAZON, TAOBAO], ids=lambda case: case.platform)


@asynccontextmanager
async def _asking(house: House, app: ASGIApp) -> AsyncIterator[tuple[Clockwork, str]]:
    """The service's own clients, which may go to the stand-in and nowhere else; its origin."""
    async with serving(app) as port, outbound_client([("127.0.0.1", port)]) as http:
        yield Clockwork(house, store_apis(http, house.clock.now)), f"http://127.0.0.1:{port}"


async def _shop(house: House, case: Case) -> Shop:
    return await house.shop(case.platform, **{"domain": None, **case.store})


async def _hook(house: House, shop: Shop, case: Case, message_id: str, **changes: Any) -> httpx.Response:
    raw = bodies.encoded({**case.hook, **changes})
    stamp = int(house.clock.now().timestamp())
    headers = bodies.standard_headers(raw, message_id=message_id, timestamp=stamp)
    if "secret" in case.store:  # BigCommerce signs with the characters of the app's secret
        signed = f"{message_id}.{stamp}.".encode() + raw
        digest = hmac.digest(str(case.store["secret"]).encode(), signed, hashlib.sha256)
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return await house.client.post(shop.path, content=raw, headers=headers)


async def _external_ids(house: House, shop: Shop) -> list[str]:
    return [order["external_id"] for order in (await house.get(shop, "/v1/orders"))["items"]]


@thin
async def test_a_hook_that_names_an_order_has_the_store_asked_for_it(house: House, case: Case) -> None:
    shop = await _shop(house, case)
    async with _asking(house, case.app(house.clock)) as (clockwork, origin):
        await clockwork.reach(shop, origin=origin, **case.secrets)
        answer = await _hook(house, shop, case, "m-1")
        await clockwork.run()

    assert (answer.status_code, answer.content) == (200, b"")
    assert await _external_ids(house, shop) == [case.external_id]
    assert [fact for fact in await house.told() if fact.startswith("order.")][:1] == ["order.placed"]
    health = await house.get(shop, f"/v1/stores/{shop.store_id}/health")
    assert health["fetches_24h"] == {"done": 1}


@thin
async def test_of_many_hooks_about_one_order_one_asks(house: House, case: Case) -> None:
    shop = await _shop(house, case)
    async with _asking(house, case.app(house.clock)) as (clockwork, origin):
        await clockwork.reach(shop, origin=origin, **case.secrets)
        for number in range(5):
            await _hook(house, shop, case, f"m-{number}")
        await clockwork.run()

    health = await house.get(shop, f"/v1/stores/{shop.store_id}/health")
    assert health["fetches_24h"] == {"done": 1, "dropped": 4}
    assert await _external_ids(house, shop) == [case.external_id]


@thin
async def test_without_access_the_order_waits_until_the_store_is_asked_for_more_of_the_past(
    house: House, case: Case
) -> None:
    shop = await _shop(house, case)
    async with _asking(house, case.app(house.clock)) as (clockwork, origin):
        await _hook(house, shop, case, "m-1")
        await clockwork.run()
        without = (await house.get(shop, f"/v1/stores/{shop.store_id}/health"))["fetches_24h"]

        await clockwork.reach(shop, origin=origin, **case.secrets)
        house.clock.set(house.clock.now() + timedelta(seconds=1))
        await _hook(house, shop, case, "m-2")
        await clockwork.run()

    assert without == {"dropped": 1}
    assert await _external_ids(house, shop) == [case.external_id]


async def test_a_magento_store_has_no_hook_and_is_asked(house: House) -> None:
    shop = await house.shop("magento", domain=None, secret=None)
    server = MagentoServer()
    now = house.clock.now().strftime("%Y-%m-%d %H:%M:%S")
    server.put(bodies_magento.order(updated_at=now))
    async with _asking(house, server.app) as (clockwork, origin):
        await clockwork.reach(shop, origin=f"{origin}/shop", access_token=magento_server.TOKEN)
        await clockwork.run()

    shown = await house.get(shop, f"/v1/stores/{shop.store_id}")
    assert shown["hook_url"] is None
    assert await _external_ids(house, shop) == [str(bodies_magento.order()["entity_id"])]


async def test_a_magento_store_needs_to_say_where_it_is_and_has_no_secret(house: House) -> None:
    merchant_id = await house.merchant()
    shop = await house.shop("magento", merchant_id=merchant_id, domain=None, secret=None)
    clockwork = Clockwork(house, {})
    body = {"platform": "magento", "account": "b", "currency": "USD", "secret": bodies.WHSEC}

    nowhere = await clockwork.send(shop, "PUT", "/access", {"secrets": {"access_token": "t"}})
    headers = house.bearer("stores:write", merchant_id=merchant_id)
    with_secret = await house.client.post("/v1/stores", json=body, headers=headers)

    assert (nowhere.status_code, with_secret.status_code) == (422, 422)
    assert "is needed, since the store has no domain" in nowhere.text
    assert "needs no secret" in with_secret.text


async def test_a_store_at_a_private_address_is_not_asked_unless_the_operator_trusts_it(house: House) -> None:
    shop = await house.shop("magento", domain=None, secret=None)
    server = MagentoServer()
    async with serving(server.app) as port, outbound_client() as http:
        clockwork = Clockwork(house, store_apis(http, house.clock.now))
        await clockwork.reach(shop, origin=f"http://127.0.0.1:{port}", access_token=magento_server.TOKEN)
        await clockwork.run()

    assert server.asked == []
