"""Happenings through the running service: told once over hooks and imports, and never about nobody."""

from typing import Any

from tests.services.order_ingest.conftest import SEALER, House, json_lines
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


async def test_payer_and_recipient_of_a_subscription_are_the_people_of_later_deliveries(house: House) -> None:
    shop = await house.shop("standard")
    kim = {"id": "C-4", "email": "kim@example.com"}
    await house.send(shop, "subscription.started", _box(recipient={"email": "kim@example.com"}))
    await house.normaliser.drain()

    await house.send(shop, "subscription.renewed", _box(id="SE-2", recipient={"id": "C-4"}, customer={"id": "C-9"}))
    await house.send(shop, "customer.updated", {**kim, "updated_at": _AT})
    await house.send(shop, "subscription.ended", _box(id="SE-3", recipient={"given_name": "Kim"}))
    await house.send(shop, "subscription.ended", _box(id="SE-3", recipient={"given_name": "Kim"}))
    await house.normaliser.drain()
    await house.send(shop, "subscription.renewed", _box(id="SE-4", recipient={"email": "Kim@example.com"}))
    await house.normaliser.drain()

    told: list[Any] = [fact for fact in await house.facts() if fact.TYPE.startswith("subscription.")]
    [merged] = await house.facts("customer.merged")
    assert len({fact.subscription_id for fact in told}) == 1
    by_kind = {fact.TYPE: fact for fact in told}
    assert str(by_kind["subscription.started.v1"].recipient_customer_id) == merged.subject
    assert by_kind["subscription.ended.v1"].recipient_customer_id is None
    [customer] = (await house.get(shop, "/v1/customers", email="kim@example.com"))["items"]
    renewed = [fact for fact in told if fact.TYPE == "subscription.renewed.v1"]
    assert [str(fact.recipient_customer_id) for fact in renewed] == [customer["customer_id"]] * 2
    outcomes = [(each["state"], each["reason"]) for each in (await house.get(shop, "/v1/deliveries"))["items"]]
    assert sorted(state for state, _ in outcomes) == ["applied"] * 5 + ["no_news"]
    assert len([reason for _, reason in outcomes if reason and reason.startswith("the recipient names nobody")]) == 2


def _box(**changes: Any) -> dict[str, Any]:
    customer = {"id": "C-9", "email": "ann@example.com"}
    return {"id": "SE-1", "at": _AT, "subscription_id": "SUB-1", "customer": customer, "interval": "P1M", **changes}


async def test_the_newest_statement_about_a_dependant_holds_over_hooks_and_imports(house: House) -> None:
    shop = await house.shop("standard")
    await house.send(shop, "dependant.recorded", _bean())
    await house.send(shop, "dependant.recorded", _bean(at="2026-05-12T09:30:00Z", nickname="Sprout"))
    await house.normaliser.drain()
    old = [_bean(at="2026-05-11T09:30:00Z", nickname="Bud"), _bean(), _bean(id="D-2")]
    lines = [{"type": "dependant.recorded", "timestamp": _AT, "data": each} for each in old]

    await house.upload(shop, json_lines(lines))
    job = await _run(house)
    await house.send(shop, "dependant.recorded", _bean(at="2026-05-13T09:30:00Z", removed=True))
    await house.normaliser.drain()

    assert job["result"] == {"rows_read": 3, "accepted": 1, "duplicates": 2, "rejected": 0}
    told: list[Any] = await house.facts("dependant.recorded")
    told.sort(key=lambda fact: (fact.removed, fact.at, fact.version))
    assert [(fact.version, fact.removed) for fact in told] == [(1, False), (1, False), (2, False), (3, True)]
    assert [SEALER.open(fact.nickname_sealed)["nickname"] for fact in told[:3]] == ["Bean", "Bean", "Sprout"]
    kept = await house.rows("SELECT * FROM dependant")
    assert sorted(row["version"] for row in kept) == [1, 3]
    assert not [word for word in ("bean", "sprout", "2025-11-03") if word in str(kept).lower()]


def _bean(**changes: Any) -> dict[str, Any]:
    customer = {"id": "C-9", "email": "ann@example.com"}
    return {"id": "D-1", "at": _AT, "customer": customer, "nickname": "Bean", "birth_on": "2025-11-03", **changes}
