"""Withdrawals told through each platform's API, against the stand-ins."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.types import ASGIApp

from services.order_ingest.adapters.store_apis.by_platform import consent_apis
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, ConsentApi, Unsubscription
from services.order_ingest.domain.withdrawal import can_be_told
from tests.services.order_ingest.stores import bigcommerce_subscribers, shopify_admin, shoplazza_server
from tests.services.order_ingest.stores.bigcommerce_subscribers import BigcommerceSubscribers
from tests.services.order_ingest.stores.shopify_admin import ShopifyAdmin
from tests.services.order_ingest.stores.shoplazza_customers import ShoplazzaCustomers

AT = datetime(2026, 5, 2, 10, 15, 5, tzinfo=UTC)
EARLIER = (AT - timedelta(days=1)).isoformat()
SHOPIFY = Access(
    base_url="https://acme.myshopify.com/admin/api/2026-04",
    account="690933842",
    site="",
    credentials={"access_token": shopify_admin.TOKEN},
)
SHOPLAZZA = Access(
    base_url=shoplazza_server.BASE_URL, account="1", site="", credentials={"access_token": shoplazza_server.TOKEN}
)
BIGCOMMERCE = Access(
    base_url=bigcommerce_subscribers.BASE_URL,
    account="k3x9qd",
    site="",
    credentials={"access_token": bigcommerce_subscribers.TOKEN},
)


@asynccontextmanager
async def _api(platform: str, app: ASGIApp) -> AsyncIterator[ConsentApi]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as http:
        yield consent_apis(http)[platform]


def _said(external_id: str, channel: str = "email") -> Unsubscription:
    return Unsubscription(external_id=external_id, channel=channel, at=AT)


@pytest.mark.parametrize(("channel", "other"), [("email", "sms"), ("sms", "email")])
async def test_shopify_keeps_the_withdrawal_with_its_time_and_the_other_channel(channel: str, other: str) -> None:
    shop = ShopifyAdmin()
    shop.consents = {("7", channel): ("SUBSCRIBED", EARLIER), ("7", other): ("SUBSCRIBED", EARLIER)}

    async with _api("shopify", shop.app) as api:
        await api.unsubscribe(SHOPIFY, _said("7", channel))
        await api.unsubscribe(SHOPIFY, _said("7", channel))

    assert shop.consents == {
        ("7", channel): ("UNSUBSCRIBED", "2026-05-02T10:15:05Z"),
        ("7", other): ("SUBSCRIBED", EARLIER),
    }


async def test_a_late_withdrawal_undoes_no_later_subscription_at_shopify() -> None:
    shop = ShopifyAdmin()
    later = ("SUBSCRIBED", (AT + timedelta(seconds=1)).isoformat())
    shop.consents = {("7", "email"): later}

    async with _api("shopify", shop.app) as api:
        await api.unsubscribe(SHOPIFY, _said("7"))

    assert shop.consents == {("7", "email"): later}


async def test_shopify_refuses_a_customer_without_an_address_and_a_token_without_the_scope() -> None:
    shop = ShopifyAdmin()
    async with _api("shopify", shop.app) as api:
        with pytest.raises(ApiRefuses, match="Shopify does not take the withdrawal: INVALID at input"):
            await api.unsubscribe(SHOPIFY, _said("7"))
        shop.scopes.clear()
        with pytest.raises(ApiRefuses, match="GraphQL error ACCESS_DENIED"):
            await api.unsubscribe(SHOPIFY, _said("7"))


@pytest.mark.parametrize(
    ("channel", "email", "sms", "left"),
    [
        ("email", True, True, (False, True)),
        ("email", True, False, (False, False)),
        ("sms", True, True, (True, False)),
        ("sms", False, True, (False, False)),
    ],
)
async def test_shoplazza_keeps_the_other_channel_as_it_was(
    channel: str, email: bool, sms: bool, left: tuple[bool, bool]
) -> None:
    shop = ShoplazzaCustomers()
    shop.put("c-1", email=email, sms=sms)

    async with _api("shoplazza", shop.app) as api:
        await api.unsubscribe(SHOPLAZZA, _said("c-1", channel))
        await api.unsubscribe(SHOPLAZZA, _said("c-1", channel))

    customer = shop.customers["c-1"]
    assert (customer["accepts_marketing"], customer["accepts_sms_marketing"]) == left
    assert shop.asked == ["GET", "PUT", "GET"]


async def test_shoplazza_is_not_written_to_while_it_does_not_say_what_else_is_accepted() -> None:
    shop = ShoplazzaCustomers()
    shop.customers["c-1"] = {"id": "c-1", "accepts_marketing": True}

    async with _api("shoplazza", shop.app) as api:
        with pytest.raises(ApiAway, match="does not say what the customer accepts"):
            await api.unsubscribe(SHOPLAZZA, _said("c-1"))

    assert shop.asked == ["GET"]


@pytest.mark.parametrize("filters", [True, False])
async def test_bigcommerce_deletes_the_customers_subscription_and_no_other(filters: bool) -> None:
    store = BigcommerceSubscribers(filters=filters)
    store.customers = {7: "Ada+news@example.com", 8: "bea@example.com"}
    store.subscribers = {71: "ada+news@example.com", 72: "bea@example.com", 73: "ada@example.com"}

    async with _api("bigcommerce", store.app) as api:
        await api.unsubscribe(BIGCOMMERCE, _said("7"))
        await api.unsubscribe(BIGCOMMERCE, _said("7"))

    assert store.subscribers == {72: "bea@example.com", 73: "ada@example.com"}
    assert store.asked.count("DELETE") == 1


_STORES: list[tuple[str, Access, Callable[[], ASGIApp]]] = [
    ("shopify", SHOPIFY, lambda: ShopifyAdmin().app),
    ("shoplazza", SHOPLAZZA, lambda: ShoplazzaCustomers().app),
    ("bigcommerce", BIGCOMMERCE, lambda: BigcommerceSubscribers().app),
]
each_store = pytest.mark.parametrize(("platform", "access", "app"), _STORES, ids=[name for name, *_ in _STORES])


@each_store
async def test_an_id_that_is_none_is_not_sent(platform: str, access: Access, app: Callable[[], ASGIApp]) -> None:
    async with _api(platform, app()) as api:
        with pytest.raises(ApiRefuses, match="the customer's id is none of"):
            await api.unsubscribe(access, _said("../7"))


@each_store
async def test_another_token_is_refused(platform: str, access: Access, app: Callable[[], ASGIApp]) -> None:
    stranger = Access(base_url=access.base_url, account="", site="", credentials={"access_token": "other"})
    async with _api(platform, app()) as api:
        with pytest.raises(ApiRefuses, match="status 401 of /"):
            await api.unsubscribe(stranger, _said("7"))


@pytest.mark.parametrize("platform", ["shoplazza", "bigcommerce"])
async def test_a_customer_who_is_not_there_needs_nothing(platform: str) -> None:
    [(_, access, app)] = [each for each in _STORES if each[0] == platform]
    async with _api(platform, app()) as api:
        await api.unsubscribe(access, _said("7"))


def test_every_platform_that_can_be_told_has_a_client() -> None:
    platforms = set(consent_apis(httpx.AsyncClient()))

    assert {name for name in platforms if can_be_told(name, "email")} == platforms
    assert not any(can_be_told(name, "email") for name in ("woocommerce", "magento", "amazon", "taobao", "standard"))
    assert not can_be_told("bigcommerce", "sms")
