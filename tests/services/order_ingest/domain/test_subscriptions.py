"""Subscriptions in our own JSON: who pays, who gets the goods, and that both are people like any others."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from libs.contracts.commerce import (
    CustomerMergedV1,
    SubscriptionEndedV1,
    SubscriptionRenewedV1,
    SubscriptionStartedV1,
)
from services.order_ingest.domain.customer import Key, Strength
from services.order_ingest.domain.errors import Malformed
from tests.services.order_ingest.desk import STORE, Desk, Sent, storefront

_AT = "2026-05-10T09:30:00Z"
_SHOP = storefront("standard")
_ANN = {"id": "C-9", "email": "ann@example.com"}
_KIM = {"email": "kim@example.com", "given_name": "Kim"}
_BOX = {
    "id": "SE-1",
    "at": _AT,
    "subscription_id": "SUB-1",
    "customer": _ANN,
    "recipient": _KIM,
    "product_ids": ["P-7", "P-8", "P-7"],
    "interval": "P1M",
    "next_at": "2026-06-10T09:30:00Z",
    "order_id": "A-1001",
}


def _sent(kind: str = "subscription.started", **changes: Any) -> Sent:
    data = {**_BOX, **changes}
    return Sent(kind, {"type": kind, "timestamp": "2026-05-10T10:00:00Z", "data": data}, store=_SHOP)


def _order(number: int, customer: dict[str, Any]) -> Sent:
    order = {
        "id": f"A-{number}",
        "updated_at": _AT,
        "placed_at": _AT,
        "currency": "USD",
        "customer": customer,
        "lines": [{"id": "1", "title": "Mug", "quantity": 1, "total_minor": 100}],
    }
    return Sent("order.created", {"type": "order.created", "timestamp": _AT, "data": order}, store=_SHOP)


def _told(desk: Desk) -> list[Any]:
    return [fact for fact in desk.facts if fact.TYPE.startswith("subscription.")]


def _owner(desk: Desk, value: str) -> Any:
    email = Key(Strength.EMAIL, 0, f"email:{value}")
    return desk.people.resolve(desk.people.owners[email])


def test_a_gift_names_its_payer_and_its_recipient() -> None:
    desk = Desk()

    outcomes = desk.apply(_sent())

    [started] = _told(desk)
    assert isinstance(started, SubscriptionStartedV1)
    assert (started.customer_id, started.recipient_customer_id) == (
        _owner(desk, "ann@example.com"),
        _owner(desk, "kim@example.com"),
    )
    assert started.product_ids == (_SHOP.product_id("P-7"), _SHOP.product_id("P-8"))
    assert (started.interval, started.order_id, started.store_id) == ("P1M", _SHOP.order_id("A-1001"), STORE)
    assert started.next_at == datetime(2026, 6, 10, 9, 30, tzinfo=UTC)
    assert outcomes == ["applied"]
    assert desk.kinds("customer.") == ["customer.registered", "customer.registered"]


def test_a_subscription_is_one_from_its_start_to_its_end() -> None:
    desk = Desk()

    desk.apply(
        _sent(),
        _sent("subscription.renewed", id="SE-2", order_id="A-1044"),
        _sent("subscription.ended", id="SE-3", interval=None, reason="outgrown"),
    )

    started, renewed, ended = _told(desk)
    assert isinstance(renewed, SubscriptionRenewedV1)
    assert isinstance(ended, SubscriptionEndedV1)
    assert started.subscription_id == renewed.subscription_id == ended.subscription_id
    assert renewed.order_id != started.order_id
    assert (ended.reason, ended.interval, ended.recipient_customer_id) == (
        "outgrown",
        None,
        started.recipient_customer_id,
    )


def test_an_event_is_told_once_and_another_kind_with_its_id_is_another() -> None:
    desk = Desk()

    outcomes = desk.apply(_sent(), _sent("subscription.renewed"), _sent(), _sent(interval="P2M"))

    assert outcomes == ["applied", "applied", "no_news", "no_news"]


@pytest.mark.parametrize("recipient", [None, {}, {"id": None, "email": ""}, _ANN, {"email": "Ann@Example.com"}])
def test_who_pays_for_themselves_has_no_recipient(recipient: dict[str, Any] | None) -> None:
    desk = Desk()

    desk.apply(_sent(recipient=recipient))

    [started] = _told(desk)
    assert started.recipient_customer_id is None
    assert desk.kinds("customer.") == ["customer.registered"]


@pytest.mark.parametrize("recipient", [{"given_name": "Kim"}, {"email": "nobody"}, {"phone": "12"}])
def test_a_recipient_without_a_key_is_left_out_and_nobody_is_registered_for_them(recipient: dict[str, Any]) -> None:
    desk = Desk()

    outcomes = desk.apply(_sent(recipient=recipient))

    [started] = _told(desk)
    assert (outcomes, started.recipient_customer_id) == (["applied"], None)
    assert desk.kinds("customer.") == ["customer.registered"]


def test_a_payer_who_cannot_be_found_tells_nothing_and_registers_no_recipient() -> None:
    desk = Desk()

    outcomes = desk.apply(_sent(customer={"email": "nobody"}))

    assert (outcomes, desk.facts) == (["no_news"], [])


def test_a_recipient_who_turns_out_to_be_the_payer_ends_no_life_before_the_fact() -> None:
    desk = Desk()

    desk.apply(_sent(customer={"email": "ann@example.com"}, recipient=_ANN))

    [merged] = [fact for fact in desk.facts if isinstance(fact, CustomerMergedV1)]
    [started] = _told(desk)
    assert started.customer_id == merged.into_customer_id
    assert started.recipient_customer_id is None


def test_what_is_said_of_a_recipient_overrules_nothing_that_the_payer_says_of_themselves() -> None:
    desk = Desk()

    desk.apply(_sent(customer={**_ANN, "given_name": "Ann"}, recipient={**_ANN, "given_name": "Zoe"}))

    [ann] = desk.people.customers.values()
    assert ann.told_values()["given_name"] == "Ann"


_EVENTS = [
    _sent(customer={"email": "ann@example.com"}),
    _sent("subscription.renewed", id="SE-2", recipient={"id": "C-4"}),
    _order(1, {"id": "C-4", "email": "kim@example.com"}),
    _order(2, _ANN),
]


@pytest.mark.parametrize("sent", list(permutations(_EVENTS)))
def test_payer_and_recipient_end_as_the_same_people_in_every_order(sent: tuple[Sent, ...]) -> None:
    straight, shuffled = Desk(), Desk()

    straight.apply(*_EVENTS)
    shuffled.apply(*sent, *sent)

    assert _people_told(shuffled) == _people_told(straight)
    assert _people_told(straight) == {
        (kind, _owner(straight, "ann@example.com"), _owner(straight, "kim@example.com"))
        for kind in ("subscription.started.v1", "subscription.renewed.v1")
    }
    assert shuffled.final() == straight.final()


def _people_told(desk: Desk) -> set[tuple[str, Any, Any]]:
    return {
        (fact.TYPE, desk.people.resolve(fact.customer_id), desk.people.resolve(fact.recipient_customer_id))
        for fact in _told(desk)
    }


@pytest.mark.parametrize("interval", ["P1M", "P2W", "P30D", "P1Y", "P1Y6M", "P1M15D"])
def test_an_interval_is_told_as_it_was_written(interval: str) -> None:
    desk = Desk()

    desk.apply(_sent(interval=interval))

    assert [fact.interval for fact in _told(desk)] == [interval]


@pytest.mark.parametrize(
    "interval", ["P", "1M", "P0M", "PT12H", "P1.5M", "P1W2D", "P1D1M", "p1m", "P-1M", "P١M", "month", 30]
)
def test_an_interval_that_is_none_is_refused(interval: Any) -> None:
    with pytest.raises(Malformed, match=r"^/data/interval"):
        Desk().apply(_sent(interval=interval))


@pytest.mark.parametrize(
    ("kind", "changes", "place"),
    [
        ("subscription.started", {"interval": None}, "/data/interval"),
        ("subscription.renewed", {"interval": None}, "/data/interval"),
        ("subscription.started", {"subscription_id": None}, "/data/subscription_id"),
        ("subscription.ended", {"subscription_id": True}, "/data/subscription_id"),
        ("subscription.started", {"customer": None}, "/data/customer"),
        ("subscription.started", {"customer": {"given_name": "Ann"}}, "/data/customer"),
        ("subscription.started", {"recipient": "Kim"}, "/data/recipient:"),
        ("subscription.started", {"recipient": {"email": 5}}, "/data/recipient/email"),
        ("subscription.started", {"product_ids": "P-7"}, "/data/product_ids:"),
        ("subscription.started", {"product_ids": ["P-7", None]}, "/data/product_ids/1"),
        ("subscription.started", {"product_ids": [{"id": "P-7"}]}, "/data/product_ids/0"),
        ("subscription.started", {"product_ids": list(range(101))}, "/data/product_ids:"),
        ("subscription.started", {"next_at": "soon"}, "/data/next_at"),
        ("subscription.started", {"at": None}, "/data/at"),
    ],
)
def test_a_complaint_says_where(kind: str, changes: dict[str, Any], place: str) -> None:
    with pytest.raises(Malformed) as caught:
        Desk().apply(_sent(kind, **changes))

    assert str(caught.value).startswith(place)


def test_products_may_have_numbers_and_may_be_none() -> None:
    desk = Desk()

    desk.apply(_sent(product_ids=[632910392]), _sent(id="SE-2", product_ids=None))

    numbered, unnamed = _told(desk)
    assert (numbered.product_ids, unnamed.product_ids) == ((_SHOP.product_id("632910392"),), ())
