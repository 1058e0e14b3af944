"""Consecutive rows become orders; rows that were lost or stand apart never make an order that looks whole."""

import tracemalloc
from collections.abc import Iterator

import pytest

from services.order_ingest.domain.files import grouping
from services.order_ingest.domain.files.grouping import Group, Grouping, groups
from services.order_ingest.domain.files.rows import Numbered, Refused

_BY_ID = Grouping(by="id")
_WITH_HEAD = Grouping(by="id", head="no")


def _found(*orders: str | None, by: Grouping = _BY_ID) -> list[Group | Refused]:
    """The groups of rows "order" or "order/head"; None is a row that could not be read. The first stands on line 2."""
    rows: list[Numbered | Refused] = []
    for line, order in enumerate(orders, start=2):
        if order is None:
            rows.append(Refused(line, "short"))
        else:
            name, _, head = order.partition("/")
            rows.append((line, {"id": name, "no": head}))
    return list(groups(rows, by))


def _shape(found: list[Group | Refused]) -> list[tuple[str, int, int]]:
    return [(group.order, group.line, len(group.rows)) for group in found if isinstance(group, Group)]


def _complaints(found: list[Group | Refused]) -> list[bool]:
    return [group.complaint is not None for group in found if isinstance(group, Group)]


def test_consecutive_rows_of_one_order_are_one_group() -> None:
    found = _found("a", "a", "b", "c", "c")

    assert _shape(found) == [("a", 2, 2), ("b", 4, 1), ("c", 5, 2)]
    assert not any(_complaints(found))


def test_a_new_head_begins_an_order_of_the_same_name() -> None:
    assert _shape(_found("a/1", "a", "a/2", "a", by=_WITH_HEAD)) == [("a", 2, 2), ("a", 4, 2)]


def test_a_head_that_repeats_begins_nothing() -> None:
    assert _shape(_found("a/1", "a/1", by=_WITH_HEAD)) == [("a", 2, 2)]


def test_single_rows_are_orders_of_their_own() -> None:
    found = _found("a", None, "b", by=Grouping(by="id", single=True))

    assert _shape(found) == [("a", 2, 1), ("b", 4, 1)]
    assert not any(_complaints(found))


def test_a_lost_row_spoils_the_orders_on_both_sides() -> None:
    found = _found("a", "b", None, "c", "d")

    assert isinstance(found[1], Refused)
    assert _complaints(found) == [False, True, True, False]


def test_a_lost_row_within_an_order_spoils_that_one_alone() -> None:
    assert _complaints(_found("a", "b", None, "b", "c")) == [False, True, False]


def test_a_lost_row_does_not_spoil_an_order_that_begins_after_it() -> None:
    assert _complaints(_found("a/1", None, "b/2", by=_WITH_HEAD)) == [True, False]
    assert _complaints(_found(None, "b", by=_WITH_HEAD)) == [True]


def test_an_order_whose_rows_do_not_stand_together_is_refused_the_second_time() -> None:
    found = _found("a", "b", "a")

    assert _complaints(found) == [False, False, True]
    assert isinstance(found[2], Group)
    assert found[2].complaint == "rows of this order stand at line 2 already: its rows must stand together, once"


def test_a_row_of_no_order_is_refused() -> None:
    assert _complaints(_found("", "a")) == [True, False]


def test_no_order_grows_without_bound() -> None:
    rows: Iterator[Numbered | Refused] = ((line, {"id": "a"}) for line in range(2, 5_000))
    (group,) = groups(rows, _BY_ID)

    assert isinstance(group, Group)
    assert len(group.rows) == grouping.MAX_ROWS
    assert group.complaint is not None


@pytest.mark.parametrize("apart", [grouping.REMEMBERED_ORDERS - 1, grouping.REMEMBERED_ORDERS])
def test_so_many_orders_are_remembered_and_no_more(apart: int) -> None:
    rows: list[Numbered | Refused] = [(n, {"id": str(n)}) for n in range(apart + 1)]
    rows.append((apart + 1, {"id": "0"}))

    *_, last = groups(rows, _BY_ID)

    assert isinstance(last, Group)
    assert (last.complaint is not None) == (apart < grouping.REMEMBERED_ORDERS)


def test_what_is_remembered_of_past_orders_has_a_bound() -> None:
    rows: Iterator[Numbered | Refused] = ((line, {"id": f"order-{line:030}"}) for line in range(2, 40_002))
    tracemalloc.start()
    try:
        count = sum(1 for _ in groups(rows, _BY_ID))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert count == 40_000
    assert peak < 3 * 1024 * 1024
