"""Merges that were wrong: two people again, with what was always theirs, and not one person for the same reason."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.contracts.commerce import CustomerMergedV1, CustomerUnmergedV1, CustomerUpdatedV1
from libs.contracts.envelope import Cause
from libs.kernel.identifiers import derived_id
from services.order_ingest.application.apply_entries import APPLIED, NO_NEWS, apply
from services.order_ingest.application.entries import Entry
from services.order_ingest.domain.changes import Version
from services.order_ingest.domain.customer import Customer, Key, Strength
from services.order_ingest.domain.persons import UnmergeAsked
from tests.services.order_ingest import bodies
from tests.services.order_ingest.conftest import ALL_SCOPES, House, Shop
from tests.services.order_ingest.desk import NOW, READER, Desk, Sent, storefront

_ABROAD = storefront(store_no=2, store_id=UUID("018f0000-0000-7000-8000-0000000000bb"))
_TOLD_AT = datetime(2026, 5, 9, tzinfo=UTC)


def _said(number: int, day: int, *, store: Any = None, **said: Any) -> Sent:
    body = {"id": number, "updated_at": f"2026-05-{day:02}T10:00:00Z", **said}
    return Sent("customers/update", body, store=store or storefront())


def _joined(at: datetime = _TOLD_AT, *, kept: int = 1, absorbed: int = 2) -> Sent:
    ids = {
        "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{kept}",
        "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{absorbed}",
    }
    return Sent("customers/merge", bodies.customer_merge(**ids), triggered_at=at)


def _order(n: int, customer: int | None, **changes: Any) -> Sent:
    said = {"email": None, "contact_email": None, "phone": None, "billing_address": None, "order_status_url": None}
    inner = {"id": customer, "email": None} if customer else None
    return Sent("orders/create", bodies.order(id=n, customer=inner, **{**said, **changes}))


@dataclass
class _Two:
    """Two people as a desk knows them, the first of whom was merged into the other."""

    desk: Desk
    absorbed: Customer

    @classmethod
    def of(cls, *sent: Sent) -> "_Two":
        desk = Desk()
        desk.apply(*sent)
        [merged] = [fact for fact in desk.facts if isinstance(fact, CustomerMergedV1)]
        return cls(desk, desk.people.customers[merged.customer_id])

    def part(self, at: datetime = NOW) -> str:
        return _part(self.desk, self.absorbed.customer_id, self.absorbed.identity_version, at)

    def owner(self, number: int, store_no: int = 1) -> UUID:
        return self.desk.people.resolve(self.desk.people.owners[Key(Strength.PLATFORM, store_no, str(number))])

    def emails(self) -> dict[UUID, str | None]:
        living = [each for each in self.desk.people.customers.values() if each.merged_into is None]
        return {each.customer_id: each.told_values().get("email") for each in living}


def _part(desk: Desk, customer_id: UUID, version: int, at: datetime = NOW) -> str:
    cause_id = derived_id(customer_id, "test", str(version))
    entry = Entry(
        change=UnmergeAsked(at=at, source="operator", customer_id=customer_id, identity_version=version),
        storefront=storefront(),
        cause=Cause(cause_id, "live", str(cause_id)),
        version=Version(0, 0, 0, ""),
        source="operator",
        at=at,
    )
    return apply(desk.workspace, entry, READER.seals)


_ANN = _said(1, 1, email="ann@example.com", first_name="Ann")
_BEN = _said(2, 2, email="ben@example.com", first_name="Ben")
_SHARED = [_said(1, 1, email="ann@example.com"), _said(7, 2, store=_ABROAD, email="ben@example.com")]
_NAMES_BOTH = _said(7, 3, store=_ABROAD, email="ben@example.com", phone="+12125550123")
_SHARED_PHONE = _said(1, 4, email="ann@example.com", phone="+12125550123")


def test_a_merge_told_by_the_platform_is_undone_and_both_are_told_as_before() -> None:
    two = _Two.of(_ANN, _BEN, _joined())
    before = len(two.desk.facts)

    assert two.part() == APPLIED

    assert two.owner(1) != two.owner(2)
    assert two.emails() == {two.owner(1): "ann@example.com", two.owner(2): "ben@example.com"}
    told = two.desk.facts[before:]
    assert [type(fact) for fact in told] == [
        CustomerUnmergedV1,
        CustomerUnmergedV1,
        CustomerUpdatedV1,
        CustomerUpdatedV1,
    ]
    assert {fact.subject for fact in told[:2]} == {str(two.owner(1)), str(two.owner(2))}
    [merged] = [fact for fact in two.desk.facts if isinstance(fact, CustomerMergedV1)]
    assert {fact.merge_id for fact in told if isinstance(fact, CustomerUnmergedV1)} == {merged.merge_id}
    assert all(getattr(fact, "identity_version", 0) > merged.identity_version for fact in told)


def test_asked_twice_is_done_once() -> None:
    two = _Two.of(_ANN, _BEN, _joined())

    assert [two.part(), two.part()] == [APPLIED, NO_NEWS]


@pytest.mark.parametrize("late", [_joined(), _joined(NOW), _joined(_TOLD_AT - timedelta(days=1))])
def test_the_same_merge_told_again_or_late_changes_nothing(late: Sent) -> None:
    two = _Two.of(_ANN, _BEN, _joined())
    two.part()
    before = len(two.desk.facts)

    two.desk.apply(late, _said(2, 12, email="ben@example.com"))

    assert len(two.desk.facts) == before
    assert two.owner(1) != two.owner(2)


def test_a_merge_that_the_platform_tells_later_holds_and_can_be_undone_again() -> None:
    two = _Two.of(_ANN, _BEN, _joined())
    two.part()

    two.desk.apply(_joined(NOW + timedelta(days=1)))
    assert two.owner(1) == two.owner(2)

    again = two.desk.people.customers[two.absorbed.customer_id]
    assert _part(two.desk, again.customer_id, two.absorbed.identity_version) == NO_NEWS
    assert _part(two.desk, again.customer_id, again.identity_version, NOW + timedelta(days=2)) == APPLIED
    two.desk.apply(_joined(NOW + timedelta(days=1)))
    assert two.emails() == {two.owner(1): "ann@example.com", two.owner(2): "ben@example.com"}


def test_a_merge_by_a_shared_number_is_undone_and_the_number_makes_them_one_no_more() -> None:
    two = _Two.of(*_SHARED, _NAMES_BOTH, _SHARED_PHONE)
    assert two.owner(1) == two.owner(7, 2)

    two.part()
    merges = sum(isinstance(fact, CustomerMergedV1) for fact in two.desk.facts)
    phone = Key(Strength.PHONE, 0, "phone:+12125550123")
    two.desk.apply(_NAMES_BOTH, _SHARED_PHONE, _said(1, 20, email="ann@example.com", phone="+12125550123"))

    assert two.owner(1) != two.owner(7, 2)
    assert two.desk.people.owners[phone] == two.owner(7, 2)
    assert sum(isinstance(fact, CustomerMergedV1) for fact in two.desk.facts) == merges
    assert two.desk.people.customers[two.owner(1)].platform_stores == frozenset({1})
    assert two.desk.people.customers[two.owner(7, 2)].platform_stores == frozenset({2})


def test_what_was_said_after_the_merge_is_of_whoever_said_it() -> None:
    two = _Two.of(_ANN, _BEN, _joined())
    two.desk.apply(
        _said(2, 11, email="ben@new.example"),
        _said(1, 10, email="ann@new.example"),
        _said(2, 12, email="ben@newest.example"),
    )

    two.part()

    assert two.emails() == {two.owner(1): "ann@new.example", two.owner(2): "ben@newest.example"}


def test_an_order_that_nobody_was_named_in_goes_back_to_nobody_and_stays_there() -> None:
    two = _Two.of(_order(1, None), _order(1, 9, updated_at="2026-05-03T00:00:00Z"))
    [order] = two.desk.workspace.orders.values()
    assert order.origin_id == two.absorbed.customer_id

    two.part()
    returned = replace(order, customer_id=two.absorbed.customer_id, origin_id=None)  # what the books do
    two.desk.workspace.orders[order.order_id] = returned
    two.desk.apply(_order(1, 9, updated_at="2026-05-05T00:00:00Z"))

    [after] = two.desk.workspace.orders.values()
    assert after.customer_id == two.absorbed.customer_id
    assert two.desk.people.customers[two.absorbed.customer_id].is_anonymous


def test_those_who_had_become_the_restored_one_come_along_and_can_part_in_turn() -> None:
    third = _said(3, 3, email="cat@example.com")
    desk = Desk()
    desk.apply(_ANN, _BEN, third, _joined(absorbed=3, kept=2), _joined(absorbed=2, kept=1))
    people = desk.people
    first, second = [fact for fact in desk.facts if isinstance(fact, CustomerMergedV1)]

    for merged in (second, first):
        assert _part(desk, merged.customer_id, people.customers[merged.customer_id].identity_version) == APPLIED

    owners = {n: people.resolve(people.owners[Key(Strength.PLATFORM, 1, str(n))]) for n in (1, 2, 3)}
    assert len(set(owners.values())) == 3
    assert {n: people.customers[owner].told_values()["email"] for n, owner in owners.items()} == {
        1: "ann@example.com",
        2: "ben@example.com",
        3: "cat@example.com",
    }
    desk.apply(_joined(absorbed=3, kept=2), _joined(absorbed=2, kept=1), _joined(absorbed=3, kept=1))
    assert people.owners == {**people.owners, **{Key(Strength.PLATFORM, 1, str(n)): owners[n] for n in (1, 2)}}


async def _ask(house: House, shop: Shop, customer_id: str, key: str = "undo-1") -> Any:
    headers = {**house.bearer(*ALL_SCOPES, merchant_id=shop.merchant_id), "Idempotency-Key": key}
    return await house.client.post(f"/v1/customers/{customer_id}/unmerges", headers=headers)


async def _merged(house: House) -> tuple[Shop, str, str]:
    """Customers 1 and 2 with an order each, merged by the platform, and an order of 2 that came later."""
    shop = await house.shop()
    for number in (1, 2):
        order = _order(number, number, email=f"c{number}@example.com")
        await house.deliver(shop, "orders/create", order.body)
    await house.normaliser.drain()
    await house.deliver(shop, "customers/merge", bodies.customer_merge())
    await house.normaliser.drain()
    await house.deliver(shop, "orders/create", _order(3, 2, email="c2@example.com").body)
    await house.normaliser.drain()
    [living] = (await house.get(shop, "/v1/customers"))["items"]
    identities = await house.get(shop, f"/v1/customers/{living['customer_id']}/identities")
    return shop, living["customer_id"], identities["absorbed"][0]["customer_id"]


async def test_orders_and_names_come_back_on_the_database(house: House) -> None:
    shop, survivor, absorbed = await _merged(house)
    [merged] = await house.facts("customer.merged")

    first, again = await _ask(house, shop, absorbed), await _ask(house, shop, absorbed)
    await house.by_the_clock()
    gone = await _ask(house, shop, absorbed, "undo-2")
    # The platform's hook was sent before the undoing, by its own clock.
    late = {"X-Shopify-Triggered-At": (house.clock.now() - timedelta(hours=1)).isoformat()}
    await house.deliver(shop, "customers/merge", bodies.customer_merge(), **late)
    await house.deliver(shop, "orders/create", _order(4, 2, email="c2@example.com").body)
    await house.normaliser.drain()

    assert (first.status_code, first.json(), again.headers["Idempotent-Replayed"]) == (202, again.json(), "true")
    assert (gone.status_code, gone.json()["type"]) == (409, "urn:huitou:problem:not-merged")
    orders = {}
    for customer in (survivor, absorbed):
        found = (await house.get(shop, "/v1/orders", customer_id=customer))["items"]
        orders[customer] = {order["external_id"] for order in found}
    by_number = {number: customer for customer, numbers in orders.items() for number in numbers}
    assert by_number["2"] == by_number["3"] == by_number["4"] != by_number["1"]
    emails = {each["customer_id"]: each["email"] for each in (await house.get(shop, "/v1/customers"))["items"]}
    assert emails == {by_number["1"]: "c1@example.com", by_number["2"]: "c2@example.com"}
    for customer in (survivor, absorbed):
        kinds = [each["kind"] for each in (await house.get(shop, f"/v1/customers/{customer}/identities"))["items"]]
        assert kinds == ["platform", "email"]
    told = [fact for fact in await house.facts("customer.unmerged") if isinstance(fact, CustomerUnmergedV1)]
    assert {(str(fact.customer_id), fact.merge_id) for fact in told} == {
        (survivor, getattr(merged, "merge_id", None)),
        (absorbed, getattr(merged, "merge_id", None)),
    }
    assert len(await house.facts("customer.merged")) == 1
    [returned] = {fact.order_ids for fact in told}
    assert len(returned) == len(orders[absorbed] - {"4"})


async def test_nobody_is_restored_whom_nobody_knows_or_who_was_forgotten(house: House) -> None:
    shop, survivor, absorbed = await _merged(house)
    stranger = await _ask(house, shop, str(UUID(int=5)), "undo-1")
    living = await _ask(house, shop, survivor, "undo-2")
    await house.post(shop, f"/v1/customers/{survivor}/erasures")
    waiting = await _ask(house, shop, absorbed, "undo-3")
    await house.by_the_clock()
    erased = await _ask(house, shop, absorbed, "undo-4")

    assert [each.status_code for each in (stranger, living, waiting, erased)] == [404, 409, 202, 409]
    assert erased.json()["type"] == "urn:huitou:problem:customer-erased"
    rows = await house.rows("SELECT description_enc, consents FROM customer WHERE merged_into IS NOT NULL")
    assert all(value is None for row in rows for value in row.values())


async def test_whoever_was_restored_is_forgotten_alone_with_what_was_noted_under_the_others_name(house: House) -> None:
    shop, survivor, absorbed = await _merged(house)
    said = {"id": 2, "email": "c2@example.com", "updated_at": "2026-05-12T08:00:00Z"}
    await house.deliver(shop, "customers/update", said)
    said = {"id": 1, "email": "c1@example.com", "updated_at": "2026-05-12T08:00:00Z"}
    await house.deliver(shop, "customers/update", said)
    await house.normaliser.drain()
    await _ask(house, shop, absorbed)
    await house.by_the_clock()

    await house.post(shop, f"/v1/customers/{absorbed}/erasures")
    await house.by_the_clock()

    [living] = (await house.get(shop, "/v1/customers"))["items"]
    assert living["customer_id"] == survivor
    assert living["email"] is not None
    left = await house.rows("SELECT body_enc FROM webhook_delivery WHERE topic = 'customers/update'")
    assert [bytes(row["body_enc"]) for row in left] == [b"", b""]
