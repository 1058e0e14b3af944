"""Hooks that Shoplazza deleted are there again after the next pull: once, and not against a shop's will."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from services.order_ingest.adapters.store_apis.by_platform import hook_apis, subscription_apis
from services.order_ingest.adapters.store_apis.shoplazza import ShoplazzaApi
from services.order_ingest.application.store_apis import Access, HookApi, Subscription
from services.order_ingest.domain.platform_table import PLATFORMS
from services.order_ingest.domain.pulling import EVERY
from services.order_ingest.domain.subscribed import restores_hooks
from tests.services.order_ingest import bodies, bodies_shoplazza
from tests.services.order_ingest.asking import Clockwork
from tests.services.order_ingest.conftest import House, Shop
from tests.services.order_ingest.stores.shoplazza_server import BASE_URL, TOKEN
from tests.services.order_ingest.stores.shoplazza_webhooks import ShoplazzaWebhooks

_SECRET: Final = "shoplazza-client-secret"
_PAID, _CREATED, _UNINSTALLED = "orders/paid", "orders/create", "app/uninstalled"
_DOMAIN: Final = httpx.URL(BASE_URL).host


@dataclass
class Desk:
    """A shop at Shoplazza with two hooks of ours and one of others, as a pull saw them, and the clockwork."""

    house: House
    shop: Shop
    site: ShoplazzaWebhooks
    clockwork: Clockwork
    http: httpx.AsyncClient
    hook_url: str

    async def next_pull(self, *, after: timedelta = EVERY) -> None:
        """The clock comes by again."""
        self.house.clock.advance(after)
        await self.clockwork.run()

    async def subscriptions(self) -> Any:
        return (await self.house.get(self.shop, f"/v1/stores/{self.shop.store_id}/health"))["subscriptions"]

    async def restored(self) -> list[tuple[str, str | None]]:
        return [(each["topic"], each["failure"]) for each in (await self.subscriptions())["restored"]]

    async def states(self) -> list[str]:
        rows = await self.house.rows("SELECT state FROM effect WHERE kind = 'store.hook' ORDER BY created_at, key")
        return [row["state"] for row in rows]

    @property
    def ours(self) -> list[tuple[str, str]]:
        """Topic and address of each hook that leads to the shop's address under any name."""
        hooks = [(hook["topic"], hook["address"]) for hook in self.site.webhooks]
        return sorted((topic, address) for topic, address in hooks if self.shop.path in address)

    async def deliver(self, topic: str, body: dict[str, Any] | None = None) -> None:
        raw = bodies.encoded(body or bodies_shoplazza.order())
        digest = hmac.digest(_SECRET.encode(), raw, hashlib.sha256)
        headers = {
            "x-shoplazza-topic": topic,
            "x-shoplazza-hmac-sha256": base64.b64encode(digest).decode(),
            "x-shoplazza-deduplication-id": f"d-{self.house.clock.now().isoformat()}",
            "x-shoplazza-shop-domain": _DOMAIN,
        }
        answer = await self.house.client.post(self.shop.path, content=raw, headers=headers)
        assert answer.status_code == 200, answer.text


@pytest.fixture
async def desk(house: House) -> AsyncIterator[Desk]:
    shop, site = await house.shop("shoplazza", domain=_DOMAIN, secret=_SECRET), ShoplazzaWebhooks()
    hook_url = (await house.get(shop, f"/v1/stores/{shop.store_id}"))["hook_url"]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=site.app)) as http:
        apis = {"shoplazza": ShoplazzaApi(http)}
        clockwork = Clockwork(house, apis, subscription_apis(http), hook_apis(http))
        for topic, address in ((_CREATED, hook_url), (_PAID, hook_url), (_CREATED, "https://erp.example/in")):
            site.subscribe(topic, address)
        await clockwork.reach(shop, access_token=TOKEN)
        await clockwork.run()
        yield Desk(house, shop, site, clockwork, http, hook_url)


async def test_a_hook_that_was_deleted_is_there_again_after_the_next_pull_once(desk: Desk) -> None:
    desk.site.delete(_PAID)
    await desk.next_pull()
    hooks, restored = desk.ours, await desk.subscriptions()
    await desk.next_pull()
    await desk.next_pull()

    assert hooks == desk.ours == [(_CREATED, desk.hook_url), (_PAID, desk.hook_url)]
    assert desk.site.made == [{"topic": _PAID, "address": desk.hook_url}]
    assert [each["topic"] for each in restored["items"]] == [_CREATED]
    assert [each["topic"] for each in (await desk.subscriptions())["items"]] == [_CREATED, _PAID]
    assert restored["restored"] == [{"topic": _PAID, "at": restored["asked_at"], "failure": None}]
    assert await desk.restored() == [(_PAID, None)]
    assert desk.clockwork.counted == [("store.hook", "done")]


async def test_hooks_that_were_all_deleted_are_all_there_again(desk: Desk) -> None:
    desk.site.delete(_CREATED, _PAID)
    await desk.next_pull()

    assert desk.ours == [(_CREATED, desk.hook_url), (_PAID, desk.hook_url)]
    assert len(desk.site.webhooks) == 2


async def test_nothing_is_made_that_was_never_there(desk: Desk) -> None:
    for _ in range(3):
        await desk.next_pull()

    assert (desk.site.made, await desk.states(), await desk.restored()) == ([], [], [])


async def test_a_list_that_was_refused_meanwhile_makes_nothing_and_forgets_nothing(desk: Desk) -> None:
    desk.site.delete(_PAID)
    desk.site.fail_next(403)
    desk.site.fail_next(403)
    await desk.next_pull()
    refused, made = await desk.subscriptions(), list(desk.site.made)
    await desk.next_pull()

    assert (refused["failure"], refused["items"], made) == ("status 403 of /openapi/2022-01/webhooks", None, [])
    assert desk.ours == [(_CREATED, desk.hook_url), (_PAID, desk.hook_url)]


async def test_an_answer_that_is_lost_makes_no_second_hook(desk: Desk) -> None:
    desk.site.delete(_PAID)
    desk.site.losing = True
    await desk.next_pull()
    waiting = await desk.states()
    await desk.next_pull(after=timedelta(minutes=5))

    assert (waiting, await desk.states()) == (["pending"], ["done"])
    assert desk.site.made == [{"topic": _PAID, "address": desk.hook_url}]
    assert desk.ours == [(_CREATED, desk.hook_url), (_PAID, desk.hook_url)]


@dataclass
class _Dying:
    """Makes the hook, and never comes back."""

    api: HookApi
    made: asyncio.Event

    async def subscriptions(self, access: Access) -> Sequence[Subscription]:
        return await self.api.subscriptions(access)

    async def subscribe(self, access: Access, *, topic: str, address: str) -> None:
        await self.api.subscribe(access, topic=topic, address=address)
        self.made.set()
        await asyncio.Event().wait()


async def test_a_worker_that_dies_between_the_call_and_its_record_makes_no_second_hook(desk: Desk) -> None:
    desk.site.delete(_PAID)
    made = asyncio.Event()
    doomed = Clockwork(
        desk.house,
        {"shoplazza": ShoplazzaApi(desk.http)},
        subscription_apis(desk.http),
        {"shoplazza": _Dying(hook_apis(desk.http)["shoplazza"], made)},
    )
    desk.house.clock.advance(EVERY)
    death = asyncio.create_task(doomed.run())
    await asyncio.wait_for(made.wait(), 30)
    death.cancel()
    with suppress(asyncio.CancelledError):
        await death
    meanwhile = await desk.states()

    await desk.next_pull(after=timedelta(seconds=30))
    await desk.next_pull(after=timedelta(minutes=5))

    assert (meanwhile, await desk.states()) == (["calling"], ["done"])
    assert desk.site.made == [{"topic": _PAID, "address": desk.hook_url}]
    assert await desk.restored() == [(_PAID, None)]


async def test_a_shop_that_takes_it_away_again_keeps_it_away(desk: Desk) -> None:
    desk.site.delete(_PAID)
    await desk.next_pull()
    desk.site.delete(_PAID)
    for hours in (1, 23, 24, 48):
        await desk.next_pull(after=timedelta(hours=hours))

    assert len(desk.site.made) == 1
    assert desk.ours == [(_CREATED, desk.hook_url)]
    assert await desk.restored() == [(_PAID, "gone again within a day without a delivery: it is left so")]


@pytest.mark.parametrize(("topic", "made"), [(_PAID, 2), (_CREATED, 1)])
async def test_gone_again_within_a_day_is_made_again_if_something_came_under_it(
    desk: Desk, topic: str, made: int
) -> None:
    desk.site.delete(_PAID)
    await desk.next_pull()
    desk.house.clock.advance(timedelta(minutes=1))
    await desk.deliver(topic)
    desk.site.delete(_PAID)
    await desk.next_pull()

    assert len(desk.site.made) == made


async def test_a_delivery_from_before_it_was_made_anew_is_no_use_of_it(desk: Desk) -> None:
    await desk.deliver(_PAID)
    desk.site.delete(_PAID)
    await desk.next_pull()
    desk.site.delete(_PAID)
    await desk.next_pull()

    assert len(desk.site.made) == 1


async def test_hooks_under_another_name_are_left_to_whoever_made_them(house: House, desk: Desk) -> None:
    desk.site.webhooks = []
    await desk.clockwork.reach(desk.shop, access_token=TOKEN)
    for topic in (_CREATED, _PAID):
        desk.site.subscribe(topic, f"https://another-name.example{desk.shop.path}")
    await desk.next_pull()
    desk.site.delete(_PAID)
    await desk.next_pull()

    assert [each["topic"] for each in (await desk.subscriptions())["items"]] == [_CREATED]
    assert (desk.site.made, await desk.states()) == ([], [])


async def test_after_the_app_was_uninstalled_nothing_is_made(desk: Desk) -> None:
    desk.site.delete(_PAID)
    desk.site.fail_next(503)
    desk.site.fail_next(503)
    await desk.next_pull()
    await desk.deliver(_UNINSTALLED, {"id": "690933842"})
    await desk.next_pull()
    await desk.next_pull()

    health = await desk.house.get(desk.shop, f"/v1/stores/{desk.shop.store_id}/health")
    assert health["disconnected_at"] is not None
    assert desk.site.made == []


@pytest.mark.parametrize("ending", ["uninstalled", "put again"])
async def test_what_was_to_be_made_is_dropped_when_the_access_ends_or_is_put_again(desk: Desk, ending: str) -> None:
    desk.site.delete(_PAID)
    desk.house.clock.advance(EVERY)
    await desk.clockwork.timers.run_due()
    while await desk.states() == []:
        await desk.clockwork.sender.run_once()
    if ending == "uninstalled":
        await desk.deliver(_UNINSTALLED, {"id": "690933842"})
        await desk.house.normaliser.drain()
    else:
        await desk.clockwork.reach(desk.shop, access_token=TOKEN)
    await desk.clockwork.run()

    assert await desk.states() == ["dropped"]
    assert desk.site.made == []


async def test_a_new_access_knows_nothing_of_the_hooks_before(desk: Desk) -> None:
    desk.site.delete(_PAID)
    await desk.clockwork.reach(desk.shop, access_token=TOKEN)
    await desk.next_pull()

    assert desk.site.made == []


async def test_a_refusal_is_shown_and_tried_again_after_a_day(desk: Desk) -> None:
    desk.site.subscribe("themes/unheard_of", desk.hook_url)
    await desk.next_pull()
    desk.site.delete("themes/unheard_of")
    for hours in (1, 12, 13):
        await desk.next_pull(after=timedelta(hours=hours))

    assert await desk.restored() == [("themes/unheard_of", "status 422 of /openapi/2022-01/webhooks")]
    assert await desk.states() == ["failed", "failed"]
    assert desk.clockwork.counted == [("store.hook", "failed")] * 2
    assert (await desk.subscriptions())["failure"] is None


async def test_what_was_restored_is_shown_for_seven_days(desk: Desk) -> None:
    desk.site.delete(_PAID)
    await desk.next_pull()
    desk.house.clock.advance(timedelta(days=7) - timedelta(seconds=1))
    shown = await desk.restored()
    desk.house.clock.advance(timedelta(seconds=1))

    assert (shown, await desk.restored()) == ([(_PAID, None)], [])


async def test_the_address_is_kept_nowhere(desk: Desk) -> None:
    desk.site.delete(_PAID)
    await desk.next_pull()
    kept = await desk.house.rows("SELECT to_jsonb(a)::text AS said FROM store_access a")
    kept += await desk.house.rows("SELECT to_jsonb(e)::text AS said FROM effect e")

    assert _PAID in str(kept)
    assert not [each["said"] for each in kept if desk.shop.path.rpartition("/")[2] in each["said"]]


def test_hooks_of_other_platforms_are_not_made() -> None:
    made = set(hook_apis(httpx.AsyncClient()))

    assert made == {name for name in PLATFORMS if restores_hooks(name)} == {"shoplazza"}
