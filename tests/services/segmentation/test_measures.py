"""Every measure against plain loops over the same facts, on all that is known and at instants of the past."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.segmentation.application.ports import Measures
from services.segmentation.domain.months import months_of
from services.segmentation.domain.repurchase import matured_cohort
from services.segmentation.domain.rfm import GROUPS, group_of, value_score
from tests.services.segmentation.conftest import Folded
from tests.services.segmentation.facts import Teller, at, ident
from tests.services.segmentation.histories import DAYS, TICK, histories, told
from tests.services.segmentation.oracle import Oracle

WINDOW = timedelta(days=90)
_shops = count()
# The fold and its tables outlive the examples: each example is a merchant of its own.
sharing = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# At, just before and just after every instant from which an order of the histories is 90 or 180 days old.
instants = st.builds(
    lambda day, age, ticks: at(day + age) + ticks * TICK,
    st.sampled_from(DAYS),
    st.sampled_from((0, 90, 180)),
    st.sampled_from((-1, 0, 1)),
)


async def folded_shop(folded: Folded, stories: list[dict[str, Any]]) -> tuple[Teller, Oracle, Measures]:
    tell = Teller(merchant_id=ident("shop", next(_shops)))
    events = [tell.merchant(), *told(tell, stories)]
    await folded.apply(events, batch=7)
    return tell, Oracle.of(events), folded.reads.measures


async def assert_repurchases(shop: tuple[Teller, Oracle, Measures], now: datetime, as_of: datetime | None) -> None:
    tell, oracle, measures = shop
    found = await measures.repurchases(tell.merchant_id, as_of, matured_cohort(now), WINDOW)
    assert (found.cohort, found.repurchased, found.anonymous) == oracle.repurchases(now, as_of)


@sharing
@given(histories, instants)
async def test_the_repurchase_rate_is_that_of_plain_loops(
    folded: Folded, stories: list[dict[str, Any]], instant: datetime
) -> None:
    shop = await folded_shop(folded, stories)

    await assert_repurchases(shop, instant, instant)
    await assert_repurchases(shop, instant, None)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (timedelta(days=-180), timedelta(days=-90), (1, 1, 0)),
        (timedelta(days=-180) - TICK, timedelta(days=-100), (0, 0, 0)),
        (timedelta(days=-90), timedelta(days=-1), (0, 0, 0)),
        (timedelta(days=-90) - TICK, -TICK, (1, 1, 0)),
        (timedelta(days=-100), timedelta(days=-10), (1, 1, 0)),
        (timedelta(days=-100), timedelta(days=-10) + TICK, (1, 0, 0)),
        (timedelta(days=-100), timedelta(days=-100), (1, 0, 0)),
    ],
)
async def test_the_ends_of_cohort_and_window_are_where_they_are_said_to_be(
    folded: Folded, first: timedelta, second: timedelta, expected: tuple[int, int, int]
) -> None:
    now, tell = at(400), Teller(merchant_id=ident("shop", next(_shops)))
    await folded.apply([tell.merchant(), tell.placed(1, "a", now + first), tell.placed(2, "a", now + second)])

    for as_of in (None, now):
        found = await folded.reads.measures.repurchases(tell.merchant_id, as_of, matured_cohort(now), WINDOW)
        assert (found.cohort, found.repurchased, found.anonymous) == expected


@sharing
@given(histories, st.none() | instants)
async def test_rfm_scores_and_groups_are_those_of_plain_loops(
    folded: Folded, stories: list[dict[str, Any]], as_of: datetime | None
) -> None:
    tell, oracle, measures = await folded_shop(folded, stories)
    expected = oracle.rfm(as_of)

    rfm = await measures.rfm(tell.merchant_id, as_of)
    scored = {}
    for group in GROUPS:
        _, rows = await measures.rfm_customers(tell.merchant_id, as_of, group, after=None, limit=100)
        for buyer, cell in rows:
            scored[buyer.customer_id] = (cell.recency, cell.frequency, cell.monetary)
            assert group_of(cell.recency, value_score(cell.frequency, cell.monetary)) is group

    assert scored == expected
    assert {(c.recency, c.frequency, c.monetary): c.customers for c in rfm.cells} == {
        scores: list(expected.values()).count(scores) for scores in expected.values()
    }
    assert sum(c.spend_minor for c in rfm.cells) == sum(s.spend_minor for s in oracle.identified(as_of).values())
    assert rfm.anonymous == len(oracle.buyers(as_of)) - len(expected)


@sharing
@given(histories, st.none() | instants)
async def test_top_customers_and_the_summary_are_those_of_plain_loops(
    folded: Folded, stories: list[dict[str, Any]], as_of: datetime | None
) -> None:
    tell, oracle, measures = await folded_shop(folded, stories)
    identified, everybody = oracle.identified(as_of), oracle.buyers(as_of)

    _, top = await measures.top_customers(tell.merchant_id, as_of, limit=4)
    _, known, anonymous = await measures.buyers(tell.merchant_id, as_of)

    ranked = sorted(identified, key=lambda customer: (-identified[customer].spend_minor, customer.bytes))[:4]
    assert [buyer.customer_id for buyer in top] == ranked
    for buyer in top:
        sums = identified[buyer.customer_id]
        assert (buyer.first_order_at, buyer.last_order_at) == (min(sums.instants), max(sums.instants))
    guests = [sums for customer, sums in everybody.items() if customer not in identified]
    for found, group in ((known, list(identified.values())), (anonymous, guests)):
        assert (found.customers, found.repeat_customers) == (len(group), sum(s.orders > 1 for s in group))
        for name in ("orders", "items", "spend_minor", "foreign_orders", "discounted_orders", "refunds"):
            assert getattr(found.counters, name) == sum(getattr(sums, name) for sums in group), name
        assert found.counters.refunded_minor == sum(sums.refunded_minor for sums in group)


@pytest.mark.parametrize(
    ("day", "expected"), [(0, (0, 0, 0)), (1, (1, 1000, 0)), (9, (1, 1000, 0)), (10, (1, 600, 1)), (20, (0, 0, 0))]
)
async def test_what_happened_later_is_taken_back_at_an_instant(
    folded: Folded, day: int, expected: tuple[int, int, int]
) -> None:
    tell = Teller(merchant_id=ident("shop", next(_shops)))
    placed, back = tell.placed(1, "a", at(1)), tell.refunded(1, "a", at(10), [400])
    await folded.apply([tell.merchant(), placed, back, tell.cancelled(1, "a", at(20))])

    _, found, _ = await folded.reads.measures.buyers(tell.merchant_id, at(day))
    sums = await folded.reads.measures.repeat_sums(tell.merchant_id, at(0), at(day))

    assert (found.counters.orders, found.counters.spend_minor, found.counters.refunds) == expected
    assert (sums.orders.total, sums.revenue.total) == expected[:2]


@sharing
@given(histories, instants, st.sampled_from((30, 90, 365)))
async def test_repeat_shares_are_those_of_plain_loops(
    folded: Folded, stories: list[dict[str, Any]], as_of: datetime, days: int
) -> None:
    tell, oracle, measures = await folded_shop(folded, stories)
    starts_at = as_of - timedelta(days=days)

    sums = await measures.repeat_sums(tell.merchant_id, starts_at, as_of)

    found = (sums.orders.total, sums.orders.part, sums.revenue.total, sums.revenue.part)
    assert found == oracle.repeats(starts_at, as_of)
    assert sums.anonymous_orders == sum(
        state.placed_at > starts_at and oracle.owner(state) in oracle.anonymous for state in oracle.counted(as_of)
    )


@sharing
@given(histories)
async def test_profiles_are_those_of_plain_loops(folded: Folded, stories: list[dict[str, Any]]) -> None:
    tell, oracle, _ = await folded_shop(folded, stories)
    qualifying = oracle.qualifying()

    for customer_id, sums in oracle.buyers().items():
        profile = await folded.reads.profiles.profile(tell.merchant_id, customer_id)
        assert profile is not None
        counters, edges = profile.customer.counters, profile.customer.edges
        for name in ("orders", "items", "spend_minor", "foreign_orders", "discounted_orders", "refunds"):
            assert getattr(counters, name) == getattr(sums, name), name
        assert (edges.first_order_at, edges.last_order_at) == (min(sums.instants), max(sums.instants))
        distinct = sorted(set(qualifying.get(customer_id, ())))
        assert (edges.first_qualifying_at, edges.second_qualifying_at) == (*distinct, None, None)[:2]
        assert months_of(profile.customer.month_mask) == sorted(sums.months)
