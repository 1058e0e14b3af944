"""Whoever asked to be forgotten is gone from every table, in whatever order the facts about them are heard."""

from itertools import permutations
from typing import Any

import pytest

from libs.contracts.commerce import CustomerUpdatedV1, OrderCancelledV1, StoreUpsertedV1
from libs.contracts.envelope import Event
from tests.remains import remains
from tests.services.segmentation.conftest import Folded
from tests.services.segmentation.facts import Teller, at, ident

WORDS = ("Ada-1815", "tlh-AQ", "Antarctica/Troll", "moved in with Babbage")
FACTS_OF_TWO = 7


@pytest.fixture
def tell() -> Teller:
    return Teller()


def described(tell: Teller, name: object, *, version: int = 2) -> Event[Any]:
    fact = CustomerUpdatedV1(
        customer_id=ident("customer", name),
        identity_version=version,
        store_id=ident("store"),
        locale="tlh-AQ",
        time_zone="Antarctica/Troll",
        updated_at=at(1),
    )
    return tell.event(fact, at(1))


def placed(tell: Teller, name: object, order: object) -> Event[Any]:
    return tell.placed(order, name, at(2), external_order_id=f"Ada-1815-{order}", number="Ada-1815")


def cancelled(tell: Teller, name: object, order: object) -> Event[Any]:
    fact = OrderCancelledV1(
        customer_id=ident("customer", name),
        order_id=ident("order", order),
        store_id=ident("store"),
        currency="USD",
        at=at(3),
        version=2,
        reason="moved in with Babbage",
    )
    return tell.event(fact, at(3))


def story(tell: Teller, name: object) -> list[Event[Any]]:
    order = ("of", name)
    return [tell.customer(name), described(tell, name), placed(tell, name, order), cancelled(tell, name, order)]


def store(tell: Teller, version: int = 1) -> Event[Any]:
    fact = StoreUpsertedV1(
        store_id=ident("store"),
        platform="shopify",
        account="Ada-1815",
        site="Ada-1815.example",
        name="Ada-1815's",
        currency="USD",
        time_zone="UTC",
        return_window_days=30,
        version=version,
        at=at(0),
    )
    return tell.event(fact, at(version))


async def test_an_erased_customer_is_gone_and_the_sums_stay(alone: Folded, tell: Teller) -> None:
    await alone.apply([tell.merchant(), *story(tell, "ada"), placed(tell, "ada", "kept")])
    before = (await alone.state(tell.merchant_id))["customers"][0]
    assert await remains(alone.urls.owner, WORDS) == ["customer.locale", "customer.time_zone", "timeline.details"]

    await alone.apply([tell.erased("ada", request="r")])

    after = (await alone.state(tell.merchant_id))["customers"][0]
    assert await remains(alone.urls.owner, WORDS) == []
    assert (after["orders"], after["spend_minor"]) == (before["orders"], before["spend_minor"]) == (1, 1000)
    details = await alone.rows("SELECT details FROM timeline WHERE kind = 'order.placed' ORDER BY entry_id LIMIT 1")
    assert details == [{"details": {"items": 1, "total_minor": 1000, "currency": "USD"}}]


async def test_what_is_heard_of_an_erased_customer_brings_nobody_back(alone: Folded, tell: Teller) -> None:
    await alone.apply([tell.merchant(), tell.erased("ada")])

    await alone.apply([*story(tell, "ada"), described(tell, "ada", version=99), placed(tell, "ada", "late")], batch=1)

    assert await remains(alone.urls.owner, WORDS) == []
    [customer] = (await alone.state(tell.merchant_id))["customers"]
    assert (customer["orders"], customer["erased_at"]) == (1, at(900))


async def test_aliases_of_aliases_are_forgotten_with_their_survivor(alone: Folded, tell: Teller) -> None:
    chain = [*story(tell, "a"), *story(tell, "b"), *story(tell, "c"), tell.merged("a", "b"), tell.merged("b", "c")]
    await alone.apply([tell.merchant(), *chain, *story(tell, "somebody else")])

    await alone.apply([tell.erased("c")])

    left = (await alone.state(tell.merchant_id))["customers"]
    assert {row["customer_id"] for row in left if row["locale"]} == {ident("customer", "somebody else")}
    assert {row["customer_id"] for row in left if row["erased_at"]} == {ident("customer", name) for name in "abc"}
    words = await alone.rows("SELECT DISTINCT customer_id FROM timeline WHERE CAST(details AS text) LIKE '%Ada-1815%'")
    assert [row["customer_id"] for row in words] == [ident("customer", "somebody else")]


@pytest.mark.parametrize("batch", [500, 1])
@pytest.mark.parametrize("erased", ["absorbed", "survivor"])
async def test_in_any_order_the_person_is_gone(alone: Folded, tell: Teller, erased: str, batch: int) -> None:
    def facts(n: int) -> list[Event[Any]]:
        people = [tell.customer(("absorbed", n)), described(tell, ("absorbed", n)), described(tell, ("survivor", n))]
        orders = [placed(tell, ("absorbed", n), n), cancelled(tell, ("survivor", n), n)]
        return [*people, *orders, tell.merged(("absorbed", n), ("survivor", n)), tell.erased((erased, n))]

    orders = list(permutations(range(FACTS_OF_TWO)))[:: 7 if batch > 1 else 41]
    told = [[facts(n)[place] for place in order] for n, order in enumerate(orders)]
    assert len(told[0]) == len(facts(0)) == FACTS_OF_TWO
    await alone.apply([tell.merchant()])
    if batch > 1:
        # Each step of all the orders in one go: every order cut after each of its facts, for the price of one.
        for step in zip(*told, strict=True):
            await alone.apply(list(step))
    else:
        await alone.apply([event for order in told for event in order], batch=FACTS_OF_TWO)

    assert await remains(alone.urls.owner, WORDS) == []
    stood = await alone.rows("SELECT count(*) AS n FROM customer WHERE merged_into IS NULL AND erased_at IS NOT NULL")
    assert stood == [{"n": len(orders)}]


async def test_each_request_is_answered_and_nobody_else(alone: Folded, tell: Teller) -> None:
    unknown = tell.erased("never heard of", request="unknown")
    await alone.apply([tell.merchant(), tell.customer("ada"), tell.erased("ada", request="known"), unknown])
    await alone.apply([tell.customer("bea"), tell.erased("bea")])

    told = await alone.rows(
        "SELECT CAST(convert_from(payload, 'UTF8') AS jsonb) AS fact, CAST(headers AS jsonb) AS headers FROM outbox"
        " WHERE type = 'erasure.completed.v1' AND topic = 'segmentation'"
    )
    asked = {row["fact"]["request_id"]: row["fact"] for row in told}
    assert asked.keys() == {str(ident("request", "known")), str(ident("request", "unknown"))}
    assert asked[str(ident("request", "unknown"))] == {
        "erased_id": str(ident("customer", "never heard of")),
        "kind": "customer",
        "request_id": str(ident("request", "unknown")),
        "service": "segmentation",
        "completed_at": at(900).isoformat().replace("+00:00", "Z"),
    }
    assert str(unknown.id) in {row["headers"]["ce_causationid"] for row in told}


@pytest.mark.parametrize("batch", [500, 1])
async def test_an_erased_store_tells_nobodys_name_until_it_is_connected_again(
    alone: Folded, tell: Teller, batch: int
) -> None:
    await alone.apply([tell.merchant(), store(tell), tell.store_erased()], batch=batch)

    assert await remains(alone.urls.owner, WORDS) == []
    [kept] = await alone.rows("SELECT platform, account, site, name, version FROM store")
    assert kept == {"platform": "shopify", "account": "", "site": None, "name": None, "version": 1}
    assert [kind for kind, _ in await alone.told()] == ["erasure.completed.v1"]

    await alone.apply([store(tell, version=1), store(tell, version=2)])
    [again] = await alone.rows("SELECT account FROM store")
    assert again == {"account": "Ada-1815"}
