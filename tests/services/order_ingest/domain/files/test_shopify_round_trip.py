"""Any order written in the shape of Shopify's export comes back with the same figures."""

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from libs.kernel.money import allocate, from_minor
from tests.services.order_ingest.domain.files.exports import only
from tests.services.order_ingest.domain.files.shapes import shopify, shopify_head, shopify_line


@dataclass(frozen=True)
class _Sale:
    currency: str
    lines: tuple[tuple[str, int, int], ...]
    line_discounts: tuple[int, ...]
    order_discount: int
    discount_holds_lines: bool
    shipping: int
    tax: int
    tax_included: bool

    @property
    def gross(self) -> int:
        return sum(price * quantity for _, price, quantity in self.lines)

    @property
    def subtotal(self) -> int:
        return self.gross - self.order_discount - sum(self.line_discounts)

    @property
    def total(self) -> int:
        return self.subtotal + self.shipping + (0 if self.tax_included else self.tax)

    def money(self, amount_minor: int) -> str:
        return f"{Decimal(from_minor(amount_minor, self.currency)):f}"


_TITLES = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1).filter(str.strip)


@st.composite
def _sales(draw: st.DrawFn) -> _Sale:
    lines = tuple(draw(st.lists(st.tuples(_TITLES, st.integers(0, 10**7), st.integers(1, 99)), min_size=1, max_size=6)))
    gross = [price * quantity for _, price, quantity in lines]
    line_discounts = tuple(draw(st.integers(0, amount)) for amount in gross)
    return _Sale(
        currency=draw(st.sampled_from(("USD", "EUR", "JPY", "TWD", "KWD", "CLP"))),
        lines=lines,
        line_discounts=line_discounts,
        order_discount=draw(st.integers(0, sum(gross) - sum(line_discounts))),
        discount_holds_lines=draw(st.booleans()),
        shipping=draw(st.integers(0, 10**6)),
        tax=draw(st.integers(0, 10**6)),
        tax_included=draw(st.booleans()),
    )


def _file(sale: _Sale) -> str:
    rows = [
        {
            "Lineitem_name": title,
            "Lineitem_price": sale.money(price),
            "Lineitem_quantity": str(quantity),
            "Lineitem_discount": sale.money(discount),
        }
        for (title, price, quantity), discount in zip(sale.lines, sale.line_discounts, strict=True)
    ]
    discount = sale.order_discount + (sum(sale.line_discounts) if sale.discount_holds_lines else 0)
    head = {
        "Currency": sale.currency,
        "Subtotal": sale.money(sale.subtotal),
        "Shipping": sale.money(sale.shipping),
        "Taxes": sale.money(sale.tax),
        "Total": sale.money(sale.total),
        "Discount_Amount": sale.money(discount),
        "Refunded_Amount": sale.money(0),
    }
    return shopify(shopify_head(**head, **rows[0]), *(shopify_line(**row) for row in rows[1:]))


@given(_sales())
def test_an_order_comes_back_with_its_figures(sale: _Sale) -> None:
    content = only(_file(sale)).content

    assert content.total_minor == sale.total
    assert content.goods_minor == sale.subtotal
    assert (content.shipping_minor, content.tax_minor) == (sale.shipping, sale.tax)
    assert content.tax_included is (sale.tax_included and sale.tax > 0)
    assert [(line.title, line.unit_price_minor, line.quantity) for line in content.lines] == [
        (title.strip()[:500], price, quantity) for title, price, quantity in sale.lines
    ]


@given(_sales())
def test_the_order_s_discount_falls_on_lines_by_what_is_left_of_them(sale: _Sale) -> None:
    left = [price * n - less for (_, price, n), less in zip(sale.lines, sale.line_discounts, strict=True)]
    shares = allocate(sale.order_discount, left)

    content = only(_file(sale)).content

    assert [line.total_minor for line in content.lines] == [
        before - share for before, share in zip(left, shares, strict=True)
    ]
