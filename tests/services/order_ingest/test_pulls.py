"""Stores are asked for what their hooks may have missed: page by page, once, and again after whatever went wrong."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Document, Page
from services.order_ingest.domain.pulling import EVERY, OVERLAP, SWEEP
from tests.services.order_ingest import bodies
from tests.services.order_ingest.asking import Clockwork
from tests.services.order_ingest.conftest import House, Shop

TOKEN = "shpat_0123456789abcdef"


@dataclass
class ScriptedApi:
    """A store's API that gives what the test put into it, two orders a page."""

    orders: list[Document] = field(default_factory=list)
    asked: list[tuple[Access, datetime, str | None]] = field(default_factory=list)
    troubles: list[Exception] = field(default_factory=list)
    cursors: str = ""
    """What stands behind the number of the next page."""

    async def changed_orders(self, access: Access, since: datetime, cursor: str | None) -> Page:
        self.asked.append((access, since, cursor))
        if self.troubles:
            raise self.troubles.pop(0)
        start = int((cursor or "0").removesuffix(self.cursors))
        end = start + 2
        return Page(self.orders[start:end], f"{end}{self.cursors}" if end < len(self.orders) else None)

    async def order(self, access: Access, external_id: str) -> Document | None:
        raise AssertionError("no hook of this test is thin")


def _orders(*numbers: int) -> list[Document]:
    return [bodies.encoded(bodies.order(id=number, name=f"#{number}")) for number in numbers]


async def _external_ids(house: House, shop: Shop) -> list[str]:
    return sorted(order["external_id"] for order in (await house.get(shop, "/v1/orders"))["items"])


@pytest.fixture
def api() -> ScriptedApi:
    return ScriptedApi()


@pytest.fixture
def clockwork(house: House, api: ScriptedApi) -> Clockwork:
    return Clockwork(house, {"shopify": api})


async def test_a_store_is_asked_at_once_page_by_page_and_its_orders_are_here(
    house: House, api: ScriptedApi, clockwork: Clockwork
) -> None:
    shop = await house.shop()
    api.orders = _orders(1, 2, 3, 4, 5)
    began_at = house.clock.now()

    await clockwork.reach(shop, access_token=TOKEN)
    await clockwork.run()

    assert await _external_ids(house, shop) == ["1", "2", "3", "4", "5"]
    assert [(since, cursor) for _, since, cursor in api.asked] == [
        (began_at - OVERLAP, cursor) for cursor in (None, "2", "4")
    ]
    access = api.asked[0][0]
    assert access.base_url == f"https://{bodies.DOMAIN}/admin/api/2026-04"
    assert access.credentials == {"access_token": TOKEN}
    shown = await clockwork.shown(shop)
    assert (shown["orders"], shown["pulling_since"], shown["last_failure"]) == (5, None, None)
    assert datetime.fromisoformat(shown["pulled_until"]) == began_at


async def test_what_a_hook_told_already_is_asked_for_and_changes_nothing(
    house: House, api: ScriptedApi, clockwork: Clockwork
) -> None:
    shop = await house.shop()
    order = bodies.order(id=1)
    await house.deliver(shop, "orders/create", order)
    await house.normaliser.drain()
    told = await house.told()
    api.orders = [bodies.encoded(order)]

    await clockwork.reach(shop, access_token=TOKEN)
    await clockwork.run()

    assert await house.told() == told
    assert len((await house.get(shop, "/v1/deliveries"))["items"]) == 2
    assert len((await house.get(shop, "/v1/orders"))["items"]) == 1


async def test_every_quarter_of_an_hour_the_store_is_asked_again_from_where_it_was_asked_before(
    house: House, api: ScriptedApi, clockwork: Clockwork
) -> None:
    shop = await house.shop()
    first = house.clock.now()
    await clockwork.reach(shop, access_token=TOKEN)
    await clockwork.run()

    await clockwork.run()
    house.clock.set(first + EVERY)
    api.orders = _orders(7)
    await clockwork.run()

    assert [since for _, since, _ in api.asked] == [first - OVERLAP, first - OVERLAP]
    assert datetime.fromisoformat((await clockwork.shown(shop))["pulled_until"]) == first + EVERY
    assert await _external_ids(house, shop) == ["7"]


async def test_once_a_day_the_store_is_asked_for_two_days(house: House, api: ScriptedApi, clockwork: Clockwork) -> None:
    shop = await house.shop()
    first = house.clock.now()
    await clockwork.reach(shop, access_token=TOKEN)
    await clockwork.run()

    for hours in (23, 24, 25):
        house.clock.set(first + timedelta(hours=hours))
        await clockwork.run()

    sweep = first + timedelta(hours=24) - SWEEP
    assert [since for _, since, _ in api.asked][1:] == [first - OVERLAP, sweep, first + timedelta(hours=24) - OVERLAP]


async def test_a_store_that_is_away_is_asked_again_for_the_same_page_when_it_wishes(
    house: House, api: ScriptedApi, clockwork: Clockwork
) -> None:
    shop = await house.shop()
    api.orders = _orders(1, 2, 3)
    api.troubles = [ApiAway("status 429", 120.0)]
    await clockwork.reach(shop, access_token=TOKEN)
    await clockwork.run()
    nothing = await _external_ids(house, shop)

    house.clock.set(house.clock.now() + timedelta(seconds=119))
    await clockwork.run()
    still_nothing = await _external_ids(house, shop)
    house.clock.set(house.clock.now() + timedelta(seconds=1))
    await clockwork.run()

    assert (nothing, still_nothing) == ([], [])
    assert await _external_ids(house, shop) == ["1", "2", "3"]


async def test_a_store_that_refuses_is_shown_with_its_refusal_and_asked_for_all_of_it_the_next_time(
    house: House, api: ScriptedApi, clockwork: Clockwork
) -> None:
    shop = await house.shop()
    first = house.clock.now()
    api.troubles = [ApiRefuses("status 401 of /admin/api/2026-04/orders.json")]
    await clockwork.reach(shop, access_token=TOKEN)
    await clockwork.run()
    refused = await clockwork.shown(shop)

    house.clock.set(first + EVERY)
    api.orders = _orders(1)
    await clockwork.run()

    assert (refused["last_failure"], refused["pulling_since"]) == ("status 401 of /admin/api/2026-04/orders.json", None)
    assert datetime.fromisoformat(refused["pulled_until"]) == first
    assert [since for _, since, _ in api.asked] == [first - OVERLAP] * 2
    assert (await clockwork.shown(shop))["last_failure"] is None


@pytest.mark.parametrize("said", ["code \x00", "code \ud800"], ids=["NUL", "half a character"])
async def test_what_a_store_says_and_no_database_can_hold_ends_its_own_pull_only(
    house: House, api: ScriptedApi, clockwork: Clockwork, said: str
) -> None:
    shop = await house.shop()
    api.troubles = [ApiRefuses(said)]
    await clockwork.reach(shop, access_token=TOKEN)
    await clockwork.run()
    refused = await clockwork.shown(shop)

    house.clock.set(house.clock.now() + EVERY)
    api.cursors, api.orders = said, _orders(1, 2, 3)
    await clockwork.run()
    stopped = await clockwork.shown(shop)

    house.clock.set(house.clock.now() + EVERY)
    api.cursors = ""
    await clockwork.run()

    assert refused["last_failure"] == "code \ufffd"
    assert stopped["last_failure"] == "the next page's cursor holds what cannot be stored"
    assert await _external_ids(house, shop) == ["1", "2", "3"]


async def test_a_worker_that_dies_with_a_page_in_its_hands_loses_nothing(
    house: House, api: ScriptedApi, clockwork: Clockwork
) -> None:
    shop = await house.shop()
    api.orders = _orders(1, 2, 3)
    asking = asyncio.Event()

    async def never(access: Access, since: datetime, cursor: str | None) -> Page:
        asking.set()
        await asyncio.Event().wait()
        raise AssertionError

    dying = ScriptedApi()
    dying.changed_orders = never  # type: ignore[method-assign]
    doomed = Clockwork(house, {"shopify": dying})
    await clockwork.reach(shop, access_token=TOKEN)
    death = asyncio.create_task(doomed.run())
    await asking.wait()
    death.cancel()
    await asyncio.gather(death, return_exceptions=True)

    await clockwork.run()
    house.clock.set(house.clock.now() + timedelta(seconds=30))
    await clockwork.run()

    assert await _external_ids(house, shop) == ["1", "2", "3"]


async def test_asking_now_and_further_back(house: House, api: ScriptedApi, clockwork: Clockwork) -> None:
    shop = await house.shop()
    await clockwork.reach(shop, access_token=TOKEN)
    await clockwork.run()
    house.clock.set(house.clock.now() + timedelta(seconds=1))
    since = house.clock.now() - timedelta(days=20)

    answer = await clockwork.send(shop, "POST", "/pulls", {"since": since.isoformat()})
    too_far = await clockwork.send(shop, "POST", "/pulls", {"since": (since - timedelta(days=60)).isoformat()})
    await clockwork.run()

    assert (answer.status_code, too_far.status_code) == (202, 422)
    assert [asked for _, asked, _ in api.asked][-1] == since - OVERLAP


async def test_a_pull_of_an_access_that_was_replaced_meanwhile_ends_without_a_word(
    house: House, api: ScriptedApi, clockwork: Clockwork
) -> None:
    shop = await house.shop()
    api.orders = _orders(1, 2, 3)
    await clockwork.reach(shop, access_token=TOKEN)
    await clockwork.timers.run_due()

    await clockwork.reach(shop, access_token=TOKEN)
    await clockwork.run()

    shown = await clockwork.shown(shop)
    assert (shown["orders"], await _external_ids(house, shop)) == (3, ["1", "2", "3"])
    assert [cursor for _, _, cursor in api.asked].count("2") == 1


async def test_access_goes_in_and_never_comes_out(house: House, api: ScriptedApi, clockwork: Clockwork) -> None:
    shop, other = await house.shop(), await house.shop()

    answers = [
        await clockwork.send(shop, "PUT", "/access", {"secrets": {"access_token": TOKEN}}),
        await clockwork.send(shop, "GET", "/access"),
        await clockwork.send(Shop(shop.store_id, other.merchant_id, "shopify", ""), "GET", "/access"),
        await clockwork.send(shop, "PUT", "/access", {"secrets": {"token": TOKEN}}),
        await clockwork.send(shop, "PUT", "/access", {"secrets": {"access_token": TOKEN}, "origin": "file:///etc"}),
        await clockwork.send(shop, "DELETE", "/access"),
        await clockwork.send(shop, "GET", "/access"),
        await clockwork.send(shop, "POST", "/pulls", {}),
        await clockwork.send(shop, "DELETE", "/access"),
    ]
    await clockwork.run()

    assert [answer.status_code for answer in answers] == [200, 200, 404, 422, 422, 204, 404, 404, 404]
    assert all(TOKEN not in answer.text for answer in answers[:4])
    assert "must have exactly: access_token" in answers[3].text
    assert await house.rows("SELECT 1 FROM store_access") == []
    assert api.asked == []
    log = await house.rows("SELECT action FROM audit_log WHERE action ~ 'access' ORDER BY audit_id")
    assert [row["action"] for row in log] == ["store.put_access", "store.delete_access"]


async def test_a_store_of_our_own_json_has_no_api_to_ask(house: House, clockwork: Clockwork) -> None:
    shop = await house.shop("standard", domain=None)

    answer = await clockwork.send(shop, "PUT", "/access", {"secrets": {"access_token": TOKEN}})

    assert answer.status_code == 422
    assert "has no API to ask" in answer.text


async def test_a_hook_cannot_call_itself_pulled(house: House) -> None:
    shop = await house.shop()

    answer = await house.deliver(shop, "pull/order", bodies.order())

    assert answer.status_code == 401


async def test_of_two_states_of_one_second_the_pulled_one_holds(
    house: House, api: ScriptedApi, clockwork: Clockwork
) -> None:
    shop = await house.shop()
    await house.deliver(shop, "orders/updated", bodies.order(id=1, name="#hook"))
    api.orders = [bodies.encoded(bodies.order(id=1, name="#pulled"))]
    await clockwork.reach(shop, access_token=TOKEN)
    await clockwork.run()

    await house.deliver(shop, "orders/updated", bodies.order(id=1, name="#zzz"))
    await house.normaliser.drain()

    assert [order["number"] for order in (await house.get(shop, "/v1/orders"))["items"]] == ["#pulled"]
