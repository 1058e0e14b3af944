"""Converge, don't increment: the end does not depend on the order in which facts arrive, nor on how often."""

from collections import Counter
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.envelope import Event
from services.loyalty.domain.programmes import default_rules
from tests.services.loyalty.facts import DAY, START, Facts
from tests.services.loyalty.interleavings import life_of_an_order, merged_life, reassigned_life, unmerged_life, woven
from tests.services.loyalty.ledger_checks import violations
from tests.services.loyalty.pure_world import PureWorld

NOW = START + 60 * DAY
LIFE = life_of_an_order(Facts())
MERGED = merged_life(Facts())
REASSIGNED = reassigned_life(Facts())


def end_of(*events: Event[Any]) -> dict[str, Any]:
    """What one can see in the end: awards, lots of which something is left, balances, yearly spend."""
    world = PureWorld(["ann", "a", "b"], default_rules("USD"))
    for event in events:
        world.hear(event)
    assert not violations(world.world)
    by_owner: Counter[tuple[str, object]] = Counter()
    for lot in world.world.journal.lots:
        if lot.remaining:
            owner = world.world.survivor(lot.account_id).account.customer_id
            by_owner[str(owner), lot.available_at] += lot.remaining
    members = world.world.members
    return {
        "awards": {
            key: (award.eligible, award.refunded, award.earned - award.reversed, award.terms)
            for key, award in world.world.awards.items()
        },
        "holders": {
            key: world.world.survivor(order.account_id) is not None for key, order in world.world.orders.items()
        },
        "lots": by_owner,
        "balances": {name: world.balance(name, NOW) for name in ("ann", "a", "b")},
        "spend": sorted((str(m.account.customer_id), m.standing.spend, m.standing.step) for m in members.values()),
    }


def test_any_order_of_one_orders_facts_ends_the_same() -> None:
    expected = end_of(*LIFE)

    for order in permutations(LIFE):
        assert end_of(*order) == expected


@settings(max_examples=100, deadline=None, database=None)
@given(st.lists(st.sampled_from(range(len(LIFE))), max_size=12), st.permutations(range(len(LIFE))))
def test_repeating_facts_changes_nothing(extra: list[int], order: list[int]) -> None:
    assert end_of(*(LIFE[place] for place in [*extra, *order])) == end_of(*LIFE)


@settings(max_examples=150, deadline=None, database=None)
@given(st.permutations(range(len(LIFE) + 1)))
def test_a_cancelled_order_is_worth_nothing_whatever_came_first(order: list[int]) -> None:
    tell = Facts()
    told = [*life_of_an_order(tell), tell.cancelled("ann", "o1")]

    end = end_of(*(told[place] for place in order))

    assert (end["lots"], end["balances"]["ann"].usable, end["balances"]["ann"].debt) == ({}, 0, 0)
    assert [award[2] for award in end["awards"].values()] == [0]


@pytest.mark.parametrize("order", list(permutations(range(len(MERGED)))), ids=lambda order: "".join(map(str, order)))
def test_an_order_its_refund_and_a_merge_end_the_same_in_every_interleaving(order: tuple[int, ...]) -> None:
    end = end_of(*(MERGED[place] for place in order))

    assert end == end_of(*MERGED)
    assert end["balances"]["a"] == end["balances"]["b"]
    assert (end["balances"]["b"].usable, end["balances"]["b"].debt) == (75, 0)


@pytest.mark.parametrize(
    "order", list(permutations(range(len(REASSIGNED)))), ids=lambda order: "".join(map(str, order))
)
def test_an_order_told_as_the_survivors_ends_the_same_whenever_the_merge_comes(order: tuple[int, ...]) -> None:
    end = end_of(*(REASSIGNED[place] for place in order))

    assert end == end_of(*REASSIGNED)
    assert (end["balances"]["b"].usable, end["balances"]["b"].debt) == (120, 0)


def test_a_merge_undone_ends_as_if_it_had_never_been_in_every_interleaving() -> None:
    under_a, under_b = unmerged_life(Facts())
    tell = Facts(at=START + DAY)
    never = [
        tell.placed("a", "o1", 12_000, version=2),
        tell.paid("a", "o1"),
        tell.refunded("a", "o1", 6_000),
        tell.placed("a", "o3", 7_000),
        tell.paid("a", "o3"),
        tell.placed("b", "o2", 30_000),
        tell.paid("b", "o2"),
    ]
    expected = end_of(*never)

    ends = [end_of(*told) for told in woven(under_a, under_b)]

    assert len(ends) > 700
    assert all(end == expected for end in ends)
    assert (expected["balances"]["a"].usable, expected["balances"]["b"].usable) == (130, 300)


def test_a_late_undoing_leaves_a_newer_merge_alone() -> None:
    tell = Facts(at=START + DAY)
    order = [tell.placed("a", "o1", 10_000), tell.paid("a", "o1")]
    undone = tell.unmerged("a", "b", "o1", version=3)
    again = tell.merged("a", "b", version=4)

    end = end_of(*order, tell.merged("a", "b"), undone[0], again, undone[1])

    assert end["balances"]["a"] == end["balances"]["b"]
    assert end["balances"]["b"].usable == 100


def test_an_order_whose_date_is_corrected_counts_in_the_year_of_the_new_date() -> None:
    tell = Facts(at=START + 400 * DAY)
    old = [tell.placed("a", "o1", 70_000, placed_at=START + 390 * DAY), tell.paid("a", "o1")]

    end = end_of(*old, tell.changed("a", "o1", 70_000, version=2, placed_at=START + 10 * DAY))

    assert [spend for _, spend, _ in end["spend"] if spend] == []


def test_an_older_merge_changes_nothing() -> None:
    tell = Facts(at=START + DAY)
    told = [tell.placed("a", "o1", 10_000), tell.paid("a", "o1"), tell.merged("a", "b", version=5)]

    assert end_of(*told, tell.merged("a", "ann", version=4), told[2]) == end_of(*told)


def test_an_order_that_moves_to_another_customer_takes_its_points_along() -> None:
    tell = Facts(at=START + DAY)
    told = [tell.placed("a", "o1", 10_000), tell.paid("a", "o1"), tell.changed("b", "o1", 10_000, version=2)]

    end = end_of(*told)

    assert (end["balances"]["a"].usable, end["balances"]["b"].usable) == (0, 100)
    assert [spend for _, spend, _ in end["spend"] if spend] == [10_000]
