"""Shopify's bodies, read: money that adds up, people, consent, and bodies that are not what their topic says."""

from decimal import Decimal
from typing import Any

import pytest

from services.order_ingest.domain.changes import OrderSeen, RefundSeen, Unheeded
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.persons import CustomerSeen
from services.order_ingest.domain.platforms import shopify
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.storefront import Arrival
from tests.services.order_ingest import bodies
from tests.services.order_ingest.desk import NOW, storefront


def _read(topic: str, body: dict[str, Any], **store: Any) -> Any:
    return shopify.parse(load(bodies.encoded(body)), Arrival(topic=topic, at=NOW), storefront(**store))


def _order(**changes: Any) -> OrderSeen:
    found = _read("orders/updated", bodies.order(**changes))
    assert isinstance(found, OrderSeen)
    return found


_TWO_DISCOUNTS = [
    # 5.00 off the first line, then 15 % of what is left (199.00 - 5.00 = 194.00 -> 29.10) over both.
    bodies.line(
        id=1, price="99.00", quantity=1, tax_lines=[], discount_allocations=[{"amount": "5.00"}, {"amount": "14.10"}]
    ),
    bodies.line(id=2, price="100.00", quantity=1, tax_lines=[], discount_allocations=[{"amount": "15.00"}]),
]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"line_items": _TWO_DISCOUNTS, "shipping_lines": [], "total_tax": "0.00", "total_price": "164.90"},
        {"taxes_included": True, "total_price": "40.98"},
        {"total_tip_received": "3.00", "total_price": "46.86"},
        {
            "currency": "JPY",
            "line_items": [bodies.line(price="1999", discount_allocations=[], tax_lines=[{"price": "319"}])],
            "shipping_lines": [{"price": "500"}],
            "total_tax": "319",
            "total_discounts": "0",
            "total_price": "4817",
            "total_tip_received": "0",
        },
        {"line_items": [], "shipping_lines": [], "total_tax": "0.00", "total_price": "0.00"},
    ],
)
def test_items_less_allocations_plus_shipping_plus_tax_make_the_total(changes: dict[str, Any]) -> None:
    seen = _order(**changes)

    assert seen.remark is None
    price = Decimal(bodies.order(**changes)["total_price"]) - Decimal(bodies.order(**changes)["total_tip_received"])
    exponent = 0 if seen.content.currency == "JPY" else 2
    assert seen.content.total_minor == int(price.scaleb(exponent))


def test_a_total_that_the_parts_do_not_make_is_remarked() -> None:
    seen = _order(total_price="99.99")

    assert seen.remark == "total_price without tip is 9999, lines, shipping and tax make 4386 (minor units)"


def test_gift_cards_are_no_revenue_from_goods() -> None:
    seen = _order(
        line_items=[
            bodies.line(),
            bodies.line(id=2, gift_card=True, price="50.00", quantity=1, discount_allocations=[]),
        ]
    )

    assert (seen.content.goods_minor, seen.content.gift_card_minor) == (3598, 5000)


def test_a_refund_counts_only_money_that_moved() -> None:
    found = _read("refunds/create", bodies.refund())

    assert isinstance(found, RefundSeen)
    assert found.order_external_id == "450789469"
    assert (found.refund.amount_minor, found.refund.lines[0].amount_minor) == (1943, 1799)


def test_shipping_comes_back_in_either_shape() -> None:
    older = _read("refunds/create", bodies.refund(order_adjustments=[{"kind": "shipping_refund", "amount": "-5.00"}]))
    newer = _read(
        "refunds/create",
        bodies.refund(
            refund_shipping_lines=[{"subtotal_amount_set": {"shop_money": {"amount": "5.00", "currency_code": "USD"}}}]
        ),
    )

    assert older.refund.shipping_minor == newer.refund.shipping_minor == 500


def test_money_that_moved_in_another_currency_is_told_by_its_parts() -> None:
    found = _read(
        "refunds/create",
        bodies.refund(transactions=[{"kind": "refund", "status": "success", "amount": "15.00", "currency": "EUR"}]),
    )

    assert found.refund.amount_minor == 1799


@pytest.mark.parametrize(
    ("changes", "email"),
    [
        ({}, "bob.norman@example.com"),
        ({"email": "", "contact_email": "c@example.com"}, "c@example.com"),
        ({"email": None, "contact_email": None}, "bob.norman@example.com"),
        ({"email": "", "contact_email": None, "customer": None}, None),
    ],
)
def test_the_address_is_looked_for_in_three_places(changes: dict[str, Any], email: str | None) -> None:
    assert _order(**changes).person.email == email


def test_an_older_customer_body_carries_consent_as_a_snapshot() -> None:
    body = {
        "id": 207119551,
        "email": "bob@example.com",
        "updated_at": "2024-01-02T00:00:00Z",
        "email_marketing_consent": {"state": "subscribed", "consent_updated_at": "2024-01-01T00:00:00Z"},
        "sms_marketing_consent": {"state": "not_subscribed"},
    }
    found = _read("customers/update", body)

    assert isinstance(found, CustomerSeen)
    [consent] = found.person.consents
    assert (consent.channel, consent.state, consent.snapshot) == ("email", "subscribed", True)


def test_a_consent_update_is_the_customers_own_act() -> None:
    body = {
        "customer_id": 207119551,
        "email_address": "bob@example.com",
        "email_marketing_consent": {"state": "unsubscribed", "consent_updated_at": "2026-01-01T00:00:00Z"},
    }
    found = _read("customers_email_marketing_consent/update", body)

    assert isinstance(found, CustomerSeen)
    [consent] = found.person.consents
    assert (consent.state, consent.snapshot) == ("unsubscribed", False)


@pytest.mark.parametrize("topic", ["orders/delete", "refunds/create", "customers/update"])
def test_an_orders_body_under_another_topic_is_refused(topic: str) -> None:
    with pytest.raises(Malformed, match="another topic"):
        _read(topic, bodies.order())


def test_a_body_of_another_shop_is_refused() -> None:
    with pytest.raises(Malformed, match="another shop"):
        _read("orders/create", bodies.order(), account="111")


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"updated_at": "yesterday"},
        {"line_items": {"id": 1}},
        {"line_items": [1]},
        {"line_items": [bodies.line(price="NaN")]},
        {"line_items": [bodies.line(price=[])]},
        {"line_items": [bodies.line(quantity="2")]},
        {"currency": "XXQ"},
        {"customer": "bob"},
        {"total_price": "1e400"},
        {"taxes_included": "yes"},
    ],
)
def test_a_field_that_is_not_what_it_should_be_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        _read("orders/create", bodies.order(**changes))


def test_a_topic_that_nothing_needs_is_unheeded() -> None:
    assert isinstance(_read("inventory_levels/update", {"id": 1}), Unheeded)
