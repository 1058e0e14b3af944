"""Happenings through the running service: told once over hooks and imports, and never about nobody."""

from typing import Any

from tests.services.order_ingest.conftest import House, json_lines
from tests.services.order_ingest.test_imports import _run

_AT = "2026-05-10T09:30:00Z"


def _review(number: int, **changes: Any) -> dict[str, Any]:
    customer = {"email": f"c{number % 7}@example.com"}
    return {"id": f"RV-{number}", "at": _AT, "customer": customer, "rating": 1 + number % 5, **changes}


async def test_what_a_hook_told_an_import_tells_no_more(house: House) -> None:
    shop = await house.shop("standard")
    for number in range(20):
        await house.send(shop, "review.posted", _review(number))
    await house.normaliser.drain()
    lines = [{"type": "review.posted", "timestamp": _AT, "data": _review(number)} for number in range(10, 40)]

    await house.upload(shop, json_lines(lines))
    job = await _run(house)

    assert job["result"] == {"rows_read": 30, "accepted": 20, "duplicates": 10, "rejected": 0}
    told: list[Any] = await house.facts("review.posted")
    assert len({fact.review_id for fact in told}) == len(told) == 40
    assert len({fact.customer_id for fact in told}) == 7
    [kept] = await house.rows("SELECT count(*) AS n FROM happening")
    assert kept["n"] == 40


async def test_one_store_is_told_apart_from_another_of_the_same_merchant(house: House) -> None:
    merchant_id = await house.merchant()
    shops = [await house.shop("standard", merchant_id=merchant_id, account=name) for name in ("one", "two")]

    for shop in shops:
        await house.send(shop, "review.posted", _review(1))
    await house.normaliser.drain()

    assert len(await house.facts("review.posted")) == 2


async def test_one_that_names_nobody_says_so_to_the_operator(house: House) -> None:
    shop = await house.shop("standard")

    await house.send(shop, "review.posted", _review(1, customer={"email": "none"}))
    await house.normaliser.drain()

    [delivery] = (await house.get(shop, "/v1/deliveries"))["items"]
    assert (delivery["state"], delivery["reason"][:12]) == ("no_news", "names nobody")
    assert await house.facts("review.posted") == []
