"""Codes made through Shopify's GraphQL Admin API, against the stand-in."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.order_ingest.adapters.store_apis.shopify_codes import ShopifyCodes
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, CodeTaken
from services.order_ingest.domain.coupon import Coupon
from tests.services.order_ingest.stores.shopify_admin import TOKEN, ShopifyAdmin

STARTS = datetime(2026, 5, 2, 10, 15, 5, tzinfo=UTC)
BASE_URL = "https://acme.myshopify.com/admin/api/2026-04"
ACCESS = Access(base_url=BASE_URL, account="690933842", site="", credentials={"access_token": TOKEN})
CODE = "THANKS-7Q2M"


def coupon(**changes: Any) -> Coupon:
    stated = {
        "coupon_id": UUID(int=7),
        "kind": "percentage",
        "amount_minor": None,
        "percent": Decimal("12.5"),
        "currency": "USD",
        "minimum_minor": 5000,
        "starts_at": STARTS,
        "ends_at": STARTS + timedelta(days=30),
    }
    return Coupon(**{**stated, **changes})


@pytest.fixture
def shop() -> ShopifyAdmin:
    return ShopifyAdmin()


@pytest.fixture
async def api(shop: ShopifyAdmin) -> AsyncIterator[ShopifyCodes]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=shop.app)) as client:
        yield ShopifyCodes(client)


async def test_a_percentage_is_made_for_one_order_above_its_minimum(api: ShopifyCodes, shop: ShopifyAdmin) -> None:
    external_id = await api.make_code(ACCESS, coupon(), CODE)

    [made] = shop.discounts.values()
    assert external_id == made["id"]
    assert (made["__typename"], made["code"], made["usageLimit"], made["appliesOncePerCustomer"]) == (
        "DiscountCodeBasic",
        CODE,
        1,
        True,
    )
    assert made["customerGets"] == {"value": {"percentage": 0.125}, "items": {"all": True}}
    assert made["minimumRequirement"] == {"subtotal": {"greaterThanOrEqualToSubtotal": Decimal("50.00")}}
    assert (made["startsAt"], made["endsAt"]) == ("2026-05-02T10:15:05Z", "2026-06-01T10:15:05Z")


async def test_an_amount_is_taken_off_the_whole_order_once(api: ShopifyCodes, shop: ShopifyAdmin) -> None:
    await api.make_code(ACCESS, coupon(kind="amount", amount_minor=1999, percent=None, minimum_minor=None), CODE)

    [made] = shop.discounts.values()
    value = made["customerGets"]["value"]
    assert value == {"discountAmount": {"amount": Decimal("19.99"), "appliesOnEachItem": False}}
    assert "minimumRequirement" not in made


async def test_free_shipping_is_a_discount_of_its_own_kind(api: ShopifyCodes, shop: ShopifyAdmin) -> None:
    await api.make_code(ACCESS, coupon(kind="free_shipping", percent=None, ends_at=None), CODE)

    [made] = shop.discounts.values()
    assert (made["__typename"], made["destination"], made["endsAt"]) == (
        "DiscountCodeFreeShipping",
        {"all": True},
        None,
    )


@pytest.mark.parametrize("kind", ["percentage", "free_shipping"])
async def test_our_own_code_is_found_again_in_any_case(api: ShopifyCodes, kind: str) -> None:
    external_id = await api.make_code(ACCESS, coupon(kind=kind), CODE)

    assert await api.own_code(ACCESS, coupon(kind=kind), CODE.lower()) == external_id
    assert await api.own_code(ACCESS, coupon(kind=kind, coupon_id=UUID(int=8)), CODE) is None
    assert await api.own_code(ACCESS, coupon(), "OTHER") is None


@pytest.mark.parametrize("kind", ["DiscountCodeBasic", "DiscountCodeFreeShipping", "DiscountCodeApp"])
async def test_a_code_that_is_there_is_taken_and_not_ours(api: ShopifyCodes, shop: ShopifyAdmin, kind: str) -> None:
    shop.hold(CODE, kind=kind)

    with pytest.raises(CodeTaken):
        await api.make_code(ACCESS, coupon(), CODE)
    assert await api.own_code(ACCESS, coupon(), CODE) is None


async def test_what_shopify_does_not_take_is_refused_without_its_words(api: ShopifyCodes) -> None:
    with pytest.raises(ApiRefuses) as refused:
        await api.make_code(ACCESS, coupon(ends_at=STARTS), CODE)

    assert str(refused.value) == (
        "Shopify does not take the discount: END_DATE_BEFORE_START_DATE at basicCodeDiscount.endsAt"
    )


async def test_a_token_without_the_scope_is_refused(api: ShopifyCodes, shop: ShopifyAdmin) -> None:
    shop.scopes.clear()

    for asked in (api.make_code(ACCESS, coupon(), CODE), api.own_code(ACCESS, coupon(), CODE)):
        with pytest.raises(ApiRefuses, match="GraphQL error ACCESS_DENIED"):
            await asked


async def test_another_token_is_refused(api: ShopifyCodes) -> None:
    stranger = Access(base_url=BASE_URL, account="", site="", credentials={"access_token": "other"})

    with pytest.raises(ApiRefuses, match=r"status 401 of /admin/api/2026-04/graphql\.json"):
        await api.make_code(stranger, coupon(), CODE)


async def test_too_many_operations_wait_until_the_bucket_holds_enough(api: ShopifyCodes, shop: ShopifyAdmin) -> None:
    shop.throttle_next()

    with pytest.raises(ApiAway) as away:
        await api.make_code(ACCESS, coupon(), CODE)

    assert away.value.after_seconds == (30 - 10) / 5
    assert shop.discounts == {}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, None),
        (200, {"errors": [{"message": "x", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}),
        (200, {"data": None}),
        (200, {"data": {"discountCodeBasicCreate": {"codeDiscountNode": None, "userErrors": []}}}),
        (
            200,
            {"data": {"discountCodeBasicCreate": {"userErrors": [{"code": "INTERNAL_ERROR", "field": None}]}}},
        ),
    ],
)
async def test_what_may_pass_is_tried_again(api: ShopifyCodes, shop: ShopifyAdmin, status: int, body: Any) -> None:
    shop.fail_next(status, body=body)

    with pytest.raises(ApiAway):
        await api.make_code(ACCESS, coupon(), CODE)


async def test_errors_never_have_the_code_in_them(api: ShopifyCodes, shop: ShopifyAdmin) -> None:
    said = f"Code {CODE} must be unique"
    shop.fail_next(200, body={"data": {"x": {"userErrors": [{"code": "INVALID", "field": ["code"], "message": said}]}}})
    shop.fail_next(200, body={"errors": [{"message": said, "extensions": {"code": "undefinedField"}}]})
    shop.fail_next(200, body={"errors": said})

    for _ in range(3):
        with pytest.raises(ApiRefuses) as refused:
            await api.make_code(ACCESS, coupon(), CODE)
        assert CODE not in str(refused.value)
