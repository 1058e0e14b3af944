"""Health shows the hooks that a store's platform has for it, and one that was ended there without a word."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
from starlette.responses import JSONResponse

from services.order_ingest.adapters.store_apis.by_platform import subscription_apis
from services.order_ingest.adapters.store_apis.woocommerce import WoocommerceApi
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Subscription
from services.order_ingest.domain.pulling import EVERY
from tests.services.order_ingest.asking import Clockwork
from tests.services.order_ingest.conftest import House, Shop
from tests.services.order_ingest.stores.woocommerce_server import BASE_URL, KEY, SECRET
from tests.services.order_ingest.stores.woocommerce_webhooks import WoocommerceWebhooks

_KEYS: Final = {"consumer_key": KEY, "consumer_secret": SECRET}
_TICK: Final = timedelta(milliseconds=1)


@dataclass
class Desk:
    """A site with hooks of ours and of others, and the clockwork that asks it."""

    house: House
    shop: Shop
    site: WoocommerceWebhooks
    clockwork: Clockwork

    async def subscriptions(self) -> Any:
        health = await self.house.get(self.shop, f"/v1/stores/{self.shop.store_id}/health")
        return health["subscriptions"]

    async def next_pull(self) -> None:
        """The clock comes by again."""
        self.house.clock.advance(EVERY)
        await self.clockwork.run()


@pytest.fixture
async def desk(house: House) -> AsyncIterator[Desk]:
    shop, site = await house.shop("woocommerce", domain=httpx.URL(BASE_URL).host), WoocommerceWebhooks()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=site.app)) as http:
        yield Desk(house, shop, site, Clockwork(house, {"woocommerce": WoocommerceApi(http)}, subscription_apis(http)))


async def test_a_hook_that_the_platform_disables_is_shown_so_after_the_next_pull(desk: Desk) -> None:
    desk.site.subscribe("order.created", "https://erp.example/in")
    desk.site.subscribe("order.updated", f"https://another-name.example/in{desk.shop.path}")
    created = desk.site.subscribe("order.created", f"https://hooks.example{desk.shop.path}")
    desk.site.subscribe("order.deleted", f"https://hooks.example{desk.shop.path}x")
    never = await desk.subscriptions()
    await desk.clockwork.reach(desk.shop, **_KEYS)
    await desk.clockwork.run()
    before, at = await desk.subscriptions(), desk.house.clock.now()

    desk.site.webhooks[created]["status"] = "disabled"
    unasked = await desk.subscriptions()
    await desk.next_pull()
    after = await desk.subscriptions()

    assert never is None
    assert (
        before
        == unasked
        == {
            "asked_at": at.isoformat().replace("+00:00", "Z"),
            "failure": None,
            "items": [{"topic": "order.created", "active": True}, {"topic": "order.updated", "active": True}],
            "restored": [],
        }
    )
    assert after["asked_at"] > before["asked_at"]
    assert after["items"] == [{"topic": "order.created", "active": False}, {"topic": "order.updated", "active": True}]


async def test_the_hooks_address_is_kept_nowhere_else(desk: Desk) -> None:
    desk.site.subscribe("order.created", f"https://hooks.example{desk.shop.path}")
    await desk.clockwork.reach(desk.shop, **_KEYS)
    await desk.clockwork.run()
    token = desk.shop.path.rpartition("/")[2]

    health = await desk.house.get(desk.shop, f"/v1/stores/{desk.shop.store_id}/health")
    kept = await desk.house.rows("SELECT to_jsonb(a)::text AS said FROM store_access a")
    kept += await desk.house.rows("SELECT to_jsonb(e)::text AS said FROM effect e")

    assert len(kept) == 3
    assert not [each["said"] for each in kept if token in each["said"]]
    assert token not in str(health)
    assert len(health["subscriptions"]["items"]) == 1


async def test_a_platform_that_does_not_say_is_shown_with_its_refusal_and_not_with_what_it_said_before(
    desk: Desk,
) -> None:
    desk.site.subscribe("order.created", f"https://hooks.example{desk.shop.path}")
    await desk.clockwork.reach(desk.shop, **_KEYS)
    await desk.clockwork.run()
    desk.site.hook_failures = [JSONResponse({"code": "woocommerce_rest_cannot_view"}, 403)]

    await desk.next_pull()
    refused = await desk.subscriptions()
    asked = (await desk.house.get(desk.shop, f"/v1/stores/{desk.shop.store_id}/health"))["asked"]
    await desk.next_pull()
    again = await desk.subscriptions()

    assert (refused["failure"], refused["items"]) == ("status 403 of /wp-json/wc/v3/webhooks", None)
    assert asked["last_failure"] is None
    assert (again["failure"], again["items"]) == (None, [{"topic": "order.created", "active": True}])


async def test_hooks_that_were_all_deleted_are_an_empty_list(desk: Desk) -> None:
    await desk.clockwork.reach(desk.shop, **_KEYS)
    await desk.clockwork.run()

    assert (await desk.subscriptions())["items"] == []


async def test_no_question_is_begun_while_one_is_under_way(desk: Desk) -> None:
    desk.site.hook_failures = [JSONResponse({}, 503, {"Retry-After": "3500"})]
    await desk.clockwork.reach(desk.shop, **_KEYS)
    await desk.clockwork.run()
    for _ in range(3):
        await desk.next_pull()
    waiting = await _questions(desk.house)
    shown = await desk.subscriptions()

    await desk.next_pull()
    ended = await _questions(desk.house)
    await desk.next_pull()

    assert (waiting, ended, await _questions(desk.house)) == (["pending"], ["done"], ["done", "done"])
    assert shown is None


async def test_a_platform_without_a_list_of_hooks_is_not_asked_for_one(house: House) -> None:
    shop = await house.shop("magento", domain="shop.example.com", secret=None)
    clockwork = Clockwork(house, {}, {})
    await clockwork.reach(shop, access_token="t-0123456789")
    await clockwork.run()

    assert await _questions(house) == []
    assert (await house.get(shop, f"/v1/stores/{shop.store_id}/health"))["subscriptions"] is None


@dataclass
class ScriptedList:
    """Answers what the test put into it, one after the other."""

    answers: list[Sequence[Subscription] | Exception] = field(default_factory=list)

    async def subscriptions(self, access: Access) -> Sequence[Subscription]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_an_answer_to_an_access_that_was_replaced_meanwhile_is_not_shown(house: House) -> None:
    shop, hooks = await house.shop(), ScriptedList()
    clockwork = Clockwork(house, {}, {"shopify": hooks})
    old, new = (
        [Subscription(topic=topic, address=f"https://hooks.example{shop.path}", active=True)] for topic in ("A", "B")
    )
    hooks.answers = [ApiAway("status 503", 60.0), new, old]
    await clockwork.reach(shop, access_token="t-0123456789")
    await clockwork.run()

    house.clock.advance(_TICK)
    await clockwork.reach(shop, access_token="t-9876543210")
    await clockwork.run()
    house.clock.advance(timedelta(seconds=61))
    await clockwork.run()

    shown = (await house.get(shop, f"/v1/stores/{shop.store_id}/health"))["subscriptions"]
    assert hooks.answers == []
    assert shown["items"] == [{"topic": "B", "active": True}]


async def test_many_stores_are_answered_each_with_its_own(house: House) -> None:
    shops = [await house.shop() for _ in range(3)]
    hooks = ScriptedList()
    clockwork = Clockwork(house, {}, {"shopify": hooks})
    everything = [
        Subscription(topic=f"T{number}", address=f"https://hooks.example{shop.path}", active=number != 1)
        for number, shop in enumerate(shops)
    ]
    hooks.answers = [everything, ApiRefuses("no"), everything]
    for shop in shops:
        await clockwork.reach(shop, access_token="t-0123456789")
    await clockwork.run()

    shown = [(await house.get(shop, f"/v1/stores/{shop.store_id}/health"))["subscriptions"] for shop in shops]
    own = [[{"topic": f"T{number}", "active": number != 1}] for number in range(3)]
    assert sorted(each["failure"] or "" for each in shown) == ["", "", "no"]
    assert all(each["items"] == (None if each["failure"] else own[number]) for number, each in enumerate(shown))


async def _questions(house: House) -> list[str]:
    rows = await house.rows("SELECT state FROM effect WHERE kind = 'store.subscriptions' ORDER BY created_at")
    return [row["state"] for row in rows]
