"""Refunds of which only the sum is known: parts never exceed it, and a refund of everything takes back everything."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.order_ingest.domain.changes import Line, OrderContent, Refund
from services.order_ingest.domain.platforms.spreading import spread

_AT = datetime(2026, 5, 9, tzinfo=UTC)


def _content(*lines: tuple[int, int], shipping_minor: int = 0) -> OrderContent:
    return OrderContent(
        number=None,
        placed_at=_AT,
        currency="USD",
        tax_included=False,
        financial_status="paid",
        shipping_minor=shipping_minor,
        tax_minor=sum(tax for _, tax in lines),
        discount_minor=0,
        lines=tuple(
            Line(
                external_id=str(number),
                product_id=None,
                title="Mug",
                quantity=1,
                unit_price_minor=total,
                total_minor=total,
                tax_minor=tax,
            )
            for number, (total, tax) in enumerate(lines)
        ),
    )


def _refund(amount_minor: int) -> Refund:
    return Refund(external_id="R", at=_AT, lines=(), shipping_minor=0, amount_minor=amount_minor)


_LINES = st.lists(st.tuples(st.integers(1, 10**7), st.integers(0, 10**6)), min_size=1, max_size=8)


@given(_LINES, st.integers(0, 10**6))
def test_a_refund_of_everything_takes_back_every_line_its_tax_and_shipping(
    lines: list[tuple[int, int]], shipping_minor: int
) -> None:
    content = _content(*lines, shipping_minor=shipping_minor)

    back = spread(_refund(content.total_minor), content)

    assert [(line.amount_minor, line.tax_minor) for line in back.lines] == lines
    assert back.shipping_minor == shipping_minor


@given(_LINES, st.integers(0, 10**6), st.data())
def test_the_parts_of_any_refund_miss_its_sum_by_less_than_a_unit_each(
    lines: list[tuple[int, int]], shipping_minor: int, data: st.DataObject
) -> None:
    content = _content(*lines, shipping_minor=shipping_minor)
    amount = data.draw(st.integers(0, content.total_minor))

    back = spread(_refund(amount), content)

    parts = [*(part for line in back.lines for part in (line.amount_minor, line.tax_minor)), back.shipping_minor]
    assert amount - len(parts) < sum(parts) <= amount
    assert all(line.amount_minor <= paid for line, (paid, _) in zip(back.lines, lines, strict=True))


@given(_LINES, st.data())
def test_no_part_shrinks_when_more_goes_back(lines: list[tuple[int, int]], data: st.DataObject) -> None:
    content = _content(*lines)
    less, more = sorted(data.draw(st.lists(st.integers(0, content.total_minor), min_size=2, max_size=2)))

    first, second = spread(_refund(less), content), spread(_refund(more), content)

    pairs = list(zip(first.lines, second.lines, strict=True))
    assert all(one.amount_minor <= other.amount_minor and one.tax_minor <= other.tax_minor for one, other in pairs)


def test_a_reduction_is_no_line_that_could_come_back() -> None:
    back = spread(_refund(900), _content((1000, 0), (-100, 0)))

    assert [(line.line_id, line.amount_minor) for line in back.lines] == [("0", 900)]


def test_more_than_was_paid_takes_back_no_more_than_everything() -> None:
    back = spread(_refund(5000), _content((1000, 80)))

    assert [(line.amount_minor, line.tax_minor) for line in back.lines] == [(1000, 80)]
