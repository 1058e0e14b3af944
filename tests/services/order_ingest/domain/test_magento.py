"""Magento's documents, read: rows that bear money and rows that repeat it, sums that add up, states that decide."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.order_ingest.domain import refunds
from services.order_ingest.domain.changes import (
    Cancellation,
    LineQuantity,
    Movement,
    OrderSeen,
    Refund,
    RefundLine,
    Unheeded,
)
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms import magento
from services.order_ingest.domain.reading import load, microseconds
from services.order_ingest.domain.storefront import PULLED, Arrival
from tests.services.order_ingest import bodies_magento as bodies
from tests.services.order_ingest.bodies import encoded
from tests.services.order_ingest.desk import NOW, storefront

_UPDATED = datetime(2026, 5, 2, 10, 15, 8, tzinfo=UTC)
_INVOICED = datetime(2026, 5, 2, 10, 15, 5, tzinfo=UTC)
_REFUNDED = datetime(2026, 5, 9, 8, tzinfo=UTC)

# 10.00 with 20 % tax inside, three times, less 10 %: prices hold tax, so the discount does as well.
_TAX_IN_PRICES = {
    "grand_total": 27,
    "discount_amount": -3,
    "shipping_amount": 0,
    "tax_amount": 4.5,
    "items": [
        bodies.row(price=8.33, row_total=25, discount_amount=3, discount_tax_compensation_amount=0.5, tax_amount=4.5)
    ],
}
_YEN = {
    "order_currency_code": "JPY",
    "grand_total": 4948,
    "discount_amount": -2,
    "shipping_amount": 500,
    "tax_amount": 450,
    "items": [bodies.row(qty_ordered=2, price=2000, row_total=4000, discount_amount=2, tax_amount=400)],
}
_FIXED_TAX = {"grand_total": 41.28, "items": [bodies.row(weee_tax_applied_row_amount=1.5)]}
# 10.75 of shipping, tax included, less half of it.
_SHIPPING_DISCOUNT = {
    "grand_total": 34.4,
    "discount_amount": -8.38,
    "shipping_discount_amount": 5.38,
    "shipping_discount_tax_compensation_amount": 0.38,
    "tax_amount": 2.4,
}
_CONFIGURABLE = {"grand_total": 62, "discount_amount": 0, "tax_amount": 0, "items": bodies.configurable()}
_BUNDLE = {
    "grand_total": 83.0,
    "discount_amount": -4,
    "tax_amount": 9,
    "items": bodies.bundle(27, 5, 17, 19, discount=1, tax=Decimal("2.25")),
}
_OWN_PRICE = {"grand_total": 197, "discount_amount": -8, "tax_amount": 17, "items": bodies.bundle_with_own_price()}
_FREE_BUNDLE = {
    "grand_total": 10,
    "discount_amount": -32,
    "tax_amount": 0,
    "items": bodies.bundle(16, 16, discount=16),
}
_FREE = {
    "grand_total": 0,
    "discount_amount": -36,
    "shipping_amount": 0,
    "tax_amount": 0,
    "items": [bodies.row(discount_amount=36, discount_tax_compensation_amount=6, tax_amount=0, price=10, row_total=30)],
}
_BY_WEIGHT = {
    "grand_total": 25,
    "discount_amount": 0,
    "tax_amount": 0,
    "items": [bodies.row(qty_ordered=1.5, price=10, row_total=15, discount_amount=0, tax_amount=0)],
}
_ORDERS = [
    {}, _TAX_IN_PRICES, _YEN, _FIXED_TAX, _SHIPPING_DISCOUNT, _CONFIGURABLE, _BUNDLE, _OWN_PRICE, _FREE_BUNDLE, _FREE,
    _BY_WEIGHT, {"items": [], "grand_total": 10, "tax_amount": 0, "discount_amount": 0},
]  # fmt: skip


def _read(body: Any, topic: str | None = PULLED, **store: Any) -> Any:
    return magento.parse(load(encoded(body)), Arrival(topic=topic, at=NOW), storefront("magento", **store))


def _seen(order: bodies.Body, **parts: Any) -> OrderSeen:
    found = _read(bodies.document(order, **parts))
    assert isinstance(found, OrderSeen)
    return found


def _order(**changes: Any) -> OrderSeen:
    return _seen(bodies.order(**changes))


@pytest.mark.parametrize("changes", _ORDERS)
@pytest.mark.parametrize("answered", [dict, bodies.answered_since_2_3])
def test_rows_shipping_and_tax_make_the_grand_total(changes: dict[str, Any], answered: Any) -> None:
    seen = _seen(answered(bodies.order(**changes)))

    assert seen.remark is None
    assert not seen.content.tax_included
    exponent = 0 if seen.content.currency == "JPY" else 2
    assert seen.content.total_minor == int(Decimal(str(bodies.order(**changes)["grand_total"])).scaleb(exponent))


@pytest.mark.parametrize("changes", [each for each in _ORDERS if each is not _TAX_IN_PRICES])
def test_the_row_total_of_one_piece_that_2_4_8_answers_is_not_believed(changes: dict[str, Any]) -> None:
    order = bodies.order(**changes)

    assert _seen(bodies.answered_by_2_4_8(order)) == _seen(order)


def test_only_where_the_price_was_rounded_a_wrong_row_total_costs_a_cent() -> None:
    seen = _seen(bodies.answered_by_2_4_8(bodies.order(**_TAX_IN_PRICES)))

    assert seen.remark == "grand_total is 2700, rows, shipping and tax make 2699 (minor units)"


def test_numbers_may_be_text() -> None:
    plain = bodies.document(
        bodies.order(**bodies.COMPLETE),
        creditmemos=[bodies.memo()],
        shipments=[bodies.shipment()],
        invoices=[bodies.invoice()],
    )

    assert _read(bodies.numbers_as_text(plain)) == _read(plain)


def test_a_grand_total_that_the_parts_do_not_make_is_remarked() -> None:
    seen = _order(grand_total=29.78)

    assert seen.remark == "grand_total is 2978, rows, shipping and tax make 3978 (minor units)"


@pytest.mark.parametrize("answered", [dict, bodies.answered_since_2_3, bodies.answered_by_2_4_8])
def test_a_line_is_what_was_paid_for_it_and_its_price_is_before_discounts(answered: Any) -> None:
    [line] = _seen(answered(bodies.order())).content.lines

    assert (line.external_id, line.product_id, line.title, line.variant) == ("315", "93", "Mug", None)
    assert (line.quantity, line.unit_price_minor) == (3, 1000)
    assert (line.total_minor, line.discount_minor, line.tax_minor) == (2700, 300, 203)


def test_the_tax_inside_a_discount_is_no_discount_of_the_goods() -> None:
    [line] = _order(**_TAX_IN_PRICES).content.lines

    assert (line.total_minor, line.discount_minor, line.tax_minor) == (2250, 250, 450)


def test_without_a_price_the_row_total_is_what_is_documented() -> None:
    [line] = _order(items=[bodies.row(price=None)]).content.lines

    assert (line.total_minor, line.unit_price_minor) == (2700, 1000)


def test_a_fixed_product_tax_is_tax_of_its_line_and_of_the_order() -> None:
    seen = _order(**_FIXED_TAX)

    assert (seen.content.lines[0].tax_minor, seen.content.tax_minor) == (353, 428)


def test_a_configurable_product_is_one_line_with_its_childs_sku() -> None:
    [line] = _order(**_CONFIGURABLE).content.lines

    assert (line.external_id, line.product_id, line.title, line.variant) == ("10", "67", "Hoodie", "MH01-S-Gray")
    assert (line.quantity, line.total_minor) == (1, 5200)


def test_a_price_on_a_configurable_child_counts_for_nothing() -> None:
    parent, child = bodies.configurable()

    # Some versions fill it in, and a module may with the child's own. Source: magento/magento2#22562.
    priced = _order(**{**_CONFIGURABLE, "items": [parent, {**child, "price": 50, "base_price": 50, "row_total": 50}]})

    assert priced == _order(**_CONFIGURABLE)


def test_a_bundle_priced_by_its_parts_is_one_line_with_their_money() -> None:
    [line] = _order(**_BUNDLE).content.lines

    assert (line.external_id, line.product_id, line.title, line.quantity) == ("5", "51", "Companion Kit", 1)
    assert (line.unit_price_minor, line.total_minor) == (6800, 6400)
    assert (line.discount_minor, line.tax_minor) == (400, 900)


def test_a_bundle_with_its_own_price_bears_its_own_money() -> None:
    [line] = _order(**_OWN_PRICE).content.lines

    assert (line.quantity, line.unit_price_minor, line.total_minor) == (2, 8900, 17000)
    assert (line.discount_minor, line.tax_minor) == (800, 1700)


@pytest.mark.parametrize("parent_item_id", [None, 0, "", "0", 999, 315])
def test_a_row_without_a_parent_in_the_order_stands_for_itself(parent_item_id: Any) -> None:
    seen = _order(items=[bodies.row(parent_item_id=parent_item_id)])

    assert seen == _order()


def test_a_gift_card_is_no_goods() -> None:
    [line] = _order(items=[bodies.row(product_type="giftcard")]).content.lines

    assert line.gift_card


def test_goods_sold_by_weight_count_in_started_pieces() -> None:
    [line] = _order(**_BY_WEIGHT).content.lines

    assert (line.quantity, line.total_minor) == (2, 1500)


def test_the_order_keeps_its_words() -> None:
    content = _order().content

    assert (content.number, content.currency, content.coupon_codes) == ("000000727", "USD", ("spring",))
    assert (content.shipping_minor, content.tax_minor, content.discount_minor) == (1000, 278, 300)
    assert content.placed_at == datetime(2026, 5, 2, 10, 15, tzinfo=UTC)


def test_an_order_without_a_coupon_has_none() -> None:
    assert _order(coupon_code=None).content.coupon_codes == ()


def test_shipping_is_without_its_discount_and_the_tax_inside_that() -> None:
    assert _order(**_SHIPPING_DISCOUNT).content.shipping_minor == 500


@pytest.mark.parametrize(
    ("changes", "financial_status", "paid_at"),
    [
        ({}, "pending", None),
        ({"state": "pending_payment"}, "pending", None),
        ({"state": "payment_review"}, "pending", None),
        ({"state": "holded"}, "pending", None),
        # Absent, when a module made the order without one.
        ({"state": None}, "pending", None),
        ({"state": "processing", "payment": {"amount_authorized": 39.78}}, "authorized", None),
        ({"state": "processing", "total_paid": 20}, "partially_paid", None),
        (bodies.PAID, "paid", _INVOICED),
        (bodies.COMPLETE, "paid", _INVOICED),
        # The state is what the shop does with the goods: what was paid is paid.
        ({**bodies.PAID, "state": "holded"}, "paid", _INVOICED),
        ({"state": "new", "total_paid": 39.78}, "paid", _INVOICED),
        ({**bodies.PAID, "total_refunded": 9.68}, "partially_refunded", _INVOICED),
        ({**bodies.PAID, "state": "closed", "total_refunded": 39.78}, "refunded", _INVOICED),
        ({"state": "processing", "total_paid": 20, "total_refunded": 5}, "partially_refunded", None),
        (bodies.CANCELED, "voided", None),
        ({**_FREE, "state": "new"}, "pending", None),
        ({**_FREE, "state": "processing"}, "paid", _INVOICED),
        ({**_FREE, "state": "complete"}, "paid", _INVOICED),
        ({**_FREE, "state": "canceled"}, "voided", None),
        # A shop's own word says nothing.
        ({"status": "complete"}, "pending", None),
    ],
)
def test_what_was_paid_and_the_state_say_whether_the_order_is_paid(
    changes: dict[str, Any], financial_status: str, paid_at: datetime | None
) -> None:
    seen = _seen(bodies.order(**changes), invoices=[bodies.invoice()])

    assert (seen.content.financial_status, seen.paid_at) == (financial_status, paid_at)


def test_the_order_was_paid_when_its_last_paid_invoice_was_made() -> None:
    later = bodies.invoice(entity_id=602, created_at="2026-05-03 09:00:00")
    others = [
        bodies.invoice(entity_id=603, state=1, created_at="2026-05-04 09:00:00"),
        bodies.invoice(entity_id=604, state="3", created_at="2026-05-05 09:00:00"),
    ]

    seen = _seen(bodies.order(**bodies.PAID), invoices=[later, bodies.invoice(), *others])

    assert seen.paid_at == datetime(2026, 5, 3, 9, tzinfo=UTC)


def test_without_an_invoice_the_time_of_the_version_stands_for_that_of_payment() -> None:
    assert _order(**bodies.PAID).paid_at == datetime(2026, 5, 2, 10, 15, 6, tzinfo=UTC)


def test_only_a_cancelled_order_is_cancelled_and_it_stays_what_it_was() -> None:
    cancelled = _order(**bodies.CANCELED, items=[bodies.row(qty_canceled=3)])

    assert cancelled.cancelled == Cancellation(at=datetime(2026, 5, 3, 12, tzinfo=UTC), reason=None)
    assert cancelled.content.lines == _order().content.lines
    assert (cancelled.content.shipping_minor, cancelled.content.tax_minor, cancelled.remark) == (1000, 278, None)
    assert _order(**bodies.PAID).cancelled is None


def test_what_is_cancelled_while_the_rest_goes_on_is_not_in_the_order_any_more() -> None:
    # One of three pieces and the other row were invoiced with shipping, then the rest was cancelled.
    seen = _order(
        **{**bodies.COMPLETE, "grand_total": 92.48, "discount_amount": -3, "tax_amount": 3.48, "total_paid": 72.86},
        total_canceled=19.62,
        tax_canceled=1.62,
        discount_canceled=2,
        shipping_canceled=0,
        items=[
            bodies.row(qty_canceled=2, tax_amount=2.43),
            bodies.row(item_id=316, qty_ordered=1, price=52, row_total=52, discount_amount=0, tax_amount=0.3),
        ],
    )

    first, second = seen.content.lines
    assert (first.quantity, first.total_minor, first.discount_minor, first.tax_minor) == (1, 900, 100, 81)
    assert (second.quantity, second.total_minor) == (1, 5200)
    assert (seen.content.tax_minor, seen.content.discount_minor, seen.content.shipping_minor) == (186, 100, 1000)
    assert (seen.content.financial_status, seen.cancelled, seen.remark) == ("paid", None, None)


def test_shipping_may_be_among_what_is_cancelled() -> None:
    seen = _order(**bodies.PAID, total_canceled=5, shipping_canceled=5)

    assert seen.content.shipping_minor == 500


def test_a_credit_memo_gives_back_what_its_rows_say() -> None:
    seen = _seen(bodies.order(**bodies.COMPLETE), creditmemos=[bodies.memo()])

    assert seen.refunds == (
        Refund(
            external_id="801",
            at=_REFUNDED,
            lines=(RefundLine("315", 1, 900, 68),),
            shipping_minor=0,
            amount_minor=968,
        ),
    )


def test_a_credit_memos_shipping_is_without_its_discount() -> None:
    memo = bodies.memo(shipping_amount=10, discount_amount=-6, grand_total=14.68)

    [refund] = _seen(bodies.order(**bodies.COMPLETE), creditmemos=[memo]).refunds

    assert (refund.lines, refund.shipping_minor, refund.amount_minor) == ((RefundLine("315", 1, 900, 68),), 500, 1468)


def test_adjustments_are_money_of_no_line() -> None:
    memo = bodies.memo(adjustment_positive=5, adjustment_negative=2, adjustment=3, grand_total=12.68)

    [refund] = _seen(bodies.order(**bodies.COMPLETE), creditmemos=[memo]).refunds

    assert (refund.lines, refund.amount_minor) == ((RefundLine("315", 1, 900, 68),), 1268)


def test_a_credit_memo_that_names_no_row_is_spread_over_the_order() -> None:
    rows = [bodies.memo_row(qty=0, row_total=0, discount_amount=0, tax_amount=0)]
    memo = bodies.memo(items=rows, adjustment_positive=39.78, grand_total=39.78, discount_amount=0)

    [refund] = _seen(bodies.order(**bodies.COMPLETE), creditmemos=[memo]).refunds

    assert refund.amount_minor == 3978
    # The tax of shipping is no line's.
    assert (refund.lines, refund.shipping_minor) == ((RefundLine("315", 0, 2700, 203),), 1000)


def test_a_credit_memo_for_shipping_only_is_not_spread() -> None:
    memo = bodies.memo(items=[], shipping_amount=10, discount_amount=0, grand_total=10.75)

    [refund] = _seen(bodies.order(**bodies.COMPLETE), creditmemos=[memo]).refunds

    assert (refund.lines, refund.shipping_minor, refund.amount_minor) == ((), 1000, 1075)


@pytest.mark.parametrize("state", [1, 3, "1", "3"])
def test_a_credit_memo_that_is_open_or_cancelled_moved_no_money(state: Any) -> None:
    assert _seen(bodies.order(**bodies.COMPLETE), creditmemos=[bodies.memo(state=state)]).refunds == ()


def test_a_credit_memos_row_that_the_order_does_not_have_is_left_alone() -> None:
    rows = [bodies.memo_row(), bodies.memo_row(order_item_id=9), bodies.memo_row(order_item_id=None)]

    [refund] = _seen(bodies.order(**bodies.COMPLETE), creditmemos=[bodies.memo(items=rows)]).refunds

    assert refund.lines == (RefundLine("315", 1, 900, 68),)


def _kit_memo(*parts: tuple[int, int], **changes: Any) -> bodies.Body:
    # The bundle's own row states all that was invoiced and, as in the documented invoice, no money.
    own = bodies.memo_row(order_item_id=5, qty=1, row_total=None, tax_amount=None, discount_amount=None)
    rows = [
        bodies.memo_row(order_item_id=item_id, row_total=price, discount_amount=1, tax_amount=2.25)
        for item_id, price in parts
    ]
    return bodies.memo(items=[own, *rows], **changes)


def test_one_part_of_a_bundle_back_is_money_of_the_bundle_and_no_piece() -> None:
    memo = _kit_memo((6, 27), grand_total=28.25, discount_amount=-1)

    [refund] = _seen(bodies.order(**bodies.COMPLETE, **_BUNDLE), creditmemos=[memo]).refunds

    assert refund.lines == (RefundLine("5", 0, 2600, 225),)


def test_all_parts_of_a_bundle_back_are_the_bundle() -> None:
    memo = _kit_memo((6, 27), (7, 5), (8, 17), (9, 19), grand_total=73, discount_amount=-4)

    [refund] = _seen(bodies.order(**bodies.COMPLETE, **_BUNDLE), creditmemos=[memo]).refunds

    assert refund.lines == (RefundLine("5", 1, 6400, 900),)


def test_a_configurable_products_child_in_a_credit_memo_is_not_a_second_piece() -> None:
    rows = [
        bodies.memo_row(order_item_id=10, qty=1, row_total=52, discount_amount=0, tax_amount=0),
        bodies.memo_row(order_item_id=11, qty=1, row_total=0, discount_amount=0, tax_amount=0),
    ]

    [refund] = _seen(bodies.order(**_CONFIGURABLE), creditmemos=[bodies.memo(items=rows, grand_total=52)]).refunds

    assert refund.lines == (RefundLine("10", 1, 5200, 0),)


def test_refunds_are_equal_whichever_version_comes_first() -> None:
    second = bodies.memo(entity_id=802, created_at="2026-05-11 08:00:00")
    earlier = _seen(bodies.order(**bodies.COMPLETE), creditmemos=[bodies.memo()]).refunds
    later = _seen(bodies.order(**bodies.COMPLETE), creditmemos=[bodies.memo(), second]).refunds

    forwards = refunds.merge(refunds.merge(refunds.NO_REFUNDS, earlier), later)
    backwards = refunds.merge(refunds.merge(refunds.NO_REFUNDS, later), earlier)

    assert forwards == backwards
    assert refunds.amount_minor(forwards) == 1936


def test_a_shipment_has_left_and_nothing_says_that_it_arrived() -> None:
    seen = _seen(bodies.order(**bodies.COMPLETE), shipments=[bodies.shipment()])

    left_at = datetime(2026, 5, 4, 9, tzinfo=UTC)
    assert seen.fulfilments == (Movement(external_id="501", began_at=left_at, lines=(LineQuantity("315", 3),)),)


def test_a_shipment_names_what_was_sold_and_not_its_parts() -> None:
    items = [{"order_item_id": item_id, "qty": 1} for item_id in (5, 6, 7, 8, 9, 99)]

    [sent] = _seen(bodies.order(**_BUNDLE), shipments=[bodies.shipment(items=items)]).fulfilments

    assert sent.lines == (LineQuantity("5", 1),)


@pytest.mark.parametrize("kind", ["shipments", "creditmemos"])
def test_without_a_time_of_its_own_a_part_is_as_old_as_the_version(kind: str) -> None:
    made = {"shipments": bodies.shipment, "creditmemos": bodies.memo}[kind](created_at=None)

    seen = _seen(bodies.order(), **{kind: [made]})

    assert {*(sent.began_at for sent in seen.fulfilments), *(back.at for back in seen.refunds)} == {_UPDATED}


@pytest.mark.parametrize("kind", ["shipments", "creditmemos", "invoices"])
@pytest.mark.parametrize("absent", [None, []])
def test_an_order_may_have_nothing_that_belongs_to_it(kind: str, absent: Any) -> None:
    assert _read({"order": bodies.order(), kind: absent}) == _order()


def test_an_order_may_come_alone() -> None:
    assert _read({"order": bodies.order()}) == _order()


def test_times_are_utc_and_the_version_is_the_last_change() -> None:
    seen = _order()

    assert seen.external_id == "727"
    assert seen.updated_us == microseconds(_UPDATED)


def test_an_order_names_its_customer() -> None:
    person = _order().person

    assert (person.external_id, person.email, person.phone) == ("25", "ann@example.com", "(415) 555-0123")
    assert (person.given_name, person.family_name, person.region) == ("Ann", "Smith", "US")
    assert (person.birth_on, person.accepts_marketing, person.consents) == (date(1990, 4, 1), None, ())


@pytest.mark.parametrize("is_guest", [1, "1", True])
def test_a_guest_has_an_address_and_no_account(is_guest: Any) -> None:
    person = _order(**{**bodies.GUEST, "customer_is_guest": is_guest, "customer_id": 25}).person

    assert (person.external_id, person.email) == (None, "ann@example.com")
    assert (person.given_name, person.family_name, person.birth_on) == ("Ann", "Smith", None)


@pytest.mark.parametrize("is_guest", [0, "0", False, None, ""])
@pytest.mark.parametrize(("customer_id", "known_as"), [(25, "25"), ("25", "25"), (0, None), (None, None)])
def test_whoever_is_no_guest_has_the_id_of_an_account(is_guest: Any, customer_id: Any, known_as: str | None) -> None:
    assert _order(customer_is_guest=is_guest, customer_id=customer_id).person.external_id == known_as


_FRANCE = {"shipping_assignments": [{"shipping": {"address": {"country_id": "FR"}}}]}


@pytest.mark.parametrize(
    ("changes", "region"),
    [
        ({"billing_address": {"country_id": "DE"}, "extension_attributes": _FRANCE}, "DE"),
        ({"billing_address": {}, "extension_attributes": _FRANCE}, "FR"),
        ({"billing_address": [], "extension_attributes": []}, "US"),
        ({"billing_address": None, "extension_attributes": None}, "US"),
        # Nothing of it is sent, so that only the shipping's totals are there.
        ({"billing_address": None, "extension_attributes": {"shipping_assignments": [{"shipping": []}]}}, "US"),
        ({"billing_address": None, "extension_attributes": {"shipping_assignments": None}}, "US"),
    ],
)
def test_the_country_is_that_of_the_bill_then_of_the_parcel_then_of_the_shop(
    changes: dict[str, Any], region: str
) -> None:
    assert _order(**changes).person.region == region


@pytest.mark.parametrize("dob", [None, "", "0000-00-00 00:00:00"])
def test_a_birthday_that_nobody_gave_is_none(dob: Any) -> None:
    assert _order(customer_dob=dob).person.birth_on is None


@pytest.mark.parametrize("topic", ["order.updated", "observer.sales_order_save_commit_after", "", None])
def test_whatever_was_not_fetched_is_unheeded(topic: str | None) -> None:
    found = _read(bodies.document(), topic)

    assert isinstance(found, Unheeded)
    assert found.outcome == "ignored"


@pytest.mark.parametrize(
    "value",
    [
        "2026-05-02T10:15:00",
        "2026-05-02 10:15:00Z",
        "2026-05-02 10:15:00+02:00",
        "2026-05-02 10:15",
        "2026-05-02",
        "0000-00-00 00:00:00",
        "2026-02-30 10:15:00",
        "1901-01-01 00:00:00",
        "２026-05-02 10:15:00",
        1777716900,
        {"date": "2026-05-02"},
    ],
)
def test_another_form_of_time_is_refused_and_named(value: Any) -> None:
    with pytest.raises(Malformed) as complaint:
        _order(updated_at=value)

    assert complaint.value.pointer == "/order/updated_at"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"entity_id": None}, "/entity_id"),
        ({"entity_id": 7.5}, "/entity_id"),
        ({"updated_at": None}, "/updated_at"),
        ({"created_at": None}, "/created_at"),
        ({"order_currency_code": None}, "/order_currency_code"),
        ({"order_currency_code": "BTC"}, "/order_currency_code"),
        ({"order_currency_code": 840}, "/order_currency_code"),
        ({"state": 2}, "/state"),
        ({"grand_total": "39,78"}, "/grand_total"),
        ({"grand_total": "1e400"}, "/grand_total"),
        ({"tax_amount": True}, "/tax_amount"),
        ({"shipping_amount": []}, "/shipping_amount"),
        ({"discount_amount": "NaN"}, "/discount_amount"),
        ({"total_paid": {}}, "/total_paid"),
        ({"items": {"1": bodies.row()}}, "/items"),
        ({"items": [bodies.row(), 7]}, "/items/1"),
        ({"items": [bodies.row(item_id=None)]}, "/items/0/item_id"),
        ({"items": [bodies.row(qty_ordered=-1)]}, "/items/0/qty_ordered"),
        ({"items": [bodies.row(qty_ordered="three")]}, "/items/0/qty_ordered"),
        ({"items": [bodies.row(), bodies.row(row_total="x")]}, "/items/1/row_total"),
        ({"items": [bodies.row(price=[])]}, "/items/0/price"),
        ({"items": [bodies.row(name=5)]}, "/items/0/name"),
        ({"customer_is_guest": 2}, "/customer_is_guest"),
        ({"customer_is_guest": []}, "/customer_is_guest"),
        ({"customer_id": "x" * 129}, "/customer_id"),
        ({"customer_email": 5}, "/customer_email"),
        ({"customer_dob": "yesterday"}, "/customer_dob"),
        ({"billing_address": "Ann"}, "/billing_address"),
        ({"billing_address": [1]}, "/billing_address"),
        ({"payment": 7}, "/payment"),
        ({"extension_attributes": {"shipping_assignments": [5]}, "billing_address": None}, "/shipping_assignments/0"),
    ],
)
def test_a_field_that_is_not_what_it_should_be_is_malformed_and_named(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Malformed) as complaint:
        _order(**changes)

    assert complaint.value.pointer == f"/order{pointer}"


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        ({"creditmemos": {}}, "/creditmemos"),
        ({"creditmemos": [bodies.memo(entity_id=None)]}, "/creditmemos/0/entity_id"),
        ({"creditmemos": [bodies.memo(created_at="then")]}, "/creditmemos/0/created_at"),
        ({"creditmemos": [bodies.memo(grand_total="x")]}, "/creditmemos/0/grand_total"),
        ({"creditmemos": [bodies.memo(state={})]}, "/creditmemos/0/state"),
        ({"creditmemos": [bodies.memo(items=[bodies.memo_row(qty="x")])]}, "/creditmemos/0/items/0/qty"),
        ({"shipments": [7]}, "/shipments/0"),
        ({"shipments": [bodies.shipment(entity_id="")]}, "/shipments/0/entity_id"),
        ({"shipments": [bodies.shipment(items=[{"order_item_id": 315, "qty": -1}])]}, "/shipments/0/items/0/qty"),
        ({"invoices": [bodies.invoice(created_at=5)]}, "/invoices/0/created_at"),
    ],
)
def test_a_complaint_about_what_belongs_to_an_order_says_where(parts: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Malformed) as complaint:
        _read({**bodies.document(bodies.order(**bodies.PAID)), **parts})

    assert complaint.value.pointer == pointer


@pytest.mark.parametrize("body", [{}, {"order": None}, {"order": []}, {"order": "727"}, bodies.order()])
def test_a_body_that_is_no_document_is_malformed(body: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as complaint:
        _read(body)

    assert complaint.value.pointer == "/order"


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in _places(each, (*path, key)))]


_WHOLE = bodies.document(
    bodies.order(**bodies.COMPLETE, items=[bodies.row(), *bodies.bundle(27, 5), *bodies.configurable()]),
    creditmemos=[bodies.memo()],
    shipments=[bodies.shipment()],
    invoices=[bodies.invoice()],
)
_ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**14), 10**14)
    | st.sampled_from(
        ["", "0", "1E-999999", "9" * 13, "-1e13", "NaN", "Infinity", "1_0", "\x00", "2026-05-02 10:15:00"]
    )
    | st.decimals(-(10**14), 10**14, allow_nan=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["items", "qty"]), inner, max_size=2),
    max_leaves=4,
)


@given(st.lists(st.tuples(st.sampled_from(_places(_WHOLE)[1:]), _ODD), min_size=1, max_size=4))
@settings(max_examples=600, deadline=None)
def test_any_values_are_read_or_malformed(odd: list[tuple[tuple[Any, ...], Any]]) -> None:
    body = load(encoded(_WHOLE))
    for path, value in odd:
        _put(body, path, value)

    try:
        found = magento.parse(body, Arrival(topic=PULLED, at=NOW), storefront("magento"))
    except Malformed:
        return
    assert isinstance(found, OrderSeen)


def _put(body: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        try:
            body = body[key]
        except (LookupError, TypeError):
            return
    if isinstance(body, dict) and isinstance(path[-1], str):
        body[path[-1]] = value
