"""One reading of an order's discounts and taxes makes its total; if none does, both figures are said."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.order_ingest.domain.files.amounts import Tender
from services.order_ingest.domain.files.errors import Unconvertible
from services.order_ingest.domain.files.settling import Bill, Settled, settle

_USD = Tender("USD")
_PLAIN = Bill(gross=(6_000, 4_000), line_discounts=(0, 0), discount=0, shipping=500, tax=0, total=10_500)


def _settled(**changes: object) -> Settled:
    return settle(replace(_PLAIN, **changes), _USD)  # type: ignore[arg-type]


def test_without_discounts_the_prices_stand() -> None:
    assert _settled() == Settled(discounts=(0, 0), shipping=500, tax_included=False)


def test_an_order_s_discount_is_shared_by_price() -> None:
    assert _settled(discount=1_001, total=9_499).discounts == (601, 400)


def test_an_order_s_discount_may_contain_those_of_the_lines() -> None:
    assert _settled(discount=1_500, line_discounts=(0, 1_000), total=9_000).discounts == (333, 1_167)


def test_an_order_s_discount_may_come_on_top_of_those_of_the_lines() -> None:
    assert _settled(discount=1_500, line_discounts=(0, 1_000), total=8_000).discounts == (1_000, 1_500)


def test_a_line_s_discount_may_be_all_there_is() -> None:
    assert _settled(line_discounts=(0, 1_000), total=9_500).discounts == (0, 1_000)


def test_a_line_s_discount_may_be_in_its_price_already() -> None:
    assert _settled(line_discounts=(0, 1_000)).discounts == (0, 0)


def test_a_discount_of_more_than_its_line_is_shared_instead() -> None:
    assert _settled(line_discounts=(0, 5_000), total=5_500).discounts == (3_000, 2_000)


@pytest.mark.parametrize(("total", "included"), [(12_500, False), (10_500, True)])
def test_the_total_tells_whether_prices_hold_the_tax(total: int, included: bool) -> None:
    assert _settled(tax=2_000, total=total).tax_included is included


def test_the_subtotal_decides_between_a_discount_and_a_tax_of_one_size() -> None:
    like_a_discount = _settled(discount=500, tax=500, total=10_500, subtotal=9_500)
    like_a_price = _settled(discount=500, tax=500, total=10_500, subtotal=10_000, tax_included=None)

    assert like_a_discount == Settled(discounts=(300, 200), shipping=500, tax_included=False)
    assert like_a_price.discounts == (0, 0)


def test_without_a_subtotal_the_larger_discount_wins() -> None:
    assert _settled(discount=500, tax=500, total=10_500).discounts == (300, 200)


def test_shipping_is_left_alone_if_it_can_be() -> None:
    # With a tax of the same size as the line's discount, 8.00 off and taxes on top would make the total as well.
    found = _settled(discount=500, line_discounts=(0, 300), tax=300, total=10_000, subtotal=9_500)

    assert (found.shipping, found.tax_included) == (500, True)


def test_what_the_subtotal_does_not_explain_came_off_shipping() -> None:
    assert _settled(discount=500, total=10_000, subtotal=10_000) == Settled(
        discounts=(0, 0), shipping=0, tax_included=False
    )


def test_the_owner_s_word_on_taxes_is_final() -> None:
    with pytest.raises(Unconvertible):
        _settled(tax=2_000, total=10_500, tax_included=False)


def test_a_total_that_nothing_makes_is_refused_with_both_figures() -> None:
    with pytest.raises(Unconvertible, match=r"stated total is 99\.99 USD, .* make 105\.00 USD"):
        _settled(total=9_999)


def test_a_negative_price_is_refused() -> None:
    with pytest.raises(Unconvertible, match="negative"):
        _settled(gross=(-1, 4_000))


def test_an_order_without_lines_may_be_all_shipping() -> None:
    assert settle(replace(_PLAIN, gross=(), line_discounts=(), total=500), _USD).discounts == ()


@given(
    gross=st.lists(st.integers(0, 10**9), min_size=1, max_size=20),
    share=st.integers(0, 100),
    shipping=st.integers(0, 10**6),
    tax=st.integers(0, 10**6),
)
def test_what_is_settled_makes_the_total_and_no_line_is_negative(
    gross: list[int], share: int, shipping: int, tax: int
) -> None:
    discount = sum(gross) * share // 100
    total = sum(gross) - discount + shipping + tax
    bill = Bill(
        gross=tuple(gross),
        line_discounts=(0,) * len(gross),
        discount=discount,
        shipping=shipping,
        tax=tax,
        total=total,
    )

    found = settle(bill, _USD)

    paid = [price - less for price, less in zip(gross, found.discounts, strict=True)]
    assert min(paid) >= 0
    assert sum(paid) + found.shipping + (0 if found.tax_included else tax) == total
