"""Deliveries of one order as they came, and the same in any other order with repetitions."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from tests.services.order_ingest.desk import Desk, Sent


@st.composite
def shuffles(draw: st.DrawFn, deliveries: Sequence[Sent]) -> tuple[list[Sent], list[Sent]]:
    """Some of the deliveries, and the same in another order with repetitions."""
    chosen = draw(st.lists(st.sampled_from(deliveries), min_size=1, max_size=8, unique_by=id))
    repeated = draw(st.lists(st.sampled_from(chosen), max_size=5))
    return chosen, draw(st.permutations([*chosen, *repeated]))


def applied(*sent: Sent) -> Desk:
    """A desk that has applied the deliveries."""
    desk = Desk()
    desk.apply(*sent)
    return desk


def assert_alike(straight: Sequence[Sent], shuffled: Sequence[Sent]) -> None:
    """Both end in the same orders, and in the same state told."""
    one, other = applied(*straight), applied(*shuffled)
    assert other.final() == one.final()
    assert other.heard() == one.heard()


def heard_but_not_when(desk: Desk, *ends: str) -> dict[UUID, dict[Any, Any]]:
    """What a consumer ends with, but when the order came to these `ends`: that is told as of the first sighting."""
    return {
        order_id: {name: True if name in ends else said for name, said in state.items()}
        for order_id, state in desk.heard().items()
    }
