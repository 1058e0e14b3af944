"""The hooks that each platform says it has, against the stand-ins."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from services.order_ingest.adapters.store_apis.by_platform import hook_apis, subscription_apis
from services.order_ingest.adapters.store_apis.hook_rows import MOST_PAGES
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Subscription
from services.order_ingest.domain.platform_table import PLATFORMS
from services.order_ingest.domain.subscribed import lists_hooks
from tests.services.order_ingest.stores import shopify_admin, shoplazza_server, woocommerce_server
from tests.services.order_ingest.stores.bigcommerce_webhooks import BigcommerceWebhooks
from tests.services.order_ingest.stores.shopify_admin import ShopifyAdmin
from tests.services.order_ingest.stores.shoplazza_webhooks import ShoplazzaWebhooks
from tests.services.order_ingest.stores.woocommerce_webhooks import WoocommerceWebhooks

_OURS: Final = "https://hooks.acme.example/v1/hooks/p/our-token"
_THEIRS: Final = "https://erp.acme.example/in"
_MANY: Final = 230
_WOOCOMMERCE: Final = {"consumer_key": woocommerce_server.KEY, "consumer_secret": woocommerce_server.SECRET}


@dataclass(frozen=True)
class Case:
    """A platform: where its API is, who may ask, and a shop with many hooks of others around one of ours."""

    platform: str
    base_url: str
    credentials: dict[str, str]
    topic: str
    shop: Callable[[int], tuple[ASGIApp, list[str]]]
    answer: Callable[[Sequence[dict[str, Any]]], Any]
    """Rows as the platform's answer has them, as the only page."""

    @property
    def access(self) -> Access:
        return Access(base_url=self.base_url, account="k3x9qd", site="", credentials=self.credentials)

    async def listed(self, app: ASGIApp, access: Access | None = None) -> Sequence[Subscription]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as http:
            return await subscription_apis(http)[self.platform].subscriptions(access or self.access)


def _addresses(count: int) -> list[str]:
    """Ours is the last, behind all pages of the others."""
    return [f"{_THEIRS}/{number}" for number in range(count)] + [_OURS]


def _shopify(count: int) -> tuple[ASGIApp, list[str]]:
    shop = ShopifyAdmin()
    for address in _addresses(count):
        shop.subscribe("ORDERS_CREATE", address)
    return shop.app, shop.operations


def _shoplazza(count: int) -> tuple[ASGIApp, list[str]]:
    shop = ShoplazzaWebhooks()
    for address in _addresses(count):
        shop.subscribe("orders/create", address)
    return shop.app, shop.asked


def _woocommerce(count: int) -> tuple[ASGIApp, list[str]]:
    shop = WoocommerceWebhooks()
    for address in _addresses(count):
        shop.subscribe("order.created", address)
    return shop.app, shop.asked


def _bigcommerce(count: int) -> tuple[ASGIApp, list[str]]:
    shop = BigcommerceWebhooks()
    for address in _addresses(count):
        shop.subscribe("store/order/*", address)
    return shop.app, shop.server.asked


def _graphql(rows: Sequence[dict[str, Any]]) -> Any:
    return {"data": {"webhookSubscriptions": {"nodes": list(rows), "pageInfo": {"hasNextPage": False}}}}


_CASES: Final = [
    Case(
        "shopify",
        "https://acme.myshopify.com/admin/api/2026-04",
        {"access_token": shopify_admin.TOKEN},
        "ORDERS_CREATE",
        _shopify,
        _graphql,
    ),
    Case(
        "shoplazza",
        shoplazza_server.BASE_URL,
        {"access_token": shoplazza_server.TOKEN},
        "orders/create",
        _shoplazza,
        lambda rows: {"webhooks": rows},
    ),
    Case("woocommerce", woocommerce_server.BASE_URL, _WOOCOMMERCE, "order.created", _woocommerce, lambda rows: rows),
    Case(
        "bigcommerce",
        "https://api.bigcommerce.com/stores/k3x9qd",
        {"access_token": "a-token"},
        "store/order/*",
        _bigcommerce,
        lambda rows: {"data": rows, "meta": {"pagination": {"total_pages": 1}}},
    ),
]
each_platform = pytest.mark.parametrize("case", _CASES, ids=[case.platform for case in _CASES])


def _answering(body: Any) -> ASGIApp:
    async def answer(request: Request) -> Response:
        return Response(json.dumps(body), headers={"X-WP-TotalPages": "1"}, media_type="application/json")

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


@each_platform
async def test_every_hook_is_found_once_on_whatever_page_it_stands(case: Case) -> None:
    app, asked = case.shop(_MANY)

    found = await case.listed(app)

    assert [(hook.topic, hook.active) for hook in found] == [(case.topic, True)] * (_MANY + 1)
    assert sorted(hook.address for hook in found) == sorted(_addresses(_MANY))
    assert len(asked) >= 3


@each_platform
@pytest.mark.parametrize("count", [0, 49, 99])
async def test_a_list_that_fills_its_last_page_has_an_end(case: Case, count: int) -> None:
    app, _ = case.shop(count)

    assert len(await case.listed(app)) == count + 1


async def test_a_paused_and_a_disabled_hook_of_woocommerce_are_not_active() -> None:
    shop = WoocommerceWebhooks()
    for status in ("active", "paused", "disabled"):
        shop.subscribe(f"order.{status}", _OURS, status)
    [case] = [case for case in _CASES if case.platform == "woocommerce"]

    assert {hook.topic: hook.active for hook in await case.listed(shop.app)} == {
        "order.active": True,
        "order.paused": False,
        "order.disabled": False,
    }


async def test_a_deactivated_hook_of_bigcommerce_is_not_active() -> None:
    store = BigcommerceWebhooks()
    store.subscribe("store/order/*", _OURS, is_active=False)
    store.subscribe("store/shipment/*", _OURS)
    [case] = [case for case in _CASES if case.platform == "bigcommerce"]

    assert {hook.topic: hook.active for hook in await case.listed(store.app)} == {
        "store/order/*": False,
        "store/shipment/*": True,
    }


@each_platform
async def test_a_hook_that_was_deleted_is_missing(case: Case) -> None:
    assert await case.listed(_answering(case.answer([]))) == []


@each_platform
async def test_who_may_not_ask_is_told_so_without_the_credentials(case: Case) -> None:
    app, _ = case.shop(0)
    stranger = Access(
        base_url=case.base_url, account="", site="", credentials=dict.fromkeys(case.credentials, "not-this-one")
    )

    with pytest.raises(ApiRefuses, match="status 401 of /") as refusal:
        await case.listed(app, stranger)

    assert "not-this-one" not in str(refusal.value)


@each_platform
async def test_no_list_at_the_address_is_a_refusal(case: Case) -> None:
    with pytest.raises(ApiRefuses, match="at this address"):
        await case.listed(Starlette())


@each_platform
@pytest.mark.parametrize("body", [{}, [], "no", {"webhooks": {}}, {"data": [1]}, {"data": {"x": {"nodes": "no"}}}])
async def test_an_answer_of_another_shape_is_asked_for_again(case: Case, body: Any) -> None:
    if case.platform == "woocommerce" and body == []:
        body = [7]
    with pytest.raises(ApiAway):
        await case.listed(_answering(body))


@each_platform
async def test_rows_that_say_nothing_and_texts_that_no_database_keeps_do_no_harm(case: Case) -> None:
    names: dict[str, Any] = {
        "topic": None,
        "scope": None,
        "address": None,
        "uri": 7,
        "destination": [],
        "delivery_url": {},
    }
    odd = {**dict.fromkeys(names, "order\x00.\ud800" + "x" * 900), "status": "active", "is_active": True}

    silent, shown = await case.listed(_answering(case.answer([names, odd])))

    assert (silent.topic, silent.address) == ("", "")
    assert shown.topic.startswith("order.xxx")
    assert shown.topic.isprintable()
    assert len(shown.topic) <= 200


@each_platform
async def test_a_page_longer_than_was_asked_for_is_refused(case: Case) -> None:
    with pytest.raises(ApiRefuses, match="more than 250 hooks on a page"):
        await case.listed(_answering(case.answer([{}] * 251)))


@each_platform
async def test_a_list_without_an_end_is_refused(case: Case) -> None:
    app, asked = case.shop(3000)

    with pytest.raises(ApiRefuses, match="more than 10 pages of hooks"):
        await case.listed(app)

    assert len(asked) == MOST_PAGES


def test_every_platform_that_lists_hooks_has_a_client() -> None:
    assert set(subscription_apis(httpx.AsyncClient())) == {name for name in PLATFORMS if lists_hooks(name)}


async def _subscribed(
    shop: ShoplazzaWebhooks, *, topic: str = "orders/paid", token: str = shoplazza_server.TOKEN
) -> None:
    access = Access(base_url=shoplazza_server.BASE_URL, account="", site="", credentials={"access_token": token})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=shop.app)) as http:
        await hook_apis(http)["shoplazza"].subscribe(access, topic=topic, address=_OURS)


async def test_a_hook_is_made_at_shoplazza_with_topic_and_address() -> None:
    shop = ShoplazzaWebhooks()

    await _subscribed(shop)

    assert [(hook["topic"], hook["address"]) for hook in shop.webhooks] == [("orders/paid", _OURS)]


async def test_what_shoplazza_does_not_make_is_refused_without_the_address() -> None:
    shop = ShoplazzaWebhooks()
    await _subscribed(shop)

    for sent, status in (({"topic": "orders/unheard_of"}, 422), ({"token": "not-this-one"}, 401), ({}, 422)):
        with pytest.raises(ApiRefuses, match=f"status {status} of /openapi/2022-01/webhooks") as refusal:
            await _subscribed(shop, **sent)
        assert "our-token" not in str(refusal.value)

    assert len(shop.webhooks) == 1


@pytest.mark.parametrize("body", [{}, [], {"webhook": None}, {"webhook": {"topic": "orders/create"}}])
async def test_an_answer_that_shows_no_such_hook_is_no_proof(body: Any) -> None:
    access = Access(base_url=shoplazza_server.BASE_URL, account="", site="", credentials={"access_token": "t"})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=_answering(body))) as http:
        with pytest.raises(ApiAway, match="does not show the webhook"):
            await hook_apis(http)["shoplazza"].subscribe(access, topic="orders/paid", address=_OURS)
