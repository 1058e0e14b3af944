"""One bit per month with an order."""

from hypothesis import given
from hypothesis import strategies as st

from services.segmentation.domain.months import FIRST_MONTH, months_of, with_month


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 2))))
def test_a_bit_stands_while_an_order_is_left_in_its_month(steps: list[tuple[int, int]]) -> None:
    mask, left = b"", dict[int, int]()
    for place, orders in steps:
        mask = with_month(mask, FIRST_MONTH + place, orders)
        left[place] = orders

    expected = sorted(place for place, orders in left.items() if orders)
    assert months_of(mask) == [f"{2000 + place // 12}-{place % 12 + 1:02d}" for place in expected]


def test_an_order_before_the_first_month_sets_no_bit() -> None:
    assert with_month(b"\x01", FIRST_MONTH - 1, 1) == b"\x01"


def test_no_bit_is_no_byte() -> None:
    assert with_month(with_month(b"", FIRST_MONTH + 300, 1), FIRST_MONTH + 300, 0) == b""
