"""Whom customers care for: the newest statement about each holds, and only the nickname's seal leaves the service."""

from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings

from libs.contracts.commerce import CustomerMergedV1, DependantRecordedV1
from services.order_ingest.domain.errors import Malformed
from tests.services.order_ingest.application.shuffling import applied, shuffles
from tests.services.order_ingest.desk import STORE, Desk, Sent, storefront

_SHOP = storefront("standard")
_ANN = {"id": "C-9", "email": "ann@example.com"}
_BEAN = {
    "id": "D-1",
    "at": "2026-05-10T09:30:00Z",
    "customer": _ANN,
    "nickname": "Bean",
    "birth_on": "2025-11-03",
    "sex": "female",
}


def _sent(**changes: Any) -> Sent:
    data = {**_BEAN, **changes}
    body = {"type": "dependant.recorded", "timestamp": "2026-05-10T10:00:00Z", "data": data}
    return Sent("dependant.recorded", body, store=_SHOP)


def _told(desk: Desk) -> list[DependantRecordedV1]:
    return [fact for fact in desk.facts if isinstance(fact, DependantRecordedV1)]


def _heard(desk: Desk) -> dict[Any, Any]:
    """What a consumer that keeps the highest version of each dependant ends with."""
    merged = {fact.customer_id: fact.into_customer_id for fact in desk.facts if isinstance(fact, CustomerMergedV1)}
    heard: dict[Any, Any] = {}
    for fact in sorted(_told(desk), key=lambda fact: fact.version):
        customer = fact.customer_id
        while customer in merged:
            customer = merged[customer]
        # When the same words are said twice, the first is told in one order of events, and the second in another.
        heard[fact.dependant_id] = (customer, fact.model_dump(exclude={"customer_id", "version", "at"}))
    return heard


def test_a_dependant_is_told_with_its_nickname_sealed() -> None:
    desk = Desk()

    outcomes = desk.apply(_sent())

    [told] = _told(desk)
    assert (told.birth_on, told.due_on, told.sex, told.removed) == (date(2025, 11, 3), None, "female", False)
    assert told.nickname_sealed == "[('nickname', 'Bean')]"
    assert (told.version, told.store_id, told.at) == (1, STORE, datetime(2026, 5, 10, 9, 30, tzinfo=UTC))
    assert told.customer_id in desk.people.customers
    assert outcomes == ["applied"]


def test_a_birth_ends_the_waiting_for_it() -> None:
    desk = Desk()

    desk.apply(
        _sent(birth_on=None, due_on="2025-11-01", sex=None, at="2025-06-01T08:00:00Z"), _sent(due_on="2025-11-01")
    )

    assert [(told.due_on, told.birth_on, told.version) for told in _told(desk)] == [
        (date(2025, 11, 1), None, 1),
        (None, date(2025, 11, 3), 2),
    ]


def test_a_removed_dependant_is_told_without_anything_about_it() -> None:
    desk = Desk()

    desk.apply(_sent(), _sent(removed=True, at="2026-05-11T09:30:00Z"))

    told = _told(desk)[-1]
    assert (told.removed, told.nickname_sealed, told.birth_on, told.due_on, told.sex) == (True, None, None, None, None)


def test_only_what_differs_is_told_again() -> None:
    desk = Desk()

    outcomes = desk.apply(
        _sent(), _sent(), _sent(at="2026-05-12T09:30:00Z"), _sent(at="2026-05-13T09:30:00Z", nickname="Beanie")
    )

    assert outcomes == ["applied", "no_news", "no_news", "applied"]
    assert [told.version for told in _told(desk)] == [1, 2]


def test_a_statement_from_between_two_that_say_the_same_comes_too_late() -> None:
    desk = Desk()

    desk.apply(_sent(), _sent(at="2026-05-12T09:30:00Z"), _sent(at="2026-05-11T09:30:00Z", nickname="Sprout"))

    assert [told.nickname_sealed for told in _told(desk)] == ["[('nickname', 'Bean')]"]


def test_an_old_statement_may_still_say_who_the_customer_is() -> None:
    desk = Desk()

    outcomes = desk.apply(
        _sent(customer={"id": "C-9"}), _sent(at="2026-05-01T09:30:00Z", customer={**_ANN, "given_name": "Ann"})
    )

    [ann] = desk.people.customers.values()
    assert ann.told_values() == {"email": "ann@example.com", "given_name": "Ann"}
    assert (outcomes, len(_told(desk))) == (["applied", "applied"], 1)


def test_one_who_names_nobody_is_left_alone() -> None:
    desk = Desk()

    outcomes = desk.apply(_sent(customer={"email": "nobody"}))

    assert (outcomes, desk.facts) == (["no_news"], [])


def test_another_store_has_dependants_of_its_own() -> None:
    desk = Desk()
    other = storefront("standard", store_no=2, store_id=UUID("018f0000-0000-7000-8000-0000000000bb"))
    sent = _sent()

    desk.apply(sent, Sent(sent.topic, sent.body, store=other))

    assert len(_heard(desk)) == 2


_LATER = "2026-05-11T09:30:00Z"
_EXPECTED = _sent(at="2025-06-01T08:00:00Z", birth_on=None, due_on="2025-11-01", sex=None)
_BORN = _sent(customer={"email": "ann@example.com"})
_SAME_INSTANT = _sent(nickname="Sprout")
_RENAMED = _sent(at=_LATER, nickname="Sprout")
_REMOVED = _sent(at=_LATER, removed=True)
_BACK_AGAIN = _sent(at="2026-05-12T09:30:00Z")
_AGAIN = _sent(at="2026-05-13T09:30:00Z")
_BY_PHONE = _sent(at="2026-05-11T10:00:00Z", customer={"phone": "+12125550123"})
_OTHER_PARENT = _sent(at="2026-05-12T09:30:00Z", customer={"id": "C-10"})
_SIBLING = _sent(id="D-2", nickname="Pip", birth_on="2022-02-28")
_WHO_IS_WHO = Sent(
    "customer.updated",
    {
        "type": "customer.updated",
        "timestamp": _LATER,
        "data": {**_ANN, "phone": "+12125550123", "updated_at": _LATER},
    },
    store=_SHOP,
)
_ALL = [
    _EXPECTED, _BORN, _SAME_INSTANT, _RENAMED, _REMOVED, _BACK_AGAIN, _AGAIN, _BY_PHONE, _OTHER_PARENT, _SIBLING,
    _WHO_IS_WHO,
]  # fmt: skip


@pytest.mark.parametrize("nickname", ["Sprout", "Bud", "Pip", "Pea", "Nut", "Fig"])
def test_a_removal_wins_over_what_was_said_at_its_instant_in_every_order(nickname: str) -> None:
    for sent in permutations([_EXPECTED, _BORN, _sent(at=_LATER, nickname=nickname), _REMOVED]):
        [(_, words)] = _heard(applied(*sent)).values()

        assert (words["removed"], words["nickname_sealed"]) == (True, None)


@given(shuffles(_ALL))
@settings(max_examples=400, deadline=None)
def test_any_permutation_and_repetition_ends_in_the_same_dependants(orders: tuple[list[Sent], list[Sent]]) -> None:
    straight, shuffled = applied(*orders[0], _WHO_IS_WHO), applied(*orders[1], _WHO_IS_WHO)

    assert _heard(shuffled) == _heard(straight)
    assert {each.dependant_id: each.mark for each in shuffled.workspace.dependants.values()} == {
        each.dependant_id: each.mark for each in straight.workspace.dependants.values()
    }


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"id": None}, "/data/id"),
        ({"at": None}, "/data/at"),
        ({"customer": None}, "/data/customer"),
        ({"customer": {"given_name": "Ann"}}, "/data/customer"),
        ({"birth_on": None}, "/data/birth_on"),
        ({"birth_on": "3 Nov"}, "/data/birth_on"),
        ({"birth_on": "9999-12-31"}, "/data/birth_on"),
        ({"due_on": "1650-01-01"}, "/data/due_on"),
        ({"due_on": 5}, "/data/due_on"),
        ({"sex": "f"}, "/data/sex"),
        ({"nickname": 7}, "/data/nickname"),
        ({"removed": "yes"}, "/data/removed"),
    ],
)
def test_a_complaint_says_where_and_nothing_personal(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(Malformed) as caught:
        Desk().apply(_sent(**changes))

    assert str(caught.value).startswith(place)
    assert "Bean" not in str(caught.value)
