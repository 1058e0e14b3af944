"""One order told in every order: what must be the same at the end, whatever came first."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from libs.contracts.envelope import Event
from tests.services.loyalty.facts import DAY, START, Facts


def life_of_an_order(tell: Facts) -> list[Event[Any]]:
    """Placed, paid, edited, refunded twice, and cancelled never: a version for each way to be late."""
    tell.at = START + DAY
    return [
        tell.placed("ann", "o1", 3_000, 1_050, 777, gifts=(2,), version=1),
        tell.changed("ann", "o1", 2_500, 1_050, 777, gifts=(2,), version=2),
        tell.paid("ann", "o1"),
        tell.refunded("ann", "o1", 300, 0, 777),
        tell.refunded("ann", "o1", 300, 455, 777, refund="r2"),
    ]


def merged_life(tell: Facts) -> list[Event[Any]]:
    """An order by a, a merged into b, and a refund of that order which names b."""
    tell.at = START + DAY
    return [
        tell.placed("a", "o1", 10_000),
        tell.paid("a", "o1"),
        tell.merged("a", "b"),
        tell.refunded("b", "o1", 2_500),
    ]


def unmerged_life(tell: Facts) -> tuple[list[Event[Any]], list[Event[Any]]]:
    """What is told under a and what under b: a's order, the merge of a into b, and its undoing; later facts name a."""
    tell.at = START + DAY
    apart = tell.unmerged("a", "b", "o1")
    under_a = [
        tell.placed("a", "o1", 10_000),
        tell.paid("a", "o1"),
        tell.merged("a", "b"),
        apart[0],
        tell.placed("a", "o3", 7_000),
        tell.paid("a", "o3"),
        tell.refunded("a", "o1", 6_000, refund="r2"),
    ]
    under_b = [
        tell.placed("b", "o2", 30_000),
        tell.paid("b", "o2"),
        tell.changed("b", "o1", 12_000, version=2),
        tell.refunded("b", "o1", 2_000),
        apart[1],
    ]
    return under_a, under_b


def woven(one: list[Any], other: list[Any]) -> Iterator[list[Any]]:
    """Both in every way in which each keeps its order."""
    places = range(len(one) + len(other))
    for chosen in combinations(places, len(one)):
        first, second = iter(one), iter(other)
        yield [next(first) if place in chosen else next(second) for place in places]


def reassigned_life(tell: Facts) -> list[Event[Any]]:
    """An order by a, told again as b's, and a merged into b at some time."""
    tell.at = START + DAY
    return [
        tell.placed("a", "o1", 10_000),
        tell.paid("a", "o1"),
        tell.merged("a", "b"),
        tell.changed("b", "o1", 12_000, version=2),
    ]
