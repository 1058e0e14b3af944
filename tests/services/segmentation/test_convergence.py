"""The same facts in any order, any number of times, cut into any batches, end in the same rows."""

from itertools import combinations, count, permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.contracts.envelope import Event
from tests.services.segmentation.conftest import Folded
from tests.services.segmentation.facts import Teller, at, ident
from tests.services.segmentation.histories import order, order_facts

_shops = count()
sharing = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def shop() -> Teller:
    return Teller(merchant_id=ident("converging shop", next(_shops)))


async def state_after(folded: Folded, tell: Teller, events: list[Event[Any]], batch: int = 500) -> Any:
    await folded.apply(events, batch=batch)
    return await folded.state(tell.merchant_id)


def one_order(tell: Teller, story: dict[str, Any]) -> list[Event[Any]]:
    people = [tell.customer(name, anonymous=name.startswith("guest")) for name in ("a", "b", "guest 1")]
    # Two orders before, so that the one in question moves its customer in and out of the segment.
    before = [
        tell.placed(name, "a", at(day), prices=(100, 100), discount_minor=5) for name, day in (("x", 1), ("y", 90))
    ]
    return [tell.merchant(), *people, *before, *order_facts(tell, "z", story)]


@sharing
@given(order(), st.data())
async def test_any_permutation_and_repetition_of_an_orders_facts_gives_the_same_profile(
    folded: Folded, story: dict[str, Any], data: st.DataObject
) -> None:
    straight, shuffled = shop(), shop()
    facts = one_order(shuffled, story)
    repeated = facts + data.draw(st.lists(st.sampled_from(facts), max_size=5))
    batch = data.draw(st.sampled_from((1, 2, 3, 500)))

    expected = await state_after(folded, straight, one_order(straight, story))
    found = await state_after(folded, shuffled, data.draw(st.permutations(repeated)), batch)

    assert found == expected


def merge_facts(tell: Teller) -> list[Event[Any]]:
    return [
        tell.placed("z", "a", at(10), prices=(500, 600, 700), discount_minor=1),
        tell.merged("a", "b"),
        tell.refunded("z", "b", at(20), [200]),
        tell.placed("w", "b", at(5), prices=(300,)),
    ]


@pytest.mark.parametrize("batch", [1, 2, 500])
async def test_every_interleaving_of_an_order_a_merge_and_a_refund_ends_the_same(folded: Folded, batch: int) -> None:
    first = shop()
    expected = await state_after(folded, first, [first.merchant(), *merge_facts(first)])
    survivor = next(row for row in expected["customers"] if row["customer_id"] == ident("customer", "b"))
    assert (survivor["orders"], survivor["spend_minor"], survivor["refunds"]) == (2, 1900, 1)
    assert (survivor["first_qualifying_at"], survivor["second_qualifying_at"]) == (at(5), at(10))
    assert [row["customer_id"] for row in expected["members"]] == [ident("customer", "b")]
    assert {row["customer_id"] for row in expected["timeline"]} == {ident("customer", "b")}

    for way in permutations(range(4)):
        other = shop()
        facts = merge_facts(other)
        found = await state_after(folded, other, [other.merchant(), *(facts[place] for place in way)], batch)
        assert found == expected, way


def chain_facts(tell: Teller) -> list[Event[Any]]:
    return [
        tell.placed("z", "a", at(10), prices=(500,)),
        tell.merged("a", "b", version=5),
        tell.merged("b", "c", version=6),
        tell.placed("w", "b", at(5), prices=(300,)),
        tell.cancelled("z", "c", at(20)),
    ]


@pytest.mark.parametrize("batch", [1, 500])
async def test_every_interleaving_of_a_chain_of_merges_ends_the_same(folded: Folded, batch: int) -> None:
    first = shop()
    expected = await state_after(folded, first, [first.merchant(), *chain_facts(first)])
    last = next(row for row in expected["customers"] if row["customer_id"] == ident("customer", "c"))
    assert (last["orders"], last["spend_minor"], last["first_order_at"]) == (1, 300, at(5))

    for way in permutations(range(5)):
        other = shop()
        facts = chain_facts(other)
        found = await state_after(folded, other, [other.merchant(), *(facts[place] for place in way)], batch)
        assert found == expected, way


def undone_facts(tell: Teller) -> tuple[list[Event[Any]], list[Event[Any]]]:
    """What is told under a and what under b: a's orders, its merge into b, and the undoing; later facts name a."""
    apart = tell.unmerged("a", "b", "z", "y")
    under_a = [
        tell.placed("z", "a", at(10), prices=(500, 600), discount_minor=1),
        tell.placed("y", "a", at(80), prices=(900,)),
        tell.merged("a", "b"),
        apart[0],
        tell.refunded("z", "a", at(20), [200]),
    ]
    return under_a, [tell.placed("w", "b", at(5), prices=(300,)), tell.cancelled("y", "b", at(90)), apart[1]]


def without_lives(state: Any) -> Any:
    """The state without what says that there was a merge: versions, and lines about people instead of orders."""
    customers = [
        {name: value for name, value in row.items() if name not in ("merged_version",)} for row in state["customers"]
    ]
    timeline = [row for row in state["timeline"] if row["order_id"] is not None]
    return {**state, "customers": customers, "timeline": timeline}


@pytest.mark.parametrize("batch", [1, 2, 3, 500])
async def test_a_merge_undone_ends_as_if_it_had_never_been_in_every_interleaving(folded: Folded, batch: int) -> None:
    never = shop()
    under_a, under_b = undone_facts(never)
    facts = [event for event in (*under_a, *under_b) if not event.fact.TYPE.startswith("customer.")]
    expected = without_lives(await state_after(folded, never, [never.merchant(), *facts]))
    sums = {row["customer_id"]: (row["orders"], row["spend_minor"]) for row in expected["customers"]}
    assert sums == {ident("customer", "a"): (1, 900), ident("customer", "b"): (1, 300)}

    for chosen in combinations(range(8), 5):
        other = shop()
        first, second = map(iter, undone_facts(other))
        told = [next(first) if place in chosen else next(second) for place in range(8)]
        found = await state_after(folded, other, [other.merchant(), *told], batch)
        assert without_lives(found) == expected, chosen


async def test_a_late_undoing_leaves_a_newer_merge_alone(folded: Folded) -> None:
    merged, again = shop(), shop()
    once = [merged.placed("z", "a", at(10), prices=(500,)), merged.merged("a", "b", version=8)]
    expected = await state_after(folded, merged, [merged.merchant(), *once])
    apart = again.unmerged("a", "b", "z", version=7)
    placed, newer = again.placed("z", "a", at(10), prices=(500,)), again.merged("a", "b", version=8)

    told = [again.merchant(), placed, again.merged("a", "b"), apart[0], newer, apart[1]]

    assert without_lives(await state_after(folded, again, told, batch=1)) == without_lives(expected)


async def test_orders_heard_before_their_merchant_count_once_it_is_registered(folded: Folded) -> None:
    first, late = shop(), shop()

    def facts(tell: Teller) -> list[Event[Any]]:
        placed = [tell.placed(n, "a", at(n), prices=(100, 250), discount_minor=10) for n in range(3)]
        return [*placed, tell.refunded(1, "a", at(9), [50])]

    expected = await state_after(folded, first, [first.merchant(), *facts(first)])
    found = await state_after(folded, late, [*facts(late), late.merchant()], batch=1)

    assert found == expected
    assert [row["spend_minor"] for row in found["customers"]] == [1000]
    assert len(found["members"]) == 1


async def test_the_earliest_of_two_cancellations_stands_whichever_is_heard_first(folded: Folded) -> None:
    for way in permutations(range(3)):
        tell = shop()
        facts = [tell.placed("z", "a", at(1)), tell.cancelled("z", "a", at(9)), tell.cancelled("z", "a", at(4))]
        found = await state_after(folded, tell, [tell.merchant(), *(facts[place] for place in way)], batch=1)
        assert [row["cancelled_at"] for row in found["orders"]] == [at(4)], way


async def test_one_merchants_facts_leave_anothers_rows_alone(folded: Folded) -> None:
    mine, theirs = shop(), shop()
    before = await state_after(folded, mine, [mine.merchant(), mine.placed("z", "a", at(1))])

    await folded.apply([theirs.merchant(), theirs.placed("z", "a", at(2)), theirs.merged("a", "b")])

    assert await folded.state(mine.merchant_id) == before


async def test_batches_of_several_merchants_are_kept_apart(folded: Folded) -> None:
    alone, mine, theirs = shop(), shop(), shop()
    expected = await state_after(folded, alone, [alone.merchant(), *merge_facts(alone)])

    both = [mine.merchant(), theirs.merchant()]
    for one, other in zip(merge_facts(mine), merge_facts(theirs), strict=True):
        both += [one, other]
    await folded.apply(both)

    assert await folded.state(mine.merchant_id) == expected
    assert await folded.state(theirs.merchant_id) == expected
