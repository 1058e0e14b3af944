"""A merge undone: each is written to under their own word and address again, in whatever order it is heard."""

from itertools import combinations
from typing import Any

import pytest

from libs.contracts.envelope import Event
from tests.services.messaging.facts import consented, erased, hashed, ident, merchant, merged, registered, unmerged
from tests.services.messaging.messaging import Messaging

_CASES: dict[str, tuple[list[Any], list[Any], str | None, str | None]] = {
    "only the restored one ever said yes": ([("subscribed", 0)], [], "subscribed", None),
    "only the restored one ever said no": ([("unsubscribed", 0)], [], "unsubscribed", None),
    "the restored one said no, the survivor yes": (
        [("unsubscribed", 0)],
        [("subscribed", 5)],
        "unsubscribed",
        "subscribed",
    ),
    "the survivor said no, the restored one yes": (
        [("subscribed", 0)],
        [("unsubscribed", 5)],
        "subscribed",
        "unsubscribed",
    ),
    "only the survivor ever said anything": ([], [("subscribed", 5)], None, "subscribed"),
}


def _lanes(a: str, b: str, said_by_a: list[Any], said_by_b: list[Any]) -> tuple[list[Event[Any]], list[Event[Any]]]:
    """What is told under a and what under b; both are described anew after the undoing."""
    apart = unmerged(a, b)
    under_a = [registered(a), *(consented(a, state, minutes=at, source="a") for state, at in said_by_a)]
    under_b = [registered(b), *(consented(b, state, minutes=at, source="b") for state, at in said_by_b)]
    return (
        [*under_a, merged(a, b), apart[0], registered(a, version=4)],
        [*under_b, apart[1], registered(b, version=4)],
    )


@pytest.mark.parametrize("case", _CASES)
@pytest.mark.parametrize("batch", [1, 3, 500])
async def test_every_interleaving_ends_as_if_they_had_never_been_one(
    messaging: Messaging, case: str, batch: int
) -> None:
    said_by_a, said_by_b, a_state, b_state = _CASES[case]
    await messaging.apply(merchant())
    count = len(_lanes("a", "b", said_by_a, said_by_b)[0])
    places = range(sum(map(len, _lanes("a", "b", said_by_a, said_by_b))))

    ways = list(combinations(places, count))
    for n, chosen in enumerate(ways):
        first, second = map(iter, _lanes(f"a{n}", f"b{n}", said_by_a, said_by_b))
        await messaging.apply(*(next(first) if place in chosen else next(second) for place in places), batch=batch)

    consents = {row["customer_id"]: row["state"] for row in await messaging.rows("SELECT * FROM consent")}
    contacts = {row["customer_id"]: row for row in await messaging.rows("SELECT * FROM contact")}
    for n, chosen in enumerate(ways):
        for name, state in ((f"a{n}", a_state), (f"b{n}", b_state)):
            customer_id = ident("customer", name)
            assert consents.get(customer_id) == state, (name, chosen)
            assert contacts[customer_id]["merged_into"] is None, (name, chosen)
            assert contacts[customer_id]["email_hash"] == hashed(name), (name, chosen)


async def test_a_newer_merge_stands_against_a_late_undoing(messaging: Messaging) -> None:
    apart = unmerged("a", "b")
    told = [registered("a"), consented("a"), merged("a", "b"), apart[0], merged("a", "b", version=4), apart[1]]

    await messaging.apply(merchant(), registered("b"), *told, batch=1)

    rows = await messaging.rows("SELECT customer_id, state FROM consent")
    assert [(row["customer_id"], row["state"]) for row in rows] == [(ident("customer", "b"), "subscribed")]


async def test_nothing_comes_back_of_who_was_erased(messaging: Messaging) -> None:
    told = [registered("a"), registered("b"), consented("a"), merged("a", "b"), erased("b"), *unmerged("a", "b")]

    await messaging.apply(merchant(), *told, batch=1)

    assert await messaging.rows("SELECT * FROM consent") == []
