"""Shopify's identity, over made-up orders of its shape: the parts that are read make the total that it names.

Items less their allocations, plus shipping less its allocations, plus tax where prices do not include it. Source:
shopify.dev, "Order" (total_price, discount_allocations, taxes_included).
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.order_ingest.domain.changes import OrderSeen
from services.order_ingest.domain.platforms import shopify
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.storefront import Arrival
from tests.services.order_ingest import bodies
from tests.services.order_ingest.desk import NOW, storefront

_EXPONENTS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}


def _written(amount: int, exponent: int) -> str:
    """An amount of minor units with all its decimals, as Shopify writes it."""
    digits = str(abs(amount)).rjust(exponent + 1, "0")
    whole, parts = digits[: len(digits) - exponent], digits[len(digits) - exponent :]
    return f"{'-' if amount < 0 else ''}{whole}{f'.{parts}' if parts else ''}"


@st.composite
def _allocations(draw: st.DrawFn, at_most: int, exponent: int) -> tuple[int, list[dict[str, Any]]]:
    """What discounts take off, in up to three parts, never more than there is."""
    parts = draw(st.lists(st.integers(0, at_most // 3), max_size=3))
    rows = [{"amount": _written(part, exponent), "discount_application_index": at} for at, part in enumerate(parts)]
    return sum(parts), rows


@st.composite
def orders(draw: st.DrawFn) -> tuple[dict[str, Any], int, int]:
    """An order's body, the minor units of its total without the tip, and those of its goods that are no gift cards."""
    currency = draw(st.sampled_from(list(_EXPONENTS)))
    exponent, lines, shipping = _EXPONENTS[currency], [], []
    paid_for_goods = total = 0
    for number in range(draw(st.integers(0, 5))):
        price, quantity, gift = draw(st.integers(0, 10**7)), draw(st.integers(0, 40)), draw(st.booleans())
        off, allocations = draw(_allocations(price * quantity, exponent))
        lines.append(
            bodies.line(
                id=number + 1,
                price=_written(price, exponent),
                quantity=quantity,
                gift_card=gift,
                tax_lines=[],
                # Without meaning, and 0.00 even where allocations took something off.
                total_discount=_written(0, exponent),
                discount_allocations=allocations,
            )
        )
        total += price * quantity - off
        paid_for_goods += 0 if gift else price * quantity - off
    for _ in range(draw(st.integers(0, 2))):
        price = draw(st.integers(0, 10**5))
        off, allocations = draw(_allocations(price, exponent))
        shipping.append({"price": _written(price, exponent), "discount_allocations": allocations})
        total += price - off
    included, tax, tip = draw(st.booleans()), draw(st.integers(0, 10**6)), draw(st.integers(0, 10**4))
    total += 0 if included else tax
    body = bodies.order(
        currency=currency,
        taxes_included=included,
        line_items=lines,
        shipping_lines=shipping,
        total_tax=_written(tax, exponent),
        total_discounts=_written(0, exponent),
        total_tip_received=_written(tip, exponent),
        total_price=_written(total + tip, exponent),
    )
    return body, total, paid_for_goods


def _seen(body: dict[str, Any]) -> OrderSeen:
    found = shopify.parse(load(bodies.encoded(body)), Arrival(topic="orders/updated", at=NOW), storefront())
    assert isinstance(found, OrderSeen)
    return found


@given(orders())
@settings(max_examples=300, deadline=None)
def test_the_parts_of_any_order_make_its_total(made: tuple[dict[str, Any], int, int]) -> None:
    body, total, goods = made

    seen = _seen(body)

    assert (seen.content.total_minor, seen.content.goods_minor, seen.remark) == (total, goods, None)


@given(orders(), st.integers(1, 10**6))
@settings(max_examples=100, deadline=None)
def test_a_total_that_is_off_by_as_little_as_one_minor_unit_is_remarked(
    made: tuple[dict[str, Any], int, int], off: int
) -> None:
    body, total, _ = made
    exponent = _EXPONENTS[body["currency"]]

    seen = _seen({**body, "total_tip_received": _written(0, exponent), "total_price": _written(total + off, exponent)})

    expected = f"total_price without tip is {total + off}, lines, shipping and tax make {total} (minor units)"
    assert (seen.content.total_minor, seen.remark) == (total, expected)
