"""RFM: how recently, how often and for how much a customer bought, each scored 1 to 5.

Boundaries are the quintiles of the values themselves: the k-th is the smallest value that at least k/5 of the
customers do not exceed. A score is 1 + the number of boundaries below the value, so that equal values always score
alike (ranks cut into fifths would tear them apart, differently on every run). Recency is the instant of the last
order: later is better. Customers in it: not anonymous, with at least one counted order.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Group:
    """Customers whose recency score and value score both lie in the closed ranges."""

    name: str
    recency: tuple[int, int]
    value: tuple[int, int]
    meaning: str


GROUPS: Final = (
    Group("champions", (4, 5), (4, 5), "bought lately, often and for much"),
    Group("loyal", (3, 3), (4, 5), "buy often and for much, not just now"),
    Group("potential_loyalists", (4, 5), (2, 3), "bought lately, on their way up"),
    Group("new_customers", (4, 5), (1, 1), "bought lately for the first time or for little"),
    Group("need_attention", (3, 3), (3, 3), "middling in everything: easily won or lost"),
    Group("about_to_sleep", (3, 3), (1, 2), "small customers who have not been here for a while"),
    Group("cannot_lose", (1, 2), (5, 5), "were among the best, and stay away"),
    Group("at_risk", (1, 2), (3, 4), "were good, and stay away"),
    Group("hibernating", (2, 2), (1, 2), "small customers, away for long"),
    Group("lost", (1, 1), (1, 2), "small customers, away longest"),
)
"""A partition: each pair of recency and value score lies in exactly one group."""


def value_score(frequency: int, monetary: int) -> int:
    """The mean of the frequency and the monetary score, halves rounded up."""
    return (frequency + monetary + 1) // 2


def group_of(recency: int, value: int) -> Group:
    """The group of a pair of scores."""
    for group in GROUPS:
        if group.recency[0] <= recency <= group.recency[1] and group.value[0] <= value <= group.value[1]:
            return group
    raise ValueError(f"scores {recency} and {value} are not 1 to 5")
