"""A person who asked to be forgotten does not come back: not by what was said before, in whatever order it arrives."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.commerce import (
    CustomerDataRequestedV1,
    CustomerErasedV1,
    OrderPlacedV1,
    OrderRefundedV1,
    StoreDisconnectedV1,
)
from services.order_ingest.domain.customer import Key, Strength
from services.order_ingest.domain.errors import Malformed
from tests.services.order_ingest import bodies
from tests.services.order_ingest.application.shuffling import applied
from tests.services.order_ingest.desk import Desk, Sent, storefront

BOB = "bob.norman@example.com"
ASKED_AT = datetime(2026, 5, 12, 8, tzinfo=UTC)
EMAIL_KEY = Key(Strength.EMAIL, 0, f"email:{BOB}")
ID_KEY = Key(Strength.PLATFORM, 1, "207119551")

ORDER = Sent("orders/create", bodies.order())
OLDER = Sent("orders/create", bodies.order(id=7, name="#7", processed_at="2026-04-01T06:15:00-04:00"))
GUEST = Sent("orders/create", bodies.order(id=8, customer=None, order_status_url=None))
LATER = Sent(
    "orders/create", bodies.order(id=9, processed_at="2026-06-01T06:15:00Z", updated_at="2026-06-01T06:15:00Z")
)
REFUND = Sent("refunds/create", bodies.refund())
PARCEL = Sent("fulfillments/create", bodies.fulfilment())
DESCRIBED = Sent(
    "customers/update",
    {
        "id": 207119551,
        "email": BOB,
        "first_name": "Robert",
        "updated_at": "2026-05-03T08:00:00Z",
        "email_marketing_consent": {"state": "subscribed", "consent_updated_at": "2026-05-03T08:00:00Z"},
    },
)
REDACTED = Sent("customers/redact", bodies.redaction(), triggered_at=ASKED_AT)


def _erased(desk: Desk) -> list[CustomerErasedV1]:
    return [fact for fact in desk.facts if isinstance(fact, CustomerErasedV1)]


def _said_of_people(desk: Desk) -> list[str]:
    return [fact.TYPE for fact in desk.facts if fact.TYPE.startswith(("customer.", "consent."))]


def _assert_nobody_left(desk: Desk) -> None:
    for customer in desk.people.customers.values():
        assert customer.erased_at == ASKED_AT or customer.merged_into is not None
        assert (dict(customer.description), dict(customer.consents)) == ({}, {})
    assert not any(key.value == "207119551" for key in desk.people.owners)


def test_everything_that_names_the_person_is_gone_and_every_service_is_told_once() -> None:
    desk = applied(ORDER, DESCRIBED, REDACTED)

    _assert_nobody_left(desk)
    (erased,) = _erased(desk)
    (placed,) = [fact for fact in desk.facts if isinstance(fact, OrderPlacedV1)]
    assert erased.customer_id == placed.customer_id
    assert (erased.email_hash, erased.erased_at) == (f"email:{BOB}", ASKED_AT)
    assert erased.identity_version == desk.people.customers[erased.customer_id].identity_version
    assert [asked.customer_id for asked in desk.workspace.privacy_requests.values()] == [erased.customer_id]
    assert [each.addresses for each in desk.workspace.forgotten] == [("+12125550123", BOB)]


def test_what_comes_late_counts_for_the_id_that_is_left_and_says_nothing_of_a_person() -> None:
    desk = applied(ORDER, REDACTED)
    erased_id, said = _erased(desk)[0].customer_id, _said_of_people(desk)

    assert desk.apply(DESCRIBED) == ["no_news"]
    assert desk.apply(REFUND, PARCEL, OLDER, GUEST) == ["applied"] * 4

    assert _said_of_people(desk) == said
    assert {order.customer_id for order in desk.workspace.orders.values()} == {erased_id}
    _assert_nobody_left(desk)
    (refunded,) = [fact for fact in desk.facts if isinstance(fact, OrderRefundedV1)]
    assert refunded.customer_id == erased_id


def test_who_was_never_known_does_not_come_back_either() -> None:
    desk = applied(REDACTED, DESCRIBED, ORDER, GUEST)

    _assert_nobody_left(desk)
    assert _said_of_people(desk) == ["customer.erased.v1"]
    assert len({order.customer_id for order in desk.workspace.orders.values()}) == 1


@pytest.mark.parametrize("who", [{"id": 207119551}, {"email": BOB}, {"id": 207119551, "email": BOB}])
def test_one_name_is_enough(who: dict[str, Any]) -> None:
    desk = applied(ORDER, Sent("customers/redact", bodies.redaction(customer=who), triggered_at=ASKED_AT))
    desk.apply(OLDER, GUEST, DESCRIBED)

    _assert_nobody_left(desk)


def test_who_buys_again_is_somebody_new() -> None:
    desk = applied(ORDER, REDACTED, LATER)
    erased_id = _erased(desk)[0].customer_id
    again_id = desk.workspace.orders[storefront().order_id("9")].customer_id
    assert again_id is not None
    assert again_id != erased_id
    assert desk.people.customers[again_id].told_values()["email"] == BOB

    desk.apply(OLDER, DESCRIBED, REFUND)
    desk.apply(Sent("customers/update", {**DESCRIBED.body, "first_name": "Rob", "updated_at": "2026-06-02T08:00:00Z"}))

    owners = {name: desk.workspace.orders[storefront().order_id(name)].customer_id for name in ("450789469", "7", "9")}
    assert owners == {"450789469": erased_id, "7": erased_id, "9": again_id}
    assert desk.people.customers[erased_id].description == {}
    assert desk.people.customers[again_id].told_values()["given_name"] == "Rob"
    assert desk.people.customers[again_id].former_id == erased_id


def test_the_new_life_is_not_ended_by_the_old_request_but_by_one_of_its_own() -> None:
    desk = applied(ORDER, REDACTED, LATER, REDACTED)
    again_id = desk.workspace.orders[storefront().order_id("9")].customer_id
    assert again_id is not None
    assert desk.people.customers[again_id].erased_at is None

    desk.apply(replace(REDACTED, triggered_at=ASKED_AT + timedelta(days=60)))

    assert desk.people.customers[again_id].erased_at == ASKED_AT + timedelta(days=60)
    assert {fact.customer_id for fact in _erased(desk)[1:]} >= {again_id}


def test_another_account_with_the_same_address_lives_on() -> None:
    other = Sent("customers/update", {"id": 4, "email": BOB, "first_name": "Bea", "updated_at": "2026-05-01T08:00:00Z"})
    desk = applied(other, ORDER, REDACTED)

    (erased,) = _erased(desk)
    (living,) = [each for each in desk.people.customers.values() if each.erased_at is None]
    assert living.told_values()["given_name"] == "Bea"
    assert desk.people.owners[EMAIL_KEY] == living.customer_id != erased.customer_id


def test_all_lives_that_were_merged_are_forgotten_as_one() -> None:
    joined = bodies.customer_merge(
        admin_graphql_api_customer_kept_id="gid://shopify/Customer/207119551",
        admin_graphql_api_customer_deleted_id="gid://shopify/Customer/5",
    )
    five = Sent("customers/update", {"id": 5, "email": "five@example.com", "updated_at": "2026-05-01T08:00:00Z"})
    desk = applied(ORDER, five, Sent("customers/merge", joined, triggered_at=ASKED_AT), REDACTED)

    _assert_nobody_left(desk)
    desk.apply(five, Sent("orders/create", bodies.order(id=10, customer={"id": 5}, email=None, contact_email=None)))
    _assert_nobody_left(desk)
    assert len(_erased(desk)) == 1


def test_nobody_is_merged_into_somebody_erased() -> None:
    joined = bodies.customer_merge(
        admin_graphql_api_customer_kept_id="gid://shopify/Customer/207119551",
        admin_graphql_api_customer_deleted_id="gid://shopify/Customer/5",
    )
    five = Sent("customers/update", {"id": 5, "email": "five@example.com", "updated_at": "2026-05-01T08:00:00Z"})
    desk = applied(ORDER, REDACTED, five, Sent("customers/merge", joined, triggered_at=ASKED_AT))

    living = [each for each in desk.people.customers.values() if each.erased_at is None]
    assert [each.told_values()["email"] for each in living] == ["five@example.com"]
    assert living[0].merged_into is None
    desk.apply(DESCRIBED)
    assert living[0].told_values().get("given_name") is None


def test_the_same_request_again_is_no_news_and_a_later_one_is_answered() -> None:
    desk = applied(ORDER, REDACTED)

    assert desk.apply(REDACTED) == ["no_news"]
    assert desk.apply(Sent("customers/redact", bodies.redaction(orders_to_redact=[]), triggered_at=ASKED_AT)) == [
        "no_news"
    ]
    assert len(_erased(desk)) == len(desk.workspace.privacy_requests) == 1

    later = bodies.redaction(orders_to_redact=[1])
    assert desk.apply(Sent("customers/redact", later, triggered_at=ASKED_AT + timedelta(days=1))) == ["applied"]
    assert [fact.erased_at for fact in _erased(desk)] == [ASKED_AT, ASKED_AT]
    assert len(desk.workspace.privacy_requests) == 2


def test_a_request_for_data_names_the_customer_and_one_of_nobody_is_closed_at_once() -> None:
    wanted = Sent("customers/data_request", bodies.data_request(), triggered_at=ASKED_AT)
    desk = applied(ORDER, wanted)
    (asked,) = [fact for fact in desk.facts if isinstance(fact, CustomerDataRequestedV1)]
    assert desk.workspace.data_wanted == {asked.request_id: (storefront(), asked.customer_id)}

    nobody = applied(wanted)
    assert [each.customer_id for each in nobody.workspace.privacy_requests.values()] == [None]
    assert nobody.facts == []


def test_a_shop_that_leaves_is_disconnected_and_forgotten_when_it_asks() -> None:
    desk = applied(ORDER, Sent("app/uninstalled", bodies.uninstalled(), triggered_at=ASKED_AT))
    assert [fact.at for fact in desk.facts if isinstance(fact, StoreDisconnectedV1)] == [ASKED_AT]
    assert desk.workspace.stores_left == {1: ASKED_AT}

    desk.apply(Sent("shop/redact", bodies.shop_redaction(), triggered_at=ASKED_AT))
    assert [each.kind for each in desk.workspace.privacy_requests.values()] == ["store_erasure"]
    assert _erased(desk) == []  # its people follow by the clock, a few at a time


@pytest.mark.parametrize(
    ("topic", "body", "pointer"),
    [
        ("customers/redact", bodies.redaction(shop_id=1), "/shop_id"),
        ("customers/redact", bodies.redaction(customer=None), "/customer"),
        ("customers/data_request", bodies.data_request(shop_id=None), "/shop_id"),
        ("shop/redact", bodies.shop_redaction(shop_id=1), "/shop_id"),
        ("shop/redact", bodies.redaction(), "/customer"),
        ("app/uninstalled", bodies.uninstalled(id=1), "/id"),
        ("app/uninstalled", {"id": 690933842}, "/myshopify_domain"),
        ("app/uninstalled", bodies.order(), "/line_items"),
    ],
)
def test_another_shops_request_or_another_topics_body_is_refused(topic: str, body: Any, pointer: str) -> None:
    with pytest.raises(Malformed) as refused:
        applied(Sent(topic, body, triggered_at=ASKED_AT))

    assert refused.value.pointer == pointer


def test_a_request_that_names_nobody_changes_nothing() -> None:
    desk = applied(ORDER)
    before = dict(desk.people.customers)

    assert desk.apply(Sent("customers/redact", bodies.redaction(customer={"id": 0}), triggered_at=ASKED_AT)) == [
        "no_news"
    ]
    assert desk.people.customers == before


def test_our_own_format_asks_the_same() -> None:
    store = storefront("standard")
    told = {"type": "customer.erasure_requested", "timestamp": "2026-05-13T00:00:00Z"}
    asked = {**told, "data": {"at": "2026-05-12T08:00:00Z", "customer": {"id": "207119551", "email": BOB}}}
    desk = applied(ORDER, Sent("", asked, store=store))

    _assert_nobody_left(desk)


_BEFORE = (ORDER, OLDER, GUEST, DESCRIBED, REFUND, PARCEL)


@given(st.permutations([*_BEFORE, REDACTED]), st.lists(st.sampled_from(_BEFORE), max_size=4))
@settings(max_examples=150, deadline=None)
def test_in_whatever_order_it_comes_the_person_is_gone(sent: list[Sent], again: list[Sent]) -> None:
    desk = applied(*sent, *again)

    _assert_nobody_left(desk)
    owners: set[UUID | None] = {order.customer_id for order in desk.workspace.orders.values()}
    assert len({desk.people.resolve(owner) for owner in owners if owner}) == 1
    after = [fact.TYPE for fact in desk.facts]
    last = max(place for place, kind in enumerate(after) if kind == "customer.erased.v1")
    assert not [kind for kind in after[last + 1 :] if kind.startswith(("customer.", "consent."))]


@given(st.permutations([*_BEFORE, LATER]))
@settings(max_examples=150, deadline=None)
def test_what_is_older_than_the_erasure_never_reaches_the_new_life(sent: list[Sent]) -> None:
    desk = applied(REDACTED, *sent)

    again_id = desk.workspace.orders[storefront().order_id("9")].customer_id
    old = {order.customer_id for order in desk.workspace.orders.values() if order.external_id != "9"}
    assert again_id not in old
    assert len(old) == 1
    assert desk.people.customers[again_id].told_values().get("given_name") == "Bob"  # type: ignore[index]
