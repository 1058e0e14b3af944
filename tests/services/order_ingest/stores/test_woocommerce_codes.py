"""Coupons made through WooCommerce's REST API, against the stand-in."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.order_ingest.adapters.store_apis.woocommerce_codes import WoocommerceCodes
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, CodeTaken
from services.order_ingest.domain.coupon import Coupon
from tests.services.order_ingest.stores.woocommerce_coupons import WoocommerceCoupons
from tests.services.order_ingest.stores.woocommerce_server import BASE_URL, KEY, SECRET

NOW = datetime(2026, 5, 2, 10, 15, 5, tzinfo=UTC)
CREDENTIALS = {"consumer_key": KEY, "consumer_secret": SECRET}
ACCESS = Access(base_url=BASE_URL, account="1", site="", credentials=CREDENTIALS)
CODE = "THANKS-7Q2M"


def coupon(**changes: Any) -> Coupon:
    stated = {
        "coupon_id": UUID(int=7),
        "kind": "percentage",
        "amount_minor": None,
        "percent": Decimal("12.5"),
        "currency": "USD",
        "minimum_minor": 5000,
        "starts_at": NOW,
        "ends_at": datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=2))),
    }
    return Coupon(**{**stated, **changes})


@pytest.fixture
def site() -> WoocommerceCoupons:
    return WoocommerceCoupons()


@pytest.fixture
async def api(site: WoocommerceCoupons) -> AsyncIterator[WoocommerceCodes]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=site.app)) as client:
        yield WoocommerceCodes(client, lambda: NOW)


async def test_a_percentage_is_made_for_one_order_above_its_minimum(
    api: WoocommerceCodes, site: WoocommerceCoupons
) -> None:
    external_id = await api.make_code(ACCESS, coupon(), CODE)

    [made] = site.coupons.values()
    assert external_id == str(made["id"])
    assert {name: made[name] for name in ("code", "discount_type", "amount", "usage_limit", "minimum_amount")} == {
        "code": CODE.lower(),
        "discount_type": "percent",
        "amount": "12.5",
        "usage_limit": 1,
        "minimum_amount": "50.00",
    }
    assert made["date_expires"] == "2026-06-01T10:00:00Z"
    assert "free_shipping" not in made


async def test_an_amount_is_taken_off_the_cart(api: WoocommerceCodes, site: WoocommerceCoupons) -> None:
    await api.make_code(ACCESS, coupon(kind="amount", amount_minor=1999, percent=None, minimum_minor=None), CODE)

    [made] = site.coupons.values()
    assert (made["discount_type"], made["amount"], "minimum_amount" in made) == ("fixed_cart", "19.99", False)


async def test_free_shipping_takes_nothing_off_the_goods(api: WoocommerceCodes, site: WoocommerceCoupons) -> None:
    await api.make_code(ACCESS, coupon(kind="free_shipping", percent=None, ends_at=None), CODE)

    [made] = site.coupons.values()
    assert (made["free_shipping"], made["amount"], "date_expires" in made) == (True, "0", False)


async def test_a_coupon_that_begins_later_is_made_when_it_begins(
    api: WoocommerceCodes, site: WoocommerceCoupons
) -> None:
    with pytest.raises(ApiAway) as away:
        await api.make_code(ACCESS, coupon(starts_at=NOW + timedelta(hours=5)), CODE)

    assert away.value.after_seconds == 5 * 3600
    assert site.asked == []


async def test_our_own_code_is_found_again(api: WoocommerceCodes) -> None:
    external_id = await api.make_code(ACCESS, coupon(), CODE)

    assert await api.own_code(ACCESS, coupon(), CODE) == external_id
    assert await api.own_code(ACCESS, coupon(coupon_id=UUID(int=8)), CODE) is None
    assert await api.own_code(ACCESS, coupon(), "OTHER") is None


async def test_a_code_that_is_there_is_taken_and_not_ours(api: WoocommerceCodes, site: WoocommerceCoupons) -> None:
    site.hold(CODE)

    with pytest.raises(CodeTaken):
        await api.make_code(ACCESS, coupon(), CODE)
    assert await api.own_code(ACCESS, coupon(), CODE) is None


async def test_what_woocommerce_does_not_take_is_refused(api: WoocommerceCodes) -> None:
    with pytest.raises(ApiRefuses, match="WooCommerce does not take the coupon: rest_invalid_param"):
        await api.make_code(ACCESS, coupon(), "")


@pytest.mark.parametrize(("status", "error"), [(401, ApiRefuses), (404, ApiRefuses), (429, ApiAway), (500, ApiAway)])
async def test_other_answers_mean_what_they_mean_elsewhere(
    api: WoocommerceCodes, site: WoocommerceCoupons, status: int, error: type[Exception]
) -> None:
    for _ in range(2):
        site.fail_next(status)

    for asked in (api.make_code(ACCESS, coupon(), CODE), api.own_code(ACCESS, coupon(), CODE)):
        with pytest.raises(error) as refused:
            await asked
        assert CODE not in str(refused.value)
