"""Consent: the same decision in every order, and a no that stays a no."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.messaging.domain.consent import Consent, Made, State, Statement, heard, strictest

START = datetime(2026, 1, 1, tzinfo=UTC)


def said(state: State, hour: int, made: Made = "act") -> Statement:
    return Statement(state, START + timedelta(hours=hour), made, source=f"{made} at {hour}")


def after(*statements: Statement) -> Consent:
    return reduce(heard, statements, Consent())


STATEMENTS = st.builds(
    said,
    st.sampled_from(["unknown", "pending_double_opt_in", "subscribed", "unsubscribed"]),
    st.integers(0, 5),
    st.sampled_from(["here", "act", "snapshot"]),
)


def test_nobody_said_anything_means_no() -> None:
    assert Consent().state == "unknown"


def test_newest_statement_holds() -> None:
    assert after(said("subscribed", 2), said("unsubscribed", 1)).state == "subscribed"
    assert after(said("subscribed", 1), said("unsubscribed", 2)).state == "unsubscribed"


def test_tie_goes_to_the_withdrawal() -> None:
    assert after(said("subscribed", 1), said("unsubscribed", 1)).state == "unsubscribed"
    assert after(said("unsubscribed", 1, "snapshot"), said("subscribed", 1)).state == "unsubscribed"


def test_snapshot_lifts_what_was_said_elsewhere() -> None:
    assert after(said("unsubscribed", 1), said("subscribed", 2, "snapshot")).state == "subscribed"


def test_snapshot_never_lifts_a_withdrawal_made_here() -> None:
    assert after(said("unsubscribed", 1, "here"), said("subscribed", 5, "snapshot")).state == "unsubscribed"


def test_withdrawal_here_stands_behind_a_later_one_elsewhere() -> None:
    consent = after(said("unsubscribed", 1, "here"), said("unsubscribed", 2), said("subscribed", 3, "snapshot"))

    assert consent.state == "unsubscribed"


def test_customers_own_subscription_lifts_a_withdrawal_made_here() -> None:
    consent = after(said("unsubscribed", 1, "here"), said("subscribed", 2))

    assert consent.state == "subscribed"
    assert heard(consent, said("unsubscribed", 3, "snapshot")).state == "unsubscribed"


@given(st.lists(STATEMENTS, max_size=5))
def test_order_and_repetition_do_not_matter(statements: list[Statement]) -> None:
    expected = after(*statements).state

    for order in permutations(statements):
        assert after(*order, *order[:2]).state == expected


@given(st.lists(STATEMENTS, max_size=4), st.lists(STATEMENTS, max_size=4))
def test_of_two_persons_who_were_one_the_stricter_holds(one: list[Statement], other: list[Statement]) -> None:
    first, second = after(*one), after(*other)

    both = strictest(first, second)

    if "unsubscribed" in (first.state, second.state):
        assert both.state == "unsubscribed"
    if both.state == "subscribed":
        assert all(not found or consent.state == "subscribed" for consent, found in ((first, one), (second, other)))
    assert strictest(second, first).state == both.state


@pytest.mark.parametrize("later", ["subscribed", "unknown"])
def test_merged_withdrawal_made_here_stays_safe_from_snapshots(later: State) -> None:
    both = strictest(after(said("unsubscribed", 1, "here")), after(said("unsubscribed", 2)))

    assert heard(both, said(later, 9, "snapshot")).state == "unsubscribed"


def test_who_never_said_anything_is_not_strict() -> None:
    assert strictest(Consent(), after(said("subscribed", 1))).state == "subscribed"
