"""Money never appears, vanishes or mixes."""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libs.kernel.money import (
    CurrencyMismatch,
    Money,
    MoneyError,
    TooManyDecimals,
    UnknownCurrency,
    allocate,
    exponent,
    from_minor,
    to_minor,
)


@pytest.mark.parametrize(("currency", "decimals"), [("CNY", 2), ("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)])
def test_exponent_is_that_of_iso_4217(currency: str, decimals: int) -> None:
    assert exponent(currency) == decimals


@pytest.mark.parametrize("code", ["XXX", "cny", "", "EURO"])
def test_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(UnknownCurrency):
        exponent(code)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("19.99", "CNY", 1999), ("19.9", "CNY", 1990), ("-0.01", "EUR", -1), ("1990", "JPY", 1990), ("1.5", "KWD", 1500)],
)
def test_amount_in_minor_units(amount: str, currency: str, minor: int) -> None:
    assert to_minor(Decimal(amount), currency) == minor


def test_finer_than_the_currency_is_refused_unless_rounding_is_said() -> None:
    with pytest.raises(TooManyDecimals):
        to_minor(Decimal("0.125"), "CNY")
    assert to_minor(Decimal("0.125"), "CNY", rounding=ROUND_HALF_EVEN) == 12
    assert to_minor(Decimal("0.125"), "CNY", rounding=ROUND_HALF_UP) == 13


def test_trailing_zeros_are_no_decimals() -> None:
    assert to_minor(Decimal("5.5000"), "USD") == 550


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_no_amount(amount: str) -> None:
    with pytest.raises(MoneyError):
        to_minor(Decimal(amount), "CNY")


@given(st.integers(-(10**40), 10**40), st.sampled_from(["CNY", "JPY", "KWD", "CLF"]))
def test_minor_units_round_trip(amount_minor: int, currency: str) -> None:
    assert to_minor(from_minor(amount_minor, currency), currency) == amount_minor


def test_from_minor_has_the_decimals_of_the_currency() -> None:
    assert str(from_minor(1990, "CNY")) == "19.90"
    assert str(from_minor(-5, "CNY")) == "-0.05"
    assert str(from_minor(1990, "JPY")) == "1990"


def test_money_adds_and_subtracts_within_a_currency() -> None:
    assert Money(1999, "CNY") + Money(1, "CNY") == Money(2000, "CNY")
    assert Money(1999, "CNY") - Money(2000, "CNY") == Money(-1, "CNY")


def test_money_of_two_currencies_is_refused() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "CNY") + Money(1, "EUR")
    with pytest.raises(CurrencyMismatch):
        Money(1, "CNY") - Money(1, "EUR")


WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=30)


@given(st.integers(-(10**12), 10**12), WEIGHTS)
@example(100, [1, 1, 1])
@example(5, [0, 0])
def test_allocated_shares_add_up(total: int, weights: list[int]) -> None:
    assert sum(allocate(total, weights)) == total


@given(st.integers(0, 10**12), WEIGHTS.filter(any))
def test_allocated_share_is_less_than_one_from_its_proportion(total: int, weights: list[int]) -> None:
    whole = sum(weights)

    for share, weight in zip(allocate(total, weights), weights, strict=True):
        assert abs(share * whole - total * weight) < whole


def test_largest_remainder_gets_the_odd_unit_and_ties_go_first() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(10, [1, 2]) == [3, 7]
    assert allocate(-100, [1, 1, 1]) == [-34, -33, -33]


@pytest.mark.parametrize("weights", [[], [1, -1]])
def test_shares_without_sense_are_refused(weights: list[int]) -> None:
    with pytest.raises(MoneyError):
        allocate(1, weights)
