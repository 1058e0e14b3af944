"""A platform that makes one customer of two: whenever it says so, and however often, the same person is left."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings

from libs.contracts.commerce import CustomerMergedV1
from services.order_ingest.domain.customer import Key, Strength
from services.order_ingest.domain.errors import Malformed
from tests.services.order_ingest import bodies
from tests.services.order_ingest.application.shuffling import applied, shuffles
from tests.services.order_ingest.desk import Desk, Sent, storefront

_TRIGGERED = datetime(2026, 5, 9, 8, tzinfo=UTC)


def _order(n: int, *, customer: int | None = None, email: str | None = None, **changes: Any) -> Sent:
    store = changes.pop("store", storefront())
    inner = {"id": customer, "email": None} if customer else None
    body = bodies.order(
        id=n, email=email, contact_email=None, customer=inner, billing_address=None, order_status_url=None, **changes
    )
    return Sent("orders/create", body, store=store)


def _customer(number: int, **changes: Any) -> Sent:
    body = {"id": number, "updated_at": f"2026-05-0{number}T10:00:00Z", **changes}
    return Sent("customers/update", body)


def _joined(absorbed: int, kept: int, **changes: Any) -> Sent:
    ids = {
        "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{kept}",
        "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{absorbed}",
    }
    return Sent("customers/merge", bodies.customer_merge(**ids, **changes), triggered_at=_TRIGGERED)


def _owners(desk: Desk) -> dict[Key, UUID]:
    return {key: desk.people.resolve(owner) for key, owner in desk.people.owners.items()}


def _living(desk: Desk) -> dict[UUID, Any]:
    """Customers without the counter of their versions: it says how often they changed, which order decides."""
    return {
        id_: (each.platform_stores, each.description, each.consents, each.registered_at)
        for id_, each in desk.people.customers.items()
        if each.merged_into is None
    }


def _assert_alike(shuffled: Desk, straight: Desk) -> None:
    assert _owners(shuffled) == _owners(straight)
    assert _living(shuffled) == _living(straight)
    assert shuffled.final() == straight.final()
    assert shuffled.heard() == straight.heard()
    for desk in (shuffled, straight):
        _assert_nothing_is_said_after_a_life(desk)


def _assert_nothing_is_said_after_a_life(desk: Desk) -> None:
    for place, fact in enumerate(desk.facts):
        if isinstance(fact, CustomerMergedV1):
            assert all(later.subject != fact.subject for later in desk.facts[place + 1 :])


_ONE = _order(11, customer=1, email="ann@example.com")
_TWO = _order(12, customer=2, email="ann@work.example")
_TWO_SAID = _customer(2, email="ann@work.example", phone="+12125550123", first_name="Ann")
_ONE_SAID = _customer(1, email="ann@example.com", first_name="Anne", last_name="Smith")
_GUEST = _order(13, email="ann@work.example")
_REFUND = Sent("refunds/create", bodies.refund(order_id=12))
_JOINED = _joined(2, 1)
_FAILED = _joined(3, 1, status="failed", errors=[{"customer_ids": [1], "field": "merge_in_progress", "message": ""}])


@pytest.mark.parametrize("place", range(6))
def test_a_merge_by_the_platform_ends_alike_in_every_order(place: int) -> None:
    deliveries = [_ONE, _TWO, _TWO_SAID, _GUEST, _JOINED, _FAILED]
    straight = applied(*deliveries)
    assert len(_living(straight)) == 1

    others = [each for each in deliveries if each is not deliveries[place]]
    for order in permutations(others):
        _assert_alike(applied(deliveries[place], *order, *order), straight)


_SHARED_ONE = _order(14, customer=1, email="family@example.com")
_SHARED_TWO = _order(15, customer=2, email="family@example.com")
_CHANGED_HANDS = [
    _order(16, customer=1),
    _order(16, customer=2, updated_at="2026-05-03T00:00:00Z"),
    _order(16, updated_at="2026-05-02T06:00:00-04:00", email="guest@example.com"),
]
_THREE = _order(17, customer=3, email="third@example.com")
_CHAIN = [_joined(2, 3), _joined(3, 4), _joined(4, 1)]
_ABROAD = _order(
    18,
    customer=77,
    email="ann@work.example",
    store=storefront(store_no=2, store_id=UUID("018f0000-0000-7000-8000-0000000000bb")),
)
_ALL = [
    _ONE, _TWO, _TWO_SAID, _ONE_SAID, _GUEST, _REFUND, _FAILED, _SHARED_ONE, _SHARED_TWO, *_CHANGED_HANDS, _THREE,
    _ABROAD,
]  # fmt: skip


@given(shuffles([*_ALL, *_CHAIN, _JOINED]))
@settings(max_examples=400, deadline=None)
def test_rivals_chains_and_orders_that_changed_hands_end_alike_once_all_are_one(
    orders: tuple[list[Sent], list[Sent]],
) -> None:
    straight, shuffled = applied(*orders[0], *_CHAIN), applied(*orders[1], *reversed(_CHAIN))

    assert len({owner for key, owner in _owners(straight).items() if key.store_no == 1}) == 1
    _assert_alike(shuffled, straight)


@pytest.mark.parametrize("sent", list(permutations([_ONE, _THREE, *_CHAIN])))
def test_the_smallest_of_our_ids_survives_whichever_the_platform_kept(sent: tuple[Sent, ...]) -> None:
    desk = applied(*sent)

    assert list(_living(desk)) == [min(_id_of(number) for number in (1, 2, 3, 4))]


def _id_of(number: int) -> UUID:
    [alone] = applied(_order(1, customer=number)).people.customers
    return alone


def test_the_absorbed_id_names_the_survivor_for_ever() -> None:
    desk = applied(_ONE, _TWO, _JOINED, _order(19, customer=2), _customer(2, first_name="Ann"))

    assert len({order.customer_id for order in desk.final().values()}) == 1
    assert len(_living(desk)) == 1
    assert desk.kinds("customer.").count("customer.merged") == 1


def test_a_merge_of_two_who_were_never_seen_is_kept_for_them() -> None:
    desk = Desk()

    outcomes = desk.apply(_JOINED, _JOINED, _TWO, _ONE)

    assert outcomes == ["applied", "no_news", "applied", "applied"]
    assert desk.kinds("customer.").count("customer.registered") == 1
    assert desk.kinds("customer.").count("customer.merged") == 0


def test_other_customers_of_the_store_stay_other_people() -> None:
    desk = applied(_SHARED_ONE, _JOINED, _order(20, customer=3, email="family@example.com"))

    assert len(_living(desk)) == 2
    assert desk.people.resolve(desk.people.owners[Key(Strength.PLATFORM, 1, "3")]) != desk.people.resolve(
        desk.people.owners[Key(Strength.PLATFORM, 1, "1")]
    )


@pytest.mark.parametrize("status", ["failed", "in_progress", "requested", "FAILED", None, ""])
def test_a_merge_that_is_not_over_is_left_alone(status: str | None) -> None:
    desk = Desk()

    assert desk.apply(_joined(2, 1, status=status)) == ["ignored"]
    assert desk.facts == []


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"admin_graphql_api_customer_kept_id": None}, "/admin_graphql_api_customer_kept_id"),
        ({"admin_graphql_api_customer_kept_id": 1}, "/admin_graphql_api_customer_kept_id"),
        ({"admin_graphql_api_customer_kept_id": "gid://shopify/Order/1"}, "/admin_graphql_api_customer_kept_id"),
        (
            {"admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/"},
            "/admin_graphql_api_customer_deleted_id",
        ),
        (
            {"admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/1"},
            "/admin_graphql_api_customer_deleted_id",
        ),
        ({"status": 5}, "/status"),
        ({"line_items": []}, "/line_items"),
    ],
)
def test_a_complaint_says_where(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(Malformed) as caught:
        Desk().apply(Sent("customers/merge", bodies.customer_merge(**changes)))

    assert str(caught.value).startswith(place)
