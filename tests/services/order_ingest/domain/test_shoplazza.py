"""Shoplazza's bodies, read: money that adds up, refunds that are known only as a sum, and bodies that are odd."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from services.order_ingest.domain import refunds
from services.order_ingest.domain.canonical import FINANCIAL_STATUSES
from services.order_ingest.domain.changes import (
    Cancellation,
    LineQuantity,
    Movement,
    OrderDeleted,
    OrderSeen,
    StoreLeft,
    Unheeded,
)
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.persons import CustomerSeen
from services.order_ingest.domain.platforms import shoplazza
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.storefront import Arrival
from tests.services.order_ingest import bodies, bodies_shoplazza
from tests.services.order_ingest.bodies_shoplazza import MUG, ORDER_ID, PARCEL, TEA, mug, parcel, tea
from tests.services.order_ingest.desk import NOW, storefront

_UPDATED = datetime(2026, 5, 2, 10, 15, 5, tzinfo=UTC)
_EXPONENTS = {"USD": 2, "JPY": 0, "KWD": 3}
_FREE_SHIPPING = '[{"type":"discount_code","target_type":"shipping_line","discount_amount":6}]'


def _read(topic: str, body: dict[str, Any]) -> Any:
    arrival = Arrival(topic=topic, at=NOW)
    return shoplazza.parse(load(bodies.encoded(body)), arrival, storefront("shoplazza"))


def _order(topic: str = "orders/update", **changes: Any) -> OrderSeen:
    found = _read(topic, bodies_shoplazza.wrapped(**changes))
    assert isinstance(found, OrderSeen)
    return found


def _customer(**changes: Any) -> CustomerSeen:
    found = _read("customers/update", bodies_shoplazza.customer(**changes))
    assert isinstance(found, CustomerSeen)
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"total_discount": "0.00", "total_price": "61.20"},
        {"total_discount": "7.77", "total_price": "53.43"},
        {"config": {"product_tax_included": True}, "total_price": "53.32"},
        {"product_tax_included": True, "total_price": "53.32"},
        {"product_tax_included": True, "config": {"product_tax_included": False}},
        {"shipping_tax_total": "0.60", "total_price": "56.80"},
        {"shipping_tax_total": "0.60", "config": {"product_tax_included": True}, "total_price": "53.92"},
        {"total_tip_received": "3.00", "additional_total": "1.50", "total_price": "60.70"},
        {"total_discount": "6.00", "discount_applications": _FREE_SHIPPING, "total_price": "55.20"},
        # More than the goods are worth: the rest was taken off the shipping.
        {"total_discount": "55.32", "total_price": "5.88"},
        {"line_items": [mug(price="0.00"), tea(price="0.00")], "total_discount": "6.00", "total_price": "2.88"},
        {"line_items": [], "total_discount": "0", "total_shipping": "0", "total_tax": "0", "total_price": "0"},
        # Numbers where strings are promised.
        {"line_items": [mug(price=19.99), tea(price=12.34)], "total_shipping": 6, "total_tax": 2.88},
        {
            "currency": "JPY",
            "line_items": [mug(price="1999"), tea(price="999.0000")],
            "total_discount": "1000",
            "total_shipping": "500",
            "total_tax": "319",
            "total_price": "4816",
        },
        {
            "currency": "KWD",
            "line_items": [mug(price="1.999")],
            "total_discount": "0.005",
            "total_shipping": "0.500",
            "total_tax": "0",
            "total_price": "4.493",
        },
    ],
)
def test_lines_less_discounts_plus_shipping_plus_tax_make_the_total(changes: dict[str, Any]) -> None:
    body = bodies_shoplazza.order(**changes)

    seen = _order(**changes)

    paid = Decimal(body["total_price"]) - Decimal(body["total_tip_received"]) - Decimal(body.get("additional_total", 0))
    assert seen.remark is None
    assert seen.content.total_minor == paid.scaleb(_EXPONENTS[seen.content.currency])


def test_a_total_that_the_parts_do_not_make_is_remarked() -> None:
    seen = _order(total_price="16.99", total_tip_received="1.00")

    assert seen.remark == "total_price without tip and fees is 1599, lines, shipping and tax make 5620 (minor units)"


def test_a_discount_is_shared_by_the_lines_to_the_last_cent() -> None:
    content = _order().content

    assert [(line.total_minor, line.discount_minor) for line in content.lines] == [(3616, 382), (1116, 118)]
    assert content.discount_minor == 500


def test_a_gift_bears_no_part_of_a_discount() -> None:
    content = _order(line_items=[mug(price="0.00"), tea()]).content

    assert [(line.total_minor, line.discount_minor) for line in content.lines] == [(0, 0), (734, 500)]


@pytest.mark.parametrize(
    "written",
    [
        _FREE_SHIPPING,
        ' [ {"target_type":"shipping_line","discount_amount":"6.00"} ]\n',
        '[{"target_type":"line_item","discount_amount":20},{"target_type":"shipping_line","discount_amount":6.00}]',
        [{"target_type": "shipping_line", "discount_amount": 6}],
    ],
)
def test_free_shipping_is_taken_off_the_shipping_and_not_off_the_goods(written: Any) -> None:
    content = _order(total_discount="6.00", discount_applications=written).content

    assert (content.goods_minor, content.shipping_minor) == (5232, 0)


@pytest.mark.parametrize("written", [None, "", "  ", "[]", "null", [], '[{"title":"满减","discount_amount":20}]'])
def test_a_discount_that_names_no_shipping_is_taken_off_the_goods(written: Any) -> None:
    content = _order(discount_applications=written).content

    assert (content.goods_minor, content.shipping_minor) == (4732, 600)


@pytest.mark.parametrize("named", [9999999, -6])
def test_shipping_never_costs_less_than_nothing_or_more_than_it_did(named: int) -> None:
    written = f'[{{"target_type":"shipping_line","discount_amount":{named}}}]'

    seen = _order(total_discount="9.00", total_price="52.20", discount_applications=written)

    assert 0 <= seen.content.shipping_minor <= 600
    assert seen.remark is None


@pytest.mark.parametrize(
    "written",
    [
        "[",
        "[}",
        "[] []",
        "[]}",
        '[],"more":[]',
        '[],"discount_applications":[]',
        '[{"a":1,"a":2}]',
        "[NaN]",
        "[" * 70 + "]" * 70,
        "[" * 100_000,
        '"[]"',
        "{}",
        "17",
        "\ud800",
    ],
)
def test_discount_applications_that_are_no_json_list_are_malformed_at_their_place(written: str) -> None:
    with pytest.raises(Malformed) as complaint:
        _read("orders/update", bodies_shoplazza.wrapped(discount_applications=written))

    assert complaint.value.pointer == "/order/discount_applications"


def test_a_body_reads_the_same_with_its_wrapper_and_without() -> None:
    order, customer = bodies_shoplazza.order(), bodies_shoplazza.customer()

    assert _read("orders/create", {"order": order}) == _read("orders/create", order)
    assert _read("customers/create", customer) == _read("customers/create", customer["customer"])
    assert _read("orders/delete", {"order": {"id": ORDER_ID}}) == _read("orders/delete", {"id": ORDER_ID})


@pytest.mark.parametrize("topic", sorted(shoplazza.ORDER_TOPICS))
def test_every_order_topic_tells_the_whole_order(topic: str) -> None:
    seen, updated = _order(topic), _order()

    assert (seen.external_id, seen.content) == (ORDER_ID, updated.content)
    assert seen.content.number == "00000001"
    assert seen.content.coupon_codes == ("SPRING",)
    assert [line.title for line in seen.content.lines] == ["Mug", "Tea"]


def test_a_line_without_a_name_is_still_a_line() -> None:
    [line] = _order(line_items=[mug(product_title="", variant_title=None, product_id="")]).content.lines

    assert (line.external_id, line.title, line.variant, line.product_id) == (MUG, "-", None, None)


def test_an_order_is_placed_when_the_shop_says_so_and_else_when_it_was_made() -> None:
    placed, made = _order(), _order(placed_at="")

    assert placed.content.placed_at == datetime(2026, 5, 2, 10, 15, tzinfo=UTC)
    assert made.content.placed_at == datetime(2026, 5, 2, 10, 14, tzinfo=UTC)


@pytest.mark.parametrize("topic", ["orders/create", "orders/update"])
def test_a_checkout_that_nobody_finished_is_no_order(topic: str) -> None:
    body = bodies_shoplazza.wrapped(status="opened", financial_status="waiting", placed_at=None)

    assert isinstance(_read(topic, body), Unheeded)


@pytest.mark.parametrize(
    "changes", [{"status": "placed", "placed_at": None}, {"status": None, "placed_at": None}, {"status": "opened"}]
)
def test_an_unpaid_order_that_was_placed_is_an_order(changes: dict[str, Any]) -> None:
    seen = _order(financial_status="waiting", payment_method="cod", **changes)

    assert (seen.content.financial_status, seen.paid_at) == ("pending", None)


@pytest.mark.parametrize("spelling", ["canceled_at", "cancelled_at"])
def test_a_cancellation_is_found_under_either_spelling(spelling: str) -> None:
    cancelled_at = {spelling: "2026-05-04T10:00:00Z"}
    seen = _order("orders/cancelled", status="cancelled", cancel_reason="customer", **cancelled_at)

    assert seen.cancelled == Cancellation(at=datetime(2026, 5, 4, 10, tzinfo=UTC), reason="customer")


def test_an_order_that_stands_has_no_cancellation() -> None:
    assert _order(canceled_at="").cancelled is None


@pytest.mark.parametrize(
    ("word", "status", "paid"),
    [
        ("waiting", "pending", False),
        ("pending", "pending", False),
        ("paying", "pending", False),
        ("authorized", "authorized", False),
        ("partially_paid", "partially_paid", False),
        ("paid", "paid", True),
        ("partially_refunded", "partially_refunded", True),
        ("refunded", "refunded", True),
        ("refunding", None, True),
        ("refund_failed", None, True),
        ("cancelled", "voided", False),
        ("failed", None, False),
        ("something_new", None, False),
        (None, None, False),
    ],
)
def test_the_words_for_money_are_translated(word: str | None, status: str | None, paid: bool) -> None:
    seen = _order(financial_status=word)

    assert seen.content.financial_status == status
    assert status is None or status in FINANCIAL_STATUSES
    assert seen.paid_at == (_UPDATED if paid else None)


@pytest.mark.parametrize("word", ["waiting", "paid", "something_new_too", "failed", "partially_paid", "cancelled"])
def test_orders_paid_means_money_unless_the_body_says_otherwise(word: str) -> None:
    seen = _order("orders/paid", financial_status=word, payment_method="cod")

    assert seen.paid_at == (_UPDATED if word in ("waiting", "paid") else None)


def test_the_content_never_depends_on_the_unsigned_topic() -> None:
    contents = [_order(topic, financial_status="waiting").content for topic in shoplazza.ORDER_TOPICS]

    assert all(content == contents[0] for content in contents)


def test_refunds_are_one_sum_spread_over_the_lines() -> None:
    seen = _order("orders/partially_refunded", total_refund_price="12.34", updated_at="2026-05-09T12:00:00Z")

    [refund] = seen.refunds
    assert (refund.external_id, refund.amount_minor) == ("cumulative", 1234)
    assert 0 < sum(line.amount_minor for line in refund.lines) <= 1234
    assert refund.at == datetime(2026, 5, 9, 12, tzinfo=UTC)


@pytest.mark.parametrize("nothing", ["0.00", "", None, 0])
def test_nothing_given_back_is_no_refund(nothing: Any) -> None:
    assert _order(total_refund_price=nothing).refunds == ()


@pytest.mark.parametrize("sums", list(permutations(["5.00", 12.34, "56.20"])))
def test_cumulative_refunds_end_in_the_same_figure_in_any_order(sums: tuple[Any, ...]) -> None:
    known = refunds.NO_REFUNDS

    for given_back in (*sums, sums[0]):
        known = refunds.merge(known, _order(total_refund_price=given_back).refunds)

    assert refunds.amount_minor(known) == 5620
    assert list(known) == [shoplazza.CUMULATIVE]


def test_a_parcel_has_the_orders_lines_and_the_time_at_its_own_offset() -> None:
    seen = _order("orders/partially_fulfilled", fulfillments=[parcel()])

    shipped_at = datetime(2026, 5, 3, 9, tzinfo=UTC)
    assert seen.fulfilments == (Movement(external_id=PARCEL, began_at=shipped_at, lines=(LineQuantity(MUG, 2),)),)


def test_a_parcel_is_delivered_only_when_it_is_finished() -> None:
    finished = parcel(status="finished", updated_at="2026-05-05T10:20:00-04:00")

    [shipped] = _order("orders/finished", fulfillments=[parcel()]).fulfilments
    [delivered] = _order("orders/finished", fulfillments=[finished]).fulfilments

    assert shipped.ended_at is None
    assert delivered.ended_at == datetime(2026, 5, 5, 14, 20, tzinfo=UTC)


@pytest.mark.parametrize("status", ["waiting", "pending", "cancelled", "something_new"])
def test_a_parcel_that_has_not_left_is_no_parcel_yet(status: str) -> None:
    assert _order("orders/fulfilled", fulfillments=[parcel(status=status)]).fulfilments == ()


@pytest.mark.parametrize("fulfillments", [[], None])
def test_an_order_fulfilled_without_parcels_is_one_parcel(fulfillments: Any) -> None:
    seen = _order("orders/fulfilled", fulfillments=fulfillments)

    lines = (LineQuantity(MUG, 2), LineQuantity(TEA, 1))
    assert seen.fulfilments == (Movement(external_id="order", began_at=_UPDATED, lines=lines),)
    assert _order("orders/finished", fulfillments=fulfillments).fulfilments == ()


def test_an_orders_customer_is_known_by_the_record_alone() -> None:
    person = _order().person

    assert person.external_id == "ef0318fe-e0ed-4551-a5bc-8b8e36c4f90f"
    assert (person.email, person.phone, person.region) == ("bob.norman@example.com", None, "US")
    assert _order(customer={"id": "c-1", "email": ""}).person.email is None


@pytest.mark.parametrize(
    ("changes", "email"),
    [
        ({}, "bob.norman@example.com"),
        ({"shipping_address": None}, "payer@example.com"),
        ({"shipping_address": {"email": " "}, "billing_address": None}, None),
    ],
)
def test_a_guest_is_known_by_the_address_that_the_checkout_asked_for(changes: dict[str, Any], email: str) -> None:
    person = _order(customer=None, **changes).person

    assert (person.external_id, person.email, person.phone) == (None, email, None)


def test_a_customer_carries_consent_as_a_snapshot_of_both_channels() -> None:
    seen = _customer()

    at = datetime(2026, 5, 4, 8, tzinfo=UTC)
    told = [(consent.channel, consent.state, consent.at, consent.snapshot) for consent in seen.person.consents]
    assert told == [("email", "subscribed", at, True), ("sms", "unsubscribed", at, True)]
    assert (seen.person.accepts_marketing, seen.person.phone) == (True, "+15025551199")


def test_a_customer_who_says_nothing_of_marketing_is_no_statement() -> None:
    seen = _customer(accepts_marketing=None, accepts_sms_marketing=None)

    assert (seen.person.consents, seen.person.accepts_marketing) == ((), None)


def test_a_deletion_is_dated_by_the_body_or_else_by_the_delivery() -> None:
    dated = _read("orders/delete", bodies_shoplazza.deleted(deleted_at="2026-05-10T00:00:00Z"))
    undated = _read("orders/delete", bodies_shoplazza.deleted())

    assert dated == OrderDeleted(external_id=ORDER_ID, at=datetime(2026, 5, 10, tzinfo=UTC))
    assert undated == OrderDeleted(external_id=ORDER_ID, at=NOW)


@pytest.mark.parametrize("topic", ["orders/delete", "customers/update", "customers/delete", "products/update"])
@pytest.mark.parametrize("body", [bodies_shoplazza.order(), bodies_shoplazza.wrapped()])
def test_an_orders_body_under_another_topic_is_refused(topic: str, body: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="another topic"):
        _read(topic, body)


@pytest.mark.parametrize("topic", ["orders/create", "orders/delete"])
def test_a_customers_body_under_an_orders_topic_is_refused(topic: str) -> None:
    with pytest.raises(Malformed, match="/id: is missing"):
        _read(topic, bodies_shoplazza.customer())


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"id": None}, "/id"),
        ({"id": ["1"]}, "/id"),
        ({"updated_at": None}, "/updated_at"),
        ({"updated_at": "2026-05-02 10:15:05"}, "/updated_at"),
        ({"placed_at": None, "created_at": ""}, "/created_at"),
        ({"canceled_at": "yesterday"}, "/canceled_at"),
        ({"currency": None}, "/currency"),
        ({"currency": "XXQ"}, "/currency"),
        ({"currency": "usd"}, "/currency"),
        ({"line_items": {"id": 1}}, "/line_items"),
        ({"line_items": [mug(), 1]}, "/line_items/1"),
        ({"line_items": [mug(id="")]}, "/line_items/0/id"),
        ({"line_items": [mug(), tea(price="NaN")]}, "/line_items/1/price"),
        ({"line_items": [mug(price="12.34 USD")]}, "/line_items/0/price"),
        ({"line_items": [mug(price="-1")]}, "/line_items/0/price"),
        ({"line_items": [mug(price=True)]}, "/line_items/0/price"),
        ({"line_items": [mug(price="1", quantity=2**53)]}, "/line_items/0/price"),
        ({"line_items": [mug(quantity="2")]}, "/line_items/0/quantity"),
        ({"line_items": [mug(quantity=-2)]}, "/line_items/0/quantity"),
        ({"line_items": [mug(product_title=["Mug"])]}, "/line_items/0/product_title"),
        ({"total_price": "1e400"}, "/total_price"),
        ({"total_price": []}, "/total_price"),
        ({"total_discount": "-5.00"}, "/total_discount"),
        ({"total_shipping": "free"}, "/total_shipping"),
        ({"total_refund_price": "-0.01"}, "/total_refund_price"),
        ({"total_refund_price": "all"}, "/total_refund_price"),
        ({"config": "v1"}, "/config"),
        ({"financial_status": 2}, "/financial_status"),
        ({"customer": "bob"}, "/customer"),
        ({"fulfillments": "none"}, "/fulfillments"),
        ({"fulfillments": [parcel(id=None)]}, "/fulfillments/0/id"),
        ({"fulfillments": [parcel(created_at="2026-05-03 05:00:00")]}, "/fulfillments/0/created_at"),
        ({"fulfillments": [parcel(line_items=[{"id": MUG}])]}, "/fulfillments/0/line_items/0/quantity"),
        (
            {"discount_applications": '[{"target_type":"shipping_line","discount_amount":[]}]'},
            "/discount_applications/0/discount_amount",
        ),
    ],
)
def test_a_field_that_is_not_what_it_should_be_is_malformed_where_it_stands(
    changes: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(Malformed) as bare:
        _read("orders/create", bodies_shoplazza.order(**changes))
    with pytest.raises(Malformed) as wrapped:
        _read("orders/create", bodies_shoplazza.wrapped(**changes))

    assert (bare.value.pointer, wrapped.value.pointer) == (pointer, f"/order{pointer}")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"id": ""}, "/customer/id"),
        ({"accepts_marketing": 1}, "/customer/accepts_marketing"),
        ({"accepts_sms_marketing": "yes"}, "/customer/accepts_sms_marketing"),
        ({"updated_at": 1714550400}, "/customer/updated_at"),
    ],
)
def test_a_customers_field_is_malformed_where_it_stands(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Malformed) as complaint:
        _customer(**changes)

    assert complaint.value.pointer == pointer


@pytest.mark.parametrize("body", [{"order": "11218-00000001"}, {"order": []}, {}, {"order": None}])
def test_a_wrapper_without_an_order_in_it_is_malformed(body: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        _read("orders/create", body)


@pytest.mark.parametrize("body", [{"id": 690933842}, {"id": "690933842", "name": "Acme"}, {"shop": {"id": 690933842}}])
def test_a_shop_that_removes_the_app_has_left(body: dict[str, Any]) -> None:
    found = _read("app/uninstalled", body)

    assert isinstance(found, StoreLeft)
    assert found.reason == "the app was uninstalled"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"id": 11218}, "/id"),
        ({}, "/id"),
        (bodies_shoplazza.deleted(), "/order"),
        ({"id": "11218-00000001"}, "/id"),
        ({"id": "ef0318fe-e0ed-4551-a5bc-8b8e36c4f90f"}, "/id"),
        ({"id": 690933842, "variants": []}, "/variants"),
        ({"customer": {"id": 690933842}}, "/customer"),
        ({"product": {"id": 690933842}}, "/product"),
    ],
)
def test_another_shops_removal_or_another_topics_body_disconnects_nobody(body: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Malformed) as refused:
        _read("app/uninstalled", body)

    assert refused.value.pointer == pointer


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("products/publish", {"product": {"id": "0510dace-34da-4555-a896-495e0cb1ed6e"}}),
        ("customers/delete", {"customer": {"id": "ef0318fe-e0ed-4551-a5bc-8b8e36c4f90f"}}),
        ("app/installed", {"id": 690933842}),
        ("orders/updated", bodies_shoplazza.deleted()),
        ("", {}),
    ],
)
def test_a_topic_that_nothing_needs_is_unheeded(topic: str, body: dict[str, Any]) -> None:
    found = _read(topic, body)

    assert isinstance(found, Unheeded)
    assert found.outcome == "ignored"
