"""Who is who: guests, claims, merges, and people who only share an address."""

from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from libs.contracts.commerce import CustomerMergedV1
from services.order_ingest.domain.customer import Customer, Strength
from services.order_ingest.domain.people import People
from tests.services.order_ingest import bodies
from tests.services.order_ingest.conftest import House
from tests.services.order_ingest.desk import MERCHANT, NOW, STORE, Desk, Sent, storefront

_OTHER_STORE = storefront(store_no=2, store_id=UUID("018f0000-0000-7000-8000-0000000000bb"))


def _order(
    n: int, *, customer: int | None = None, email: str | None = None, phone: str | None = None, **changes: Any
) -> Sent:
    store = changes.pop("store", storefront())
    body = bodies.order(
        id=n,
        email=email,
        contact_email=None,
        phone=phone,
        customer={"id": customer, "email": None} if customer else None,
        billing_address=None,
        **changes,
    )
    return Sent("orders/create", body, store=store)


_GUEST = _order(1, email="ann@example.com")
_CLAIMED = _order(2, customer=9, email="Ann@Example.com")
_BY_PHONE = _order(3, phone="+12125550123")
_JOINED = _order(4, email="ann@example.com", phone="(212) 555-0123")
_ABROAD = _order(5, customer=77, email="ann@example.com", store=_OTHER_STORE)


@pytest.mark.parametrize("sent", list(permutations([_GUEST, _CLAIMED, _BY_PHONE, _JOINED, _ABROAD])))
def test_one_person_under_five_names_ends_as_the_same_customer_in_every_order(sent: tuple[Sent, ...]) -> None:
    straight, shuffled = Desk(), Desk()

    straight.apply(_GUEST, _CLAIMED, _BY_PHONE, _JOINED, _ABROAD)
    shuffled.apply(*sent)

    def owners(desk: Desk) -> set[UUID]:
        return {order.customer_id for order in desk.final().values()}

    assert len(owners(straight)) == 1
    assert owners(shuffled) == owners(straight)
    living = [each for each in shuffled.people.customers.values() if each.merged_into is None]
    assert [each.customer_id for each in living] == list(owners(straight))
    assert living[0].platform_stores == frozenset({1, 2})


def test_the_absorbed_customer_says_nothing_after_its_merge() -> None:
    desk = Desk()
    desk.apply(_GUEST, _CLAIMED)
    desk.apply(Sent("refunds/create", bodies.refund(order_id=1)))

    [merged] = [fact for fact in desk.facts if isinstance(fact, CustomerMergedV1)]
    place = desk.facts.index(merged)

    assert all(fact.subject != merged.subject for fact in desk.facts[place + 1 :])
    assert merged.identity_version >= 2


def test_two_ids_of_one_platform_never_merge_over_a_shared_address() -> None:
    desk = Desk()

    desk.apply(_order(1, customer=8, email="family@example.com"), _order(2, customer=9, email="family@example.com"))

    assert desk.kinds("customer.") == ["customer.registered", "customer.registered"]
    assert len({order.customer_id for order in desk.final().values()}) == 2


def test_an_anonymous_order_that_is_claimed_is_absorbed() -> None:
    desk = Desk()

    desk.apply(_order(1), _order(1, customer=9, updated_at="2026-05-03T00:00:00Z"))

    assert desk.kinds("customer.") == ["customer.registered", "customer.registered", "customer.merged"]
    [order] = desk.final().values()
    assert desk.people.customers[order.customer_id].strength is Strength.PLATFORM


def test_an_order_given_to_another_customer_of_the_platform_stays_where_it_was() -> None:
    desk = Desk()

    desk.apply(_order(1, customer=8), _order(1, customer=9, updated_at="2026-05-03T00:00:00Z"))

    [order] = desk.final().values()
    assert desk.kinds("customer.") == ["customer.registered"]
    assert order.customer_id == desk.people.owners[next(iter(desk.people.owners))]


def test_a_wrong_number_identifies_nobody() -> None:
    desk = Desk()

    desk.apply(_order(1, phone="555-555-SHIP"), _order(2, phone="555-555-SHIP"))

    assert len({order.customer_id for order in desk.final().values()}) == 2


def test_a_ring_of_merges_cannot_hold_anybody_up() -> None:
    one, two = UUID(int=1), UUID(int=2)
    people = People(merchant_id=MERCHANT)
    for customer_id, into in ((one, two), (two, one)):
        people.keep(
            Customer(
                customer_id=customer_id, strength=Strength.EMAIL, store_id=STORE, registered_at=NOW, merged_into=into
            )
        )

    assert people.resolve(one) in (one, two)


async def test_customers_that_shopify_merged_are_one_on_the_database(house: House) -> None:
    shop = await house.shop()
    for number in (1, 2):
        await house.deliver(shop, "orders/create", _order(number, customer=number, email=f"c{number}@example.com").body)
    await house.normaliser.drain()

    await house.deliver(shop, "customers/merge", bodies.customer_merge(status="failed"))
    await house.normaliser.drain()
    before = (await house.get(shop, "/v1/customers"))["items"]
    await house.deliver(shop, "customers/merge", bodies.customer_merge())
    await house.normaliser.drain()
    await house.deliver(shop, "orders/create", _order(3, customer=2, email="c3@example.com").body)
    await house.deliver(shop, "customers/merge", bodies.customer_merge())
    await house.normaliser.drain()

    [after] = (await house.get(shop, "/v1/customers"))["items"]
    orders = (await house.get(shop, "/v1/orders", customer_id=after["customer_id"]))["items"]
    identities = await house.get(shop, f"/v1/customers/{after['customer_id']}/identities")
    assert len(before) == 2
    assert {order["external_id"] for order in orders} == {"1", "2", "3"}
    assert [each["kind"] for each in identities["items"]] == ["platform", "platform", "email", "email", "email"]
    assert len(await house.facts("customer.merged")) == 1


async def test_a_merge_of_customers_never_seen_waits_for_them_on_the_database(house: House) -> None:
    shop = await house.shop()
    await house.deliver(shop, "customers/merge", bodies.customer_merge())
    await house.normaliser.drain()

    for number in (1, 2):
        await house.deliver(shop, "orders/create", _order(number, customer=number, email=f"c{number}@example.com").body)
    await house.normaliser.drain()

    assert len((await house.get(shop, "/v1/customers"))["items"]) == 1
    assert await house.facts("customer.merged") == []


async def test_a_merge_moves_orders_and_names_on_the_database(house: House) -> None:
    shop = await house.shop()
    guest = bodies.order(id=1, customer=None)
    await house.deliver(shop, "orders/create", guest)
    await house.normaliser.drain()
    [before] = (await house.get(shop, "/v1/customers"))["items"]

    await house.deliver(shop, "orders/create", bodies.order(id=2))
    await house.deliver(shop, "refunds/create", bodies.refund(order_id=1))
    await house.normaliser.drain()

    [after] = (await house.get(shop, "/v1/customers"))["items"]
    assert after["customer_id"] != before["customer_id"]
    orders = (await house.get(shop, "/v1/orders", customer_id=after["customer_id"]))["items"]
    assert {order["external_id"] for order in orders} == {"1", "2"}
    assert (await house.get(shop, f"/v1/customers/{before['customer_id']}")) == after
    identities = await house.get(shop, f"/v1/customers/{before['customer_id']}/identities")
    assert [each["kind"] for each in identities["items"]] == ["platform", "email"]
    assert [each["customer_id"] for each in identities["absorbed"]] == [before["customer_id"]]
    [merged] = await house.facts("customer.merged")
    [refunded] = await house.facts("order.refunded")
    assert merged.subject == before["customer_id"]
    assert refunded.subject == after["customer_id"]
