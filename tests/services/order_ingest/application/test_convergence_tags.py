"""Tags that staff add, take away, or list as a whole: in any order and repetition the same tags are left and told."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.commerce import CustomerRegisteredV1, CustomerUpdatedV1
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.tags import MOST_STATEMENTS
from tests.services.order_ingest import bodies
from tests.services.order_ingest.desk import READER, Desk, Sent, storefront

_CUSTOMER = "gid://shopify/Customer/706405506930370084"
_FIRST = datetime(2026, 5, 1, 10, tzinfo=UTC)


def _at(minute: int) -> datetime:
    return _FIRST + timedelta(minutes=minute)


def _added(minute: int, *tags: str, **changes: Any) -> Sent:
    body = {"customerId": _CUSTOMER, "tags": list(tags), "occurredAt": _at(minute).isoformat()}
    return Sent("customer.tags_added", {**body, **changes})


def _removed(minute: int, *tags: str, **changes: Any) -> Sent:
    return Sent("customer.tags_removed", _added(minute, *tags, **changes).body)


def _listed(minute: int, tags: str | None, *, topic: str = "customers/update", **changes: Any) -> Sent:
    body = {"id": 706405506930370084, "email": "ann@example.com", "updated_at": _at(minute).isoformat(), "tags": tags}
    return Sent(topic, {**body, **changes})


def _left(*sent: Sent) -> tuple[str, ...]:
    desk = Desk()
    desk.apply(*sent)
    [customer] = [each for each in desk.people.customers.values() if each.merged_into is None]
    assert _told(desk, customer.customer_id)[-1] == customer.platform_tags
    return customer.platform_tags


def _told(desk: Desk, customer_id: UUID | None = None) -> list[tuple[str, ...]]:
    """What was told, of everybody or of one customer."""
    facts = [fact for fact in desk.facts if isinstance(fact, CustomerRegisteredV1 | CustomerUpdatedV1)]
    return [fact.platform_tags for fact in facts if customer_id in (None, fact.customer_id)]


def test_tags_are_told_with_the_customer_and_again_only_if_they_differ() -> None:
    desk = Desk()

    outcomes = desk.apply(
        _added(1, "VIP", "blue"), _added(1, "VIP", "blue"), _added(2, "vip"), _removed(3, "Blue"), _removed(4, "never")
    )

    assert _told(desk) == [("blue", "VIP"), ("blue", "vip"), ("vip",)]
    assert outcomes == ["applied", "no_news", "applied", "applied", "no_news"]


def test_a_body_that_lists_tags_lists_all_of_them() -> None:
    assert _left(_added(1, "VIP"), _listed(2, "blue, Very Red,, red ")) == ("blue", "red", "Very Red")
    assert _left(_listed(2, "blue, red"), _listed(3, "")) == ()
    # Since 2025-01 bodies have no tags: nothing is said of them.
    assert _left(_listed(2, "blue"), _listed(3, None), _listed(4, None, topic="customers/create")) == ("blue",)


_AROUND_A_LIST = [_added(1, "A"), _listed(3, "B"), _added(5, "C"), _removed(4, "B")]


@pytest.mark.parametrize("sent", list(permutations(_AROUND_A_LIST)))
def test_a_list_says_no_to_what_is_older_and_nothing_to_what_is_newer(sent: tuple[Sent, ...]) -> None:
    assert _left(*sent) == ("C",)


@pytest.mark.parametrize("sent", list(permutations([_listed(3, "B"), _added(3, "A"), _removed(3, "B")])))
def test_of_one_instant_what_was_done_outranks_what_a_list_says(sent: tuple[Sent, ...]) -> None:
    assert _left(*sent) == ("A",)


_TAGS = st.lists(st.sampled_from(["VIP", "vip", "blue", "Blue", "red", "\u00df", "SS"]), max_size=3)
_SAID = st.tuples(st.integers(1, 6), st.sampled_from(["added", "removed", "listed"]), _TAGS)


@given(st.lists(_SAID, min_size=1, max_size=8), st.data())
@settings(max_examples=200, deadline=None)
def test_any_permutation_and_repetition_leaves_what_a_walk_through_time_leaves(
    said: list[tuple[int, str, list[str]]], data: st.DataObject
) -> None:
    sent = [_sent(*each) for each in said]
    repeated = data.draw(st.lists(st.sampled_from(sent), max_size=4))
    shuffled = data.draw(st.permutations([*sent, *repeated]))

    straight, left = _left(*sent), _left(*shuffled)

    assert left == straight
    assert {tag.casefold() for tag in left} == _walked(said)
    assert _described(sent) == _described(shuffled)


def _sent(minute: int, kind: str, tags: Sequence[str]) -> Sent:
    if kind == "listed":
        return _listed(minute, ", ".join(tags))
    return (_added if kind == "added" else _removed)(minute, *tags)


def _described(sent: Iterable[Sent]) -> Any:
    desk = Desk()
    desk.apply(*sent)
    [customer] = desk.people.customers.values()
    return customer.description


def _walked(said: Iterable[tuple[int, str, list[str]]]) -> set[str]:
    """Minute by minute: lists first, then what was taken away, then what was added."""
    said, has = list(said), set[str]()
    for minute in range(1, 7):
        lists = [_folded(tags) for at, kind, tags in said if (at, kind) == (minute, "listed")]
        has = set().union(*lists) if lists else has
        for kind, change in (("removed", has.difference_update), ("added", has.update)):
            change(*[_folded(tags) for at, what, tags in said if (at, what) == (minute, kind)])
    return has


def _folded(tags: Iterable[str]) -> set[str]:
    return {tag.casefold() for tag in tags}


def test_tags_of_two_stores_are_each_stores_own_and_told_together() -> None:
    other = storefront(store_no=2, store_id=storefront().merchant_id)
    here = Sent("customers/update", _listed(1, "VIP, blue").body)
    there = Sent("customers/update", {**_listed(2, "vip, red").body, "id": 5}, store=other)
    emptied = Sent("customers/update", {**_listed(3, "").body, "id": 5}, store=other)

    assert _left(here, there) == _left(there, here) == ("blue", "red", "vip")
    assert _left(here, there, emptied) == _left(emptied, there, here) == ("blue", "VIP")


def test_two_customers_that_become_one_have_both_ones_tags() -> None:
    ids = {
        "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/1",
        "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/2",
    }
    one, two = (_added(n, f"T{n}", customerId=f"gid://shopify/Customer/{n}") for n in (1, 2))
    joined = Sent("customers/merge", bodies.customer_merge(**ids))

    for sent in permutations([one, two, joined]):
        desk = Desk()
        desk.apply(*sent)
        living = [each for each in desk.people.customers.values() if each.merged_into is None]
        assert [each.platform_tags for each in living] == [("T1", "T2")]


def test_tags_beyond_a_shops_own_limits_are_cut_and_it_is_said_how_many() -> None:
    many, long = [f"t{n:03}" for n in range(260)], "x" * 300
    told, none = Desk(), Desk()

    told.apply(_added(1, *many))
    [customer] = told.people.customers.values()
    cut = _entry(_added(1, long, *many))
    none.apply(_listed(1, ", ".join(many)))

    assert customer.platform_tags == tuple(many[:250])
    assert cut.change.remark == "261 tags, 1 of them longer than 255 characters: cut to 250"
    assert _left(_added(1, long)) == ("x" * 255,)
    assert _entry(_added(1, *many[:250])).change.remark is None
    assert _told(none)[-1] == tuple(many[:250])


def _entry(sent: Sent) -> Any:
    return READER.read(sent.letter())


def test_of_too_many_statements_the_newest_are_kept_in_any_order() -> None:
    sent = [_added(n, f"t{n:03}") for n in range(MOST_STATEMENTS + 60)]

    straight, backwards = _described(sent), _described(sent[::-1])

    assert straight == backwards
    assert len(straight) == MOST_STATEMENTS
    assert min(each.at_us for each in straight.values()) == int(_at(60).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        (_added(1, "A", customerId=None), "/customerId"),
        (_added(1, "A", customerId="706405506930370084"), "/customerId"),
        (_added(1, "A", tags=None), "/tags"),
        (_removed(1, "A", tags="A"), "/tags"),
        (_added(1, "A", tags=[1]), "/tags"),
        (_added(1, "A", occurredAt="yesterday"), "/occurredAt"),
        (Sent("customers/update", {**_listed(1, None).body, "tags": ["A"]}), "/tags"),
        (_added(1, "A", line_items=[]), "/line_items"),
    ],
)
def test_a_complaint_says_where(sent: Sent, place: str) -> None:
    with pytest.raises(Malformed) as caught:
        Desk().apply(sent)

    assert str(caught.value).startswith(place)
