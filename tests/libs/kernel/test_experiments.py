"""The arm is the same everywhere and in proportion."""

from collections import Counter
from uuid import UUID

import pytest

from libs.kernel.experiments import arm

EXPERIMENT = UUID("0198c0de-0000-7000-8000-000000000001")


def _customer(number: int) -> UUID:
    return UUID(int=number)


def test_arm_is_fixed_for_ever() -> None:
    """A change of this value would move customers between the arms of running experiments."""
    drawn = [arm(EXPERIMENT, "salt", _customer(number), {"control": 1, "treated": 1}) for number in range(8)]

    assert drawn == ["treated", "control", "control", "treated", "control", "treated", "control", "treated"]


def test_order_of_the_shares_is_irrelevant() -> None:
    for number in range(50):
        one = arm(EXPERIMENT, "salt", _customer(number), {"a": 3, "b": 7})
        assert one == arm(EXPERIMENT, "salt", _customer(number), {"b": 7, "a": 3})


def test_customers_spread_in_proportion() -> None:
    counted = Counter(arm(EXPERIMENT, "salt", _customer(number), {"a": 10, "b": 90}) for number in range(10_000))

    assert 900 < counted["a"] < 1100


def test_salt_deals_again() -> None:
    shares = {"a": 1, "b": 1}
    moved = sum(
        arm(EXPERIMENT, "one", _customer(number), shares) != arm(EXPERIMENT, "two", _customer(number), shares)
        for number in range(1000)
    )

    assert 400 < moved < 600


def test_empty_share_is_never_drawn() -> None:
    assert {arm(EXPERIMENT, "s", _customer(number), {"a": 0, "b": 1}) for number in range(200)} == {"b"}


@pytest.mark.parametrize("shares", [{}, {"a": 0}, {"a": 2, "b": -1}])
def test_shares_without_sense_are_refused(shares: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="shares"):
        arm(EXPERIMENT, "s", _customer(1), shares)
