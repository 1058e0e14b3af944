"""Coupons of the loyalty service become codes at the shop's own checkout: one code, one answer, whatever goes wrong."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from libs.contracts.coupons import CouponPublicationFailedV1, CouponPublishedV1, Discount
from services.order_ingest.adapters.store_apis.by_platform import code_apis
from services.order_ingest.application.store_apis import Access, CodeApi
from services.order_ingest.domain.coupon import Coupon
from tests.services.order_ingest.asking import Clockwork
from tests.services.order_ingest.conftest import House, Shop
from tests.services.order_ingest.heard import CODE, Ears, coupon, event
from tests.services.order_ingest.stores import woocommerce_server
from tests.services.order_ingest.stores.shopify_admin import TOKEN, ShopifyAdmin
from tests.services.order_ingest.stores.woocommerce_coupons import WoocommerceCoupons

_WOOCOMMERCE: Mapping[str, str] = {
    "consumer_key": woocommerce_server.KEY,
    "consumer_secret": woocommerce_server.SECRET,
}


@dataclass
class Checkout:
    """A shop that may be told codes, and the stand-in of its API."""

    ears: Ears
    shop: Shop
    server: ShopifyAdmin | WoocommerceCoupons

    @property
    def codes(self) -> list[str]:
        """What its checkout takes."""
        held = self.server.discounts if isinstance(self.server, ShopifyAdmin) else self.server.coupons
        return [str(each["code"]).upper() for each in held.values()]


@pytest.fixture(params=["shopify", "woocommerce"])
async def checkout(house: House, request: pytest.FixtureRequest) -> AsyncIterator[Checkout]:
    platform: str = request.param
    server = ShopifyAdmin() if platform == "shopify" else WoocommerceCoupons()
    shop = await house.shop() if platform == "shopify" else await house.shop(platform, domain="shop.example.com")
    secrets = {"access_token": TOKEN} if platform == "shopify" else _WOOCOMMERCE
    await Clockwork(house, {}).reach(shop, **secrets)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=server.app)) as http:
        yield Checkout(Ears(house, code_apis(http, house.clock.now)), shop, server)


@pytest.fixture
def ears(house: House) -> Ears:
    """Ears of a house whose stores cannot be reached."""
    unreachable = httpx.AsyncClient(transport=httpx.MockTransport(_unreachable))
    return Ears(house, code_apis(unreachable, house.clock.now))


def _unreachable(request: httpx.Request) -> httpx.Response:
    raise AssertionError("nobody is to be asked")


async def _reasons(ears: Ears) -> list[str]:
    told = await ears.told()
    return [fact.reason if isinstance(fact, CouponPublicationFailedV1) else "published" for fact in told]


async def test_a_coupon_becomes_a_code_and_is_told_as_published(house: House, checkout: Checkout) -> None:
    issued = coupon(house, checkout.shop, minimum_minor=2000)
    cause = event(issued, checkout.shop.merchant_id)

    await checkout.ears.hear(cause)
    await checkout.ears.settle()

    assert checkout.codes == [CODE]
    [told] = await checkout.ears.told()
    assert isinstance(told, CouponPublishedV1)
    assert told.model_dump(exclude={"external_id"}) == {
        "customer_id": issued.customer_id,
        "coupon_id": issued.coupon_id,
        "store_id": checkout.shop.store_id,
        "published_at": house.clock.now(),
    }
    [row] = await house.rows("SELECT topic, subject, headers FROM outbox WHERE type = 'coupon.published.v1'")
    assert (row["topic"], row["subject"]) == ("commerce", str(issued.customer_id))
    assert str(cause.id) in str(row["headers"])
    assert checkout.ears.counted == [("coupon.publish", "done")]


async def test_the_same_coupon_twice_is_one_code(house: House, checkout: Checkout) -> None:
    issued = coupon(house, checkout.shop)

    await checkout.ears.hear(event(issued, checkout.shop.merchant_id), event(issued, checkout.shop.merchant_id))
    await checkout.ears.settle()
    await checkout.ears.hear(event(issued, checkout.shop.merchant_id))
    await checkout.ears.settle()

    assert checkout.codes == [CODE]
    assert await _reasons(checkout.ears) == ["published"]


async def test_an_answer_that_is_lost_makes_no_second_code(house: House, checkout: Checkout) -> None:
    checkout.server.lose_next()
    await checkout.ears.hear(event(coupon(house, checkout.shop), checkout.shop.merchant_id))
    await checkout.ears.settle()
    meanwhile = await checkout.ears.told()

    await checkout.ears.pass_time(minutes=5)

    assert (meanwhile, checkout.codes) == ([], [CODE])
    assert await _reasons(checkout.ears) == ["published"]
    asked = checkout.server.operations if isinstance(checkout.server, ShopifyAdmin) else checkout.server.asked
    assert len(asked) == 2  # made, and found again


async def test_a_worker_that_dies_between_the_call_and_its_record_makes_no_second_code(
    house: House, checkout: Checkout
) -> None:
    await checkout.ears.hear(event(coupon(house, checkout.shop), checkout.shop.merchant_id))
    made = asyncio.Event()
    doomed = checkout.ears.sender(lambda api: _Dying(api, made))
    death = asyncio.create_task(doomed.run_once())
    await made.wait()
    death.cancel()
    await asyncio.gather(death, return_exceptions=True)

    await checkout.ears.pass_time(seconds=30)
    await checkout.ears.pass_time(minutes=5)

    assert checkout.codes == [CODE]
    assert await _reasons(checkout.ears) == ["published"]


@dataclass
class _Dying:
    """Makes the code, and never comes back."""

    api: CodeApi
    made: asyncio.Event

    async def own_code(self, access: Access, coupon: Coupon, code: str) -> str | None:
        return await self.api.own_code(access, coupon, code)

    async def make_code(self, access: Access, coupon: Coupon, code: str) -> str:
        await self.api.make_code(access, coupon, code)
        self.made.set()
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_store_that_is_busy_is_told_when_it_wishes(house: House, checkout: Checkout) -> None:
    checkout.server.fail_next(429, {"Retry-After": "120"})
    await checkout.ears.hear(event(coupon(house, checkout.shop), checkout.shop.merchant_id))
    await checkout.ears.settle()

    await checkout.ears.pass_time(seconds=119)
    before = (checkout.codes, await checkout.ears.told())
    await checkout.ears.pass_time(seconds=1)

    assert before == ([], [])
    assert checkout.codes == [CODE]
    assert await _reasons(checkout.ears) == ["published"]


async def test_a_store_that_refuses_us_is_told_of_as_failed_once(house: House, checkout: Checkout) -> None:
    checkout.server.fail_next(401)
    await checkout.ears.hear(event(coupon(house, checkout.shop), checkout.shop.merchant_id))
    await checkout.ears.settle()
    await checkout.ears.pass_time(hours=1)

    [reason] = await _reasons(checkout.ears)
    assert reason.startswith("status 401 of /")
    assert checkout.codes == []
    assert checkout.ears.counted == [("coupon.publish", "failed")]


async def test_a_code_of_somebody_elses_discount_is_left_alone(house: House, checkout: Checkout) -> None:
    checkout.server.hold(CODE)
    await checkout.ears.hear(event(coupon(house, checkout.shop), checkout.shop.merchant_id))
    await checkout.ears.settle()

    assert await _reasons(checkout.ears) == ["the code belongs to a discount of the store that is not ours"]


async def test_a_store_that_stays_away_is_given_up_in_the_end(house: House, checkout: Checkout) -> None:
    await checkout.ears.hear(event(coupon(house, checkout.shop, ends_at=None), checkout.shop.merchant_id))
    for _ in range(41):
        checkout.server.fail_next(503)
        await checkout.ears.pass_time(minutes=6)

    [reason] = await _reasons(checkout.ears)
    assert reason.startswith("gave up after 40 attempts: status 503 of /")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"discount": Discount(kind="amount", amount_minor=500), "currency": "EUR"},
            "the coupon is in EUR, and the store sells in USD",
        ),
        ({"discount": Discount(kind="percentage")}, "the coupon's percentage is not above 0 and up to 100"),
        ({"code_sealed": "gAAAAA"}, "the code does not open"),
    ],
)
async def test_what_cannot_be_made_is_not_asked_for(
    house: House, checkout: Checkout, changes: Mapping[str, Any], reason: str
) -> None:
    await checkout.ears.hear(event(coupon(house, checkout.shop, **changes), checkout.shop.merchant_id))
    await checkout.ears.settle()

    assert await _reasons(checkout.ears) == [reason]
    assert checkout.codes == []


async def test_a_coupon_that_ends_while_its_store_is_away_is_not_made(house: House, checkout: Checkout) -> None:
    issued = coupon(house, checkout.shop, ends_at=house.clock.now() + timedelta(minutes=1))
    checkout.server.fail_next(503)
    await checkout.ears.hear(event(issued, checkout.shop.merchant_id))
    await checkout.ears.settle()
    await checkout.ears.pass_time(minutes=5)

    assert await _reasons(checkout.ears) == ["the coupon has ended"]
    assert checkout.codes == []


async def test_a_coupon_without_a_store_concerns_nobody(house: House, ears: Ears) -> None:
    await ears.hear(event(coupon(house, None), await house.merchant()))
    await ears.settle()

    assert await ears.told() == []
    assert await house.rows("SELECT 1 FROM effect WHERE kind = 'coupon.publish'") == []


async def test_a_store_of_another_merchant_is_none(house: House, ears: Ears) -> None:
    shop = await house.shop()
    await Clockwork(house, {}).reach(shop, access_token=TOKEN)

    await ears.hear(event(coupon(house, shop), await house.merchant("Other")))
    await ears.settle()

    assert await _reasons(ears) == ["the merchant has no such store"]


async def test_a_store_without_access_is_told_of_as_failed(house: House, ears: Ears) -> None:
    shop = await house.shop()
    await ears.hear(event(coupon(house, shop), shop.merchant_id))
    await ears.settle()

    assert await _reasons(ears) == ["the store has no API access: PUT /v1/stores/{store_id}/access"]


@pytest.mark.parametrize(
    ("platform", "domain", "begins"),
    [("shoplazza", "acme.myshoplaza.com", "Shoplazza's API "), ("magento", "m.example.com", "codes can be made at ")],
)
async def test_a_platform_without_codes_is_told_of_with_the_reason(
    house: House, ears: Ears, platform: str, domain: str, begins: str
) -> None:
    secret = {"secret": None} if platform == "magento" else {}
    shop = await house.shop(platform, domain=domain, **secret)
    await Clockwork(house, {}).reach(shop, access_token="t")
    await ears.hear(event(coupon(house, shop), shop.merchant_id))
    await ears.settle()

    [reason] = await _reasons(ears)
    assert reason.startswith(begins)


async def test_the_code_stands_nowhere_in_clear(
    house: House, checkout: Checkout, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    checkout.server.fail_next(503)
    issued = coupon(house, checkout.shop, discount=Discount(kind="percentage", percent=Decimal(5)))
    await checkout.ears.hear(event(issued, checkout.shop.merchant_id))
    await checkout.ears.settle()
    before = await house.rows("SELECT * FROM effect")
    await checkout.ears.pass_time(minutes=5)

    kept = [*before, *await house.rows("SELECT * FROM effect"), *await house.rows("SELECT * FROM outbox")]
    assert checkout.codes == [CODE]
    assert CODE.lower() not in str(kept).lower()
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert CODE.lower() not in "".join(record.getMessage() for record in ours).lower()
