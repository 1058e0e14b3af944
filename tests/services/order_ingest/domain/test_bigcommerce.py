"""BigCommerce's thin hooks and fetched orders, read: who is named, what adds up, what a status stands for."""

from contextlib import suppress
from datetime import UTC, datetime
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
    OrderTouched,
    RefundLine,
    StoreLeft,
    Unheeded,
)
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms import bigcommerce
from services.order_ingest.domain.reading import load, microseconds
from services.order_ingest.domain.refunds import NO_REFUNDS
from services.order_ingest.domain.storefront import PULLED, Arrival
from tests.services.order_ingest import bodies_bigcommerce as bodies
from tests.services.order_ingest.bodies import encoded
from tests.services.order_ingest.desk import NOW, storefront

_MODIFIED = datetime(2026, 5, 2, 10, 15, 8, tzinfo=UTC)


def _read(body: dict[str, Any], topic: str | None = None, **store: Any) -> Any:
    shop = storefront("bigcommerce", account=bodies.STORE_HASH, **store)
    return bigcommerce.parse(load(encoded(body)), Arrival(topic=topic, at=NOW), shop)


def _pulled(parts: dict[str, Any] | None = None, **changes: Any) -> OrderSeen:
    found = _read(bodies.document(parts, **changes), PULLED)
    assert isinstance(found, OrderSeen)
    return found


@pytest.mark.parametrize(
    ("scope", "data"),
    [
        ("store/order/created", {"type": "order", "id": 727}),
        ("store/order/updated", {"type": "order", "id": 727}),
        ("store/order/archived", {"type": "order", "id": 727}),
        ("store/order/*", {"type": "order", "id": 727}),
        (
            "store/order/statusUpdated",
            {"type": "order", "id": 727, "status": {"previous_status_id": 0, "new_status_id": 11}},
        ),
        ("store/order/refund/created", {"type": "order", "id": 727, "refund": {"refund_id": 3}}),
        ("store/order/transaction/created", {"type": "transaction", "order_id": 727, "transaction_id": "176342342"}),
        ("store/order/transaction/updated", {"type": "transaction", "order_id": 727, "transaction_id": "176342342"}),
        ("store/shipment/created", {"type": "shipment", "id": 12, "orderId": 727}),
        ("store/shipment/updated", {"type": "shipment", "id": 12, "orderId": 727}),
        ("store/shipment/deleted", {"type": "shipment", "id": 12, "orderId": 727}),
        ("store/channel/1/order/updated", {"order_id": 727}),
        ("store/channel/1299/order/refund/created", {"order_id": 727}),
        ("store/order/updated", {"type": "order", "id": "727"}),
    ],
)
def test_a_hook_about_an_order_names_it_and_its_own_second(scope: str, data: dict[str, Any]) -> None:
    assert _read(bodies.hook(scope, data=data)) == OrderTouched(external_id="727", at=_MODIFIED)


@pytest.mark.parametrize("created_at", [{"created_at": None}, {}])
def test_a_hook_without_its_time_is_as_old_as_its_delivery(created_at: dict[str, Any]) -> None:
    body = bodies.hook()
    del body["created_at"]

    assert _read({**body, **created_at}) == OrderTouched(external_id="727", at=NOW)


@pytest.mark.parametrize(
    "scope",
    [
        "store/order/message/created",
        "store/order/metafield/updated",
        "store/customer/created",
        "store/customer/address/updated",
        "store/subscriber/created",
        "store/cart/converted",
        "store/channel/updated",
        "store/channel/1/cart/updated",
        "store/channel/x/order/updated",
        "store/channel/1/channel/1/order/updated",
        "store/app/installed",
        "store/channel/1/app/uninstalled",
        "order/created",
        "store/shipment/created/",
    ],
)
def test_a_scope_that_nothing_needs_is_unheeded_whatever_its_data(scope: str) -> None:
    found = _read(bodies.hook(scope, data=["?"]))

    assert isinstance(found, Unheeded)
    assert found.outcome == "ignored"


@pytest.mark.parametrize(
    ("changes", "at"), [({}, datetime.fromtimestamp(1777716908, UTC)), ({"created_at": None}, NOW)]
)
def test_a_store_that_removes_the_app_has_left(changes: dict[str, Any], at: datetime) -> None:
    body = {**bodies.hook("store/app/uninstalled", data={"type": "store"}), **changes}

    assert _read(body) == StoreLeft(at=at, reason="the app was uninstalled")


@pytest.mark.parametrize(
    "scope", ["store/order/updated", "store/shipment/created", "store/cart/created", "store/app/uninstalled"]
)
@pytest.mark.parametrize("producer", ["stores/other", "stores/", bodies.STORE_HASH, "stores/K3X9QD", "stores/k3x9qd/x"])
def test_a_hook_of_another_store_is_refused(scope: str, producer: str) -> None:
    with pytest.raises(Malformed, match=r"^/producer: is another store$"):
        _read(bodies.hook(scope, producer=producer))


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"scope": None}, "/scope"),
        ({"scope": 7}, "/scope"),
        ({"producer": None}, "/producer"),
        ({"producer": ["stores/k3x9qd"]}, "/producer"),
        ({"data": None}, "/data"),
        ({"data": [727]}, "/data"),
        ({"data": {}}, "/data/id"),
        ({"data": {"id": 7.5}}, "/data/id"),
        ({"data": {"id": True}}, "/data/id"),
        ({"scope": "store/shipment/created", "data": {"type": "shipment", "id": 12}}, "/data/orderId"),
        ({"created_at": "1777716908"}, "/created_at"),
        ({"created_at": 1777716908.5}, "/created_at"),
        ({"created_at": -1}, "/created_at"),
        ({"created_at": 1777716908000}, "/created_at"),
    ],
)
def test_a_hook_that_is_not_what_it_should_be_is_malformed_and_named(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Malformed) as complaint:
        _read(bodies.hook(**changes))

    assert complaint.value.pointer == pointer


def test_a_hook_never_tells_an_order_even_if_one_is_in_it() -> None:
    assert isinstance(_read({**bodies.hook(), **bodies.document()}), OrderTouched)


_YEN = {
    "default_currency_code": "JPY",
    "shipping_cost_ex_tax": "500.0000",
    "total_tax": "450.0000",
    "total_inc_tax": "4948.0000",
    "discount_amount": "2.0000",
}
_YEN_LINE = {"total_ex_tax": "4000.0000", "total_tax": "400.0000", "discounted_total_inc_tax": "4398.0000"}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({}, {}),
        ({"fees": [bodies.fee()], "total_tax": "2.9300", "total_inc_tax": "41.9300"}, {}),
        ({"fees": {"url": "https://api.example/fees", "resource": "/orders/727/fees"}}, {}),
        ({"fees": None}, {}),
        (
            {"wrapping_cost_ex_tax": "4.0000", "wrapping_cost_tax": "0.3000", "handling_cost_ex_tax": "1.5000"}
            | {"total_tax": "3.0800", "total_inc_tax": "45.5800"},
            {},
        ),
        (bodies.TAX_IN_PRICES["order"], {"products": [bodies.product(**bodies.TAX_IN_PRICES["product"])]}),
        (_YEN, {"products": [bodies.product(**_YEN_LINE)]}),
        # Numbers in place of texts, and fewer decimals: "Float, Float-As-String, Integer".
        (
            {"shipping_cost_ex_tax": 10, "total_tax": 2.78, "total_inc_tax": "39.78"},
            {"products": [bodies.product(discounted_total_inc_tax=29.03, total_tax=2.03, total_ex_tax="30")]},
        ),
        # A bundle's parts cost nothing of their own.
        (
            {},
            {
                "products": [
                    bodies.product(),
                    bodies.product(id=316, total_ex_tax="0.0000", total_tax="0.0000", discounted_total_inc_tax="0"),
                ]
            },
        ),
        # Without the amount that was paid, the discounts are taken off.
        ({}, {"products": [bodies.product(discounted_total_inc_tax=None)]}),
        ({}, {"products": [bodies.product(discounted_total_inc_tax="")]}),
        ({"shipping_cost_ex_tax": "0", "total_tax": "0.0000", "total_inc_tax": "0.0000"}, {"products": []}),
    ],
)
def test_lines_fees_shipping_and_tax_make_the_total(changes: dict[str, Any], parts: dict[str, Any]) -> None:
    seen = _pulled(parts, **changes)

    assert seen.remark is None
    assert not seen.content.tax_included
    exponent = 0 if seen.content.currency == "JPY" else 2
    assert seen.content.total_minor == int(Decimal(str(bodies.order(**changes)["total_inc_tax"])).scaleb(exponent))


def test_a_total_that_the_parts_do_not_make_is_remarked() -> None:
    seen = _pulled(total_inc_tax="39.7900")

    assert seen.remark == "total_inc_tax is 3979, lines, fees, shipping and tax make 3978 (minor units)"


def test_a_line_is_what_was_paid_for_it_and_its_price_is_before_coupons() -> None:
    [line] = _pulled().content.lines

    assert (line.total_minor, line.discount_minor, line.tax_minor) == (2700, 300, 203)
    assert (line.quantity, line.unit_price_minor) == (3, 1000)


def test_with_tax_in_prices_a_line_stands_without_its_tax_all_the_same() -> None:
    [line] = _pulled({"products": [bodies.product(**bodies.TAX_IN_PRICES["product"])]}).content.lines

    assert (line.total_minor, line.discount_minor, line.tax_minor) == (18000, 2000, 3600)
    assert (line.quantity, line.unit_price_minor) == (2, 10000)


@pytest.mark.parametrize(
    ("changes", "total", "discount"),
    [
        # A line that staff made dearer has no discount; one that costs nothing does not cost less.
        ({"discounted_total_inc_tax": "47.0300"}, 4500, 0),
        ({"discounted_total_inc_tax": "0.0000"}, 0, 3000),
        ({"discounted_total_inc_tax": None, "applied_discounts": None}, 3000, 0),
        ({"discounted_total_inc_tax": None, "applied_discounts": [{"amount": 12}, {"amount": "30.0000"}]}, 0, 3000),
    ],
)
def test_odd_discounts(changes: dict[str, Any], total: int, discount: int) -> None:
    [line] = _pulled({"products": [bodies.product(**changes)]}).content.lines

    assert (line.total_minor, line.discount_minor) == (total, discount)


def test_a_fee_is_money_and_no_piece_of_goods_however_its_cost_is_spelled() -> None:
    spelled = bodies.fee(id=2, cost_ex_tax="2.0000")
    del spelled["cost_exc_tax"]
    named = bodies.fee(id=3, display_name_customer="", cost_inc_tax=2.15, cost_tax="0.15")

    _, *fees = _pulled(fees=[bodies.fee(), spelled, named]).content.lines

    assert [fee.external_id for fee in fees] == ["fee:1", "fee:2", "fee:3"]
    assert [fee.title for fee in fees] == ["Package protection", "Package protection", "PP-1"]
    assert {(fee.quantity, fee.total_minor, fee.tax_minor, fee.product_id) for fee in fees} == {(0, 200, 15, None)}


def test_wrapping_is_one_line_of_the_order() -> None:
    _, wrapping = _pulled(wrapping_cost_ex_tax="4.0000", wrapping_cost_tax="0.3000").content.lines

    assert (wrapping.external_id, wrapping.title) == ("wrapping", "Gift wrapping")
    assert (wrapping.quantity, wrapping.total_minor, wrapping.tax_minor) == (0, 400, 30)


def test_the_order_keeps_its_words() -> None:
    coupons = [bodies.coupon(), bodies.coupon(id=4, code=None), bodies.coupon(id=5, code=""), bodies.coupon(code="VIP")]
    content = _pulled({"coupons": coupons}, discount_amount="1.5000", order_source="iphone").content

    assert (content.number, content.channel, content.currency) == ("727", "iphone", "USD")
    assert (content.shipping_minor, content.tax_minor, content.discount_minor) == (1000, 278, 450)
    assert content.coupon_codes == ("SPRING", "VIP")


@pytest.mark.parametrize(
    ("codes", "currency"),
    [
        ({"default_currency_code": "EUR", "currency_code": "USD"}, "EUR"),
        ({"default_currency_code": "", "currency_code": "CAD"}, "CAD"),
        ({"default_currency_code": None, "currency_code": "CAD"}, "CAD"),
    ],
)
def test_amounts_are_in_the_currency_that_is_paid_in(codes: dict[str, Any], currency: str) -> None:
    assert _pulled(**codes).content.currency == currency


def test_ids_are_text_0_is_nothing_and_a_gift_certificate_is_no_goods() -> None:
    plain, custom, certificate = _pulled(
        {
            "products": [
                bodies.product(id=2**60),
                bodies.product(id=316, product_id=0, variant_id=0, brand="", name=""),
                bodies.product(id=317, product_id=0, type="giftcertificate"),
            ]
        }
    ).content.lines

    assert (plain.external_id, plain.product_id, plain.variant, plain.brand) == (str(2**60), "93", "477", "Acme")
    assert (custom.product_id, custom.variant, custom.brand, custom.title) == (None, None, None, "-")
    assert [line.gift_card for line in (plain, custom, certificate)] == [False, False, True]


def test_what_a_buyer_wrote_is_in_no_line() -> None:
    assert "For Ann" not in repr(_pulled().content)


@pytest.mark.parametrize(
    ("status_id", "payment_status", "financial_status", "is_paid", "is_cancelled"),
    [
        (7, "", "pending", False, False),
        (7, "pending", "pending", False, False),
        (7, "captured", "paid", True, False),
        # Status 11 means that the payment was confirmed: true where no gateway knows better.
        (11, "", "paid", True, False),
        (11, "pending", "paid", True, False),
        (11, None, "paid", True, False),
        (11, "captured", "paid", True, False),
        (11, "paid", "paid", True, False),
        (11, "authorized", "authorized", False, False),
        (11, "capture pending", "authorized", False, False),
        (11, "held for review", "pending", False, False),
        (11, "declined", "pending", False, False),
        (11, "void", "voided", False, False),
        # Under way, and paid on delivery.
        (2, "pending", "pending", False, False),
        (2, "captured", "paid", True, False),
        (3, "", "pending", False, False),
        (8, "paid", "paid", True, False),
        (9, "", "pending", False, False),
        (10, "pending", "paid", True, False),
        (10, "authorized", "authorized", False, False),
        (12, "held for review", "pending", False, False),
        (12, "captured", "paid", True, False),
        (13, "", "paid", True, False),
        (4, "", "refunded", True, False),
        (4, "refunded", "refunded", True, False),
        (10, "refunded", "refunded", True, False),
        (14, "", "partially_refunded", True, False),
        (10, "partially refunded", "partially_refunded", True, False),
        (5, "", "voided", False, True),
        (5, "void pending", "voided", False, True),
        (5, "captured", "paid", True, True),
        (5, "refunded", "refunded", True, True),
        (6, "declined", "voided", False, True),
        # A status and a payment of tomorrow.
        (15, "on the moon", "pending", False, False),
    ],
)
def test_the_two_statuses_say_where_the_money_is(
    status_id: int, payment_status: str | None, financial_status: str, is_paid: bool, is_cancelled: bool
) -> None:
    seen = _pulled(status_id=status_id, payment_status=payment_status)

    assert seen.content.financial_status == financial_status
    assert seen.paid_at == (_MODIFIED if is_paid else None)
    assert seen.cancelled == (Cancellation(at=_MODIFIED, reason=None) if is_cancelled else None)


@pytest.mark.parametrize("status_id", [0, 1])
@pytest.mark.parametrize("payment_status", ["", "pending", "declined", "authorized", None])
def test_a_checkout_that_was_not_completed_is_left_alone_however_empty_it_is(
    status_id: int, payment_status: str | None
) -> None:
    bare = {
        "id": 9,
        "status_id": status_id,
        "payment_status": payment_status,
        "date_modified": "Sat, 02 May 2026 10:15:08 +0000",
    }

    found = _read({"order": bare}, PULLED)

    assert found == Unheeded("ignored", "the checkout was not completed: no order was placed yet")


def test_an_order_that_nobody_gave_a_status_but_that_is_paid_was_placed() -> None:
    assert _pulled(status_id=1, payment_status="captured").content.financial_status == "paid"


@pytest.mark.parametrize("status_id", [5, 10, 11])
def test_an_archived_order_is_what_it_was(status_id: int) -> None:
    """Shops archive old orders to tidy up: nothing was undone."""
    assert _pulled(is_deleted=True, status_id=status_id) == _pulled(status_id=status_id)


def _refunds(*refunded: dict[str, Any], parts: dict[str, Any] | None = None, **changes: Any) -> Any:
    return _pulled({"refunds": list(refunded), **(parts or {})}, **changes).refunds


def test_a_refund_of_pieces_is_of_their_line_and_at_its_own_time() -> None:
    [back] = _refunds(bodies.refund())

    assert (back.external_id, back.reason) == ("801", "one was broken")
    assert back.at == datetime(2026, 5, 9, 7, 59, 58, tzinfo=UTC)
    assert back.lines == (RefundLine("315", 1, 900, 68),)
    assert (back.amount_minor, back.shipping_minor) == (968, 0)


@pytest.mark.parametrize("created", ["", None])
def test_a_refund_without_a_time_is_as_old_as_the_version_that_has_it(created: str | None) -> None:
    [back] = _refunds(bodies.refund(created=created))

    assert back.at == _MODIFIED


def test_a_refund_of_everything_takes_back_every_line_and_shipping_exactly() -> None:
    everything = [bodies.item("PRODUCT", 315, quantity=3), bodies.item("SHIPPING", 51, requested_amount=10)]

    [back] = _refunds(bodies.refund(total_amount=39.78, total_tax=2.78, items=everything))

    # The tax of shipping is nobody's.
    assert back.lines == (RefundLine("315", 3, 2700, 278 * 2700 // 3700),)
    assert (back.amount_minor, back.shipping_minor) == (3978, 1000)


def test_parts_of_a_refund_are_shared_in_the_proportion_of_their_worth() -> None:
    lines = [bodies.product(), bodies.product(id=316, quantity=1, discounted_total_inc_tax="11.0000", total_tax="1.00")]
    items = [bodies.item("PRODUCT", 315, quantity=1), bodies.item("PRODUCT", 316, quantity=1)]

    # 9.00 and 10.00 were paid, and 1.00 less goes back: the sum is what moved.
    [back] = _refunds(bodies.refund(total_amount="19.68", total_tax="1.68", items=items), parts={"products": lines})

    assert back.lines == (RefundLine("315", 1, 1800 * 9 // 19, 168 * 9 // 19), RefundLine("316", 1, 947, 88))
    assert sum(line.amount_minor for line in back.lines) <= 1800


def test_shipping_and_handling_fees_and_wrapping_have_places_of_their_own() -> None:
    items = [
        bodies.item("SHIPPING", 51, requested_amount="4.00"),
        bodies.item("HANDLING", 51, requested_amount=1),
        bodies.item("FEE", 1, requested_amount=2),
        bodies.item("GIFT_WRAPPING", 315, quantity=1),
    ]

    [back] = _refunds(
        bodies.refund(total_amount=10, total_tax=0, items=items),
        fees=[bodies.fee()],
        wrapping_cost_ex_tax="3.0000",
    )

    assert back.shipping_minor == 500
    assert back.lines == (RefundLine("fee:1", 0, 200, 0), RefundLine("wrapping", 0, 300, 0))


@pytest.mark.parametrize("kind", ["ORDER", "TAX", "SOMETHING_NEW"])
def test_what_is_given_back_for_the_order_as_a_whole_is_spread_over_it(kind: str) -> None:
    [back] = _refunds(bodies.refund(total_amount=5, total_tax=0, items=[bodies.item(kind, 727, requested_amount=5)]))

    assert back.amount_minor == 500
    assert back.lines == (RefundLine("315", 0, 2700 * 500 // 3978, 203 * 500 // 3978),)
    assert back.shipping_minor == 1000 * 500 // 3978


def test_a_refund_of_a_piece_and_of_something_for_the_trouble_names_the_line_twice() -> None:
    items = [bodies.item("PRODUCT", 315, quantity=1), bodies.item("ORDER", 727, requested_amount="1.00")]

    [back] = _refunds(bodies.refund(total_amount="10.68", total_tax="0.68", items=items))

    assert back.lines == (RefundLine("315", 1, 900, 68), RefundLine("315", 0, 67, 5))
    assert refunds.merge(NO_REFUNDS, [back])["801"].refund.lines == (RefundLine("315", 1, 967, 73),)


@pytest.mark.parametrize("items", [[], None, [bodies.item("ORDER", 727)], [bodies.item("PRODUCT", 9, quantity=1)]])
def test_a_refund_that_says_for_nothing_how_much_is_spread(items: Any) -> None:
    [back] = _refunds(bodies.refund(items=items))

    assert back.lines == (RefundLine("315", 0, 2700 * 968 // 3978, 203 * 968 // 3978),)
    assert back.shipping_minor == 1000 * 968 // 3978


@pytest.mark.parametrize(
    ("quantity", "requested", "amounts"),
    [
        (1, None, [900]),
        # Nothing says how many: then what was asked for counts.
        (None, "12.00", [900]),
        (0, 12, [900]),
        # More than were sold, as after an edit.
        (5, None, [900]),
    ],
)
def test_the_sum_of_a_refund_of_one_item_is_that_items(
    quantity: int | None, requested: Any, amounts: list[int]
) -> None:
    [back] = _refunds(bodies.refund(items=[bodies.item("PRODUCT", 315, quantity=quantity, requested_amount=requested)]))

    assert [line.amount_minor for line in back.lines] == amounts
    assert [line.quantity for line in back.lines] == [quantity or 0]


def test_a_refund_of_which_no_payment_went_through_is_none() -> None:
    payment = bodies.refund()["payments"][0]

    assert _refunds(bodies.refund(payments=[{**payment, "is_declined": True}])) == ()
    assert _refunds(bodies.refund(total_amount=0)) == ()
    assert _refunds(bodies.refund(total_amount=0, payments=[{"amount": -5, "is_declined": True}])) == ()


def test_of_a_refund_whose_payments_were_declined_in_part_the_rest_moved() -> None:
    payments = [{"amount": "4.84", "is_declined": True}, {"amount": 4.84, "is_declined": False}]

    [back] = _refunds(bodies.refund(payments=payments))

    assert back.amount_minor == 484
    assert back.lines == (RefundLine("315", 1, 450, 34),)


@pytest.mark.parametrize(("tax", "line"), [(-0.32, (968, 0)), (20, (0, 968)), (None, (968, 0))])
def test_an_odd_tax_of_a_refund_stays_within_its_sum(tax: Any, line: tuple[int, int]) -> None:
    [back] = _refunds(bodies.refund(total_tax=tax))

    assert [(each.amount_minor, each.tax_minor) for each in back.lines] == [line]


def test_an_order_with_a_refund_is_partly_refunded_whatever_staff_set_it_to() -> None:
    assert _pulled({"refunds": [bodies.refund()]}, status_id=10).content.financial_status == "partially_refunded"
    assert _pulled({"refunds": [bodies.refund()]}, status_id=4).content.financial_status == "refunded"
    assert _pulled({"refunds": [bodies.refund()]}, payment_status="void").content.financial_status == "voided"


def test_refunds_are_equal_whichever_version_comes_first() -> None:
    other = bodies.refund(id=802, total_amount=4, total_tax=0, items=[bodies.item("ORDER", 727, requested_amount=4)])
    earlier = _refunds(bodies.refund(created=""), date_modified="Sat, 09 May 2026 08:00:00 +0000")
    later = _refunds(bodies.refund(created=""), other, date_modified="Mon, 11 May 2026 08:00:00 +0000")

    forwards = refunds.merge(refunds.merge(NO_REFUNDS, earlier), later)
    backwards = refunds.merge(refunds.merge(NO_REFUNDS, later), earlier)

    assert forwards == backwards
    assert refunds.amount_minor(forwards) == 1368
    assert forwards["801"].refund.at == datetime(2026, 5, 9, 8, tzinfo=UTC)


def test_every_shipment_is_a_parcel_that_left_when_it_was_made() -> None:
    first = bodies.shipment(items=[{"order_product_id": 315, "product_id": 93, "quantity": 1}])
    second = bodies.shipment(id=7, date_created="Tue, 05 May 2026 11:00:00 +0200")

    seen = _pulled({"shipments": [first, second]}, status_id=2, date_shipped="Tue, 05 May 2026 09:00:00 +0000")

    assert seen.fulfilments == (
        Movement(external_id="6", began_at=datetime(2026, 5, 4, 9, tzinfo=UTC), lines=(LineQuantity("315", 1),)),
        Movement(external_id="7", began_at=datetime(2026, 5, 5, 9, tzinfo=UTC), lines=(LineQuantity("315", 3),)),
    )


@pytest.mark.parametrize(
    ("changes", "began_at"),
    [
        ({"status_id": 2, "date_shipped": "Mon, 04 May 2026 09:00:00 +0000"}, datetime(2026, 5, 4, 9, tzinfo=UTC)),
        ({"status_id": 2, "date_shipped": ""}, _MODIFIED),
        # Its status changed again: it left all the same.
        ({"status_id": 10, "date_shipped": "Mon, 04 May 2026 09:00:00 +0000"}, datetime(2026, 5, 4, 9, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("parts", [{}, {"shipments": []}])
def test_an_order_shipped_by_its_status_alone_left_in_one_piece(
    changes: dict[str, Any], began_at: datetime, parts: dict[str, Any]
) -> None:
    lines = [bodies.product(), bodies.product(id=316, quantity=1)]

    seen = _pulled({"products": lines, **parts}, fees=[bodies.fee()], **changes)

    pieces = (LineQuantity("315", 3), LineQuantity("316", 1))
    assert seen.fulfilments == (Movement(external_id="order", began_at=began_at, lines=pieces),)


@pytest.mark.parametrize("status_id", [3, 8, 9, 10, 11])
def test_other_statuses_move_no_goods(status_id: int) -> None:
    assert _pulled(status_id=status_id).fulfilments == ()


def test_the_version_is_the_last_change_and_the_order_is_as_old_as_its_making() -> None:
    seen = _pulled()

    assert seen.updated_us == microseconds(_MODIFIED)
    assert seen.content.placed_at == datetime(2026, 5, 2, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("Sat, 02 May 2026 10:15:08 +0000", _MODIFIED),
        ("Sat, 02 May 2026 06:15:08 -0400", _MODIFIED),
        ("Sat, 2 May 2026 15:45:08 +0530", _MODIFIED),
        ("02 May 2026 10:15:08 +0000", _MODIFIED),
        ("Thu, 31 Dec 2026 23:59:59 -0001", datetime(2027, 1, 1, 0, 0, 59, tzinfo=UTC)),
    ],
)
def test_times_are_read_with_their_offset(written: str, utc: datetime) -> None:
    assert _pulled(date_modified=written).updated_us == microseconds(utc)


@pytest.mark.parametrize(
    "value",
    [
        "2026-05-02T10:15:08Z",
        "Sat, 02 May 2026 10:15:08 GMT",
        "Sat, 02 May 2026 10:15:08",
        "Sat, 02 May 2026 10:15 +0000",
        "Sat, 02 Mai 2026 10:15:08 +0000",
        "Sat, 31 Feb 2026 10:15:08 +0000",
        "Sat, 02 May 2026 25:15:08 +0000",
        "Sat, 02 May 2026 10:15:60 +0000",
        "Sat, 02 May 2026 10:15:08 +9900",
        "Fri, 02 May 1902 10:15:08 +0000",
        "Wed, 30 Nov -001 00:00:00 +0000",
        " Sat, 02 May 2026 10:15:08 +0000",
        "Sat, ０2 May 2026 10:15:08 +0000",
        "0",
        1777716908,
        {"date": "2026-05-02"},
        True,
    ],
)
@pytest.mark.parametrize("name", ["date_modified", "date_created", "date_shipped"])
def test_another_form_of_time_is_refused_and_named(name: str, value: Any) -> None:
    with pytest.raises(Malformed) as complaint:
        _pulled(**{name: value})

    assert complaint.value.pointer == f"/order/{name}"


def test_an_order_names_its_account_and_where_the_bill_goes() -> None:
    person = _pulled().person

    assert (person.external_id, person.email, person.phone) == ("25", "ann@example.com", "(415) 555-0123")
    assert (person.given_name, person.family_name) == ("Ann", "Smith")
    assert (person.region, person.locale) == ("US", "en-US")


def test_the_box_at_the_checkout_is_no_consent_to_anything_known() -> None:
    person = _pulled(is_email_opt_in=True).person

    assert (person.accepts_marketing, person.consents) == (None, ())


def test_a_guest_has_an_address_and_no_account() -> None:
    person = _pulled(customer_id=0).person

    assert (person.external_id, person.email) == (None, "ann@example.com")


@pytest.mark.parametrize(
    ("billing", "region"),
    [(bodies.billing(country_iso2="DE"), "DE"), (bodies.billing(country_iso2=""), "US"), ({}, "US"), (None, "US")],
)
def test_the_country_is_that_of_the_bill_then_of_the_shop(billing: Any, region: str) -> None:
    assert _pulled(billing_address=billing).person.region == region


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"id": None}, "/order/id"),
        ({"id": 7.5}, "/order/id"),
        ({"date_modified": ""}, "/order/date_modified"),
        ({"date_created": ""}, "/order/date_created"),
        ({"status_id": None}, "/order/status_id"),
        ({"status_id": "11"}, "/order/status_id"),
        ({"payment_status": 5}, "/order/payment_status"),
        ({"default_currency_code": None, "currency_code": None}, "/order/currency_code"),
        ({"default_currency_code": "BTC"}, "/order/default_currency_code"),
        ({"default_currency_code": 840}, "/order/default_currency_code"),
        ({"total_inc_tax": "1e400"}, "/order/total_inc_tax"),
        ({"total_inc_tax": "39,78"}, "/order/total_inc_tax"),
        ({"total_tax": True}, "/order/total_tax"),
        ({"shipping_cost_ex_tax": []}, "/order/shipping_cost_ex_tax"),
        ({"handling_cost_ex_tax": "?"}, "/order/handling_cost_ex_tax"),
        ({"wrapping_cost_ex_tax": "NaN"}, "/order/wrapping_cost_ex_tax"),
        ({"discount_amount": "--1"}, "/order/discount_amount"),
        ({"coupon_discount": {}}, "/order/coupon_discount"),
        ({"fees": "none"}, "/order/fees"),
        ({"fees": [bodies.fee(), bodies.fee(id=None)]}, "/order/fees/1/id"),
        ({"fees": [bodies.fee(cost_inc_tax="x")]}, "/order/fees/0/cost_inc_tax"),
        ({"customer_id": "x" * 129}, "/order/customer_id"),
        ({"billing_address": "Ann"}, "/order/billing_address"),
        ({"billing_address": bodies.billing(email=5)}, "/order/email"),
        ({"order_source": 5}, "/order/order_source"),
    ],
)
def test_a_field_of_the_order_that_is_not_what_it_should_be_is_malformed_and_named(
    changes: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(Malformed) as complaint:
        _pulled(**changes)

    assert complaint.value.pointer == pointer


@pytest.mark.parametrize(
    ("parts", "pointer"),
    [
        ({"order": None}, "/order"),
        ({"order": [bodies.order()]}, "/order"),
        ({"products": {"1": bodies.product()}}, "/products"),
        ({"products": [bodies.product(), 7]}, "/products/1"),
        ({"products": [bodies.product(id=None)]}, "/products/0/id"),
        ({"products": [bodies.product(quantity=1.5)]}, "/products/0/quantity"),
        ({"products": [bodies.product(quantity=-1)]}, "/products/0/quantity"),
        ({"products": [bodies.product(quantity=None)]}, "/products/0/quantity"),
        ({"products": [bodies.product(total_ex_tax="x")]}, "/products/0/total_ex_tax"),
        ({"products": [bodies.product(discounted_total_inc_tax=[])]}, "/products/0/discounted_total_inc_tax"),
        (
            {"products": [bodies.product(discounted_total_inc_tax=None, applied_discounts=[{"amount": "x"}])]},
            "/products/0/applied_discounts/0/amount",
        ),
        ({"coupons": [bodies.coupon(code=5)]}, "/coupons/0/code"),
        ({"coupons": "SPRING"}, "/coupons"),
        ({"shipments": [bodies.shipment(id="")]}, "/shipments/0/id"),
        ({"shipments": [bodies.shipment(date_created="now")]}, "/shipments/0/date_created"),
        ({"shipments": [bodies.shipment(items=[{"quantity": 1}])]}, "/shipments/0/items/0/order_product_id"),
        ({"shipments": [bodies.shipment(items={})]}, "/shipments/0/items"),
        ({"refunds": [bodies.refund(id=None)]}, "/refunds/0/id"),
        ({"refunds": [bodies.refund(total_amount="all")]}, "/refunds/0/total_amount"),
        ({"refunds": [bodies.refund(created="yesterday")]}, "/refunds/0/created"),
        ({"refunds": [bodies.refund(payments=[5])]}, "/refunds/0/payments/0"),
        (
            {"refunds": [bodies.refund(items=[bodies.item("PRODUCT", 315, quantity="1")])]},
            "/refunds/0/items/0/quantity",
        ),
        ({"refunds": [bodies.refund(items=[{"item_type": "PRODUCT"}])]}, "/refunds/0/items/0/item_id"),
        ({"refunds": [bodies.refund(items=[{"item_type": 5}])]}, "/refunds/0/items/0/item_type"),
        ({"refunds": {"data": []}}, "/refunds"),
    ],
)
def test_a_part_that_is_not_what_it_should_be_is_malformed_and_named(parts: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Malformed) as complaint:
        _pulled(parts)

    assert complaint.value.pointer == pointer


def test_a_complaint_never_quotes_what_it_complains_about() -> None:
    with pytest.raises(Malformed) as complaint:
        _pulled(date_created="Ann Smith, ann@example.com")

    assert "ann" not in str(complaint.value).lower()


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["0", "-1", "1e9"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
_WHOLE = bodies.document(
    {"refunds": [bodies.refund()], "shipments": [bodies.shipment()]}, fees=[bodies.fee()], wrapping_cost_ex_tax="1"
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in _places(each, (*path, key)))]


def _replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    if not path:
        return by
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = _replaced(value[path[0]], path[1:], by)
    return changed


@given(
    st.sampled_from(
        [(body, place, topic) for body, topic in ((_WHOLE, PULLED), (bodies.hook(), None)) for place in _places(body)]
    ),
    _ANYTHING,
)
@settings(deadline=None)
def test_whatever_stands_anywhere_is_read_or_malformed(found: tuple[Any, Any, Any], value: Any) -> None:
    body, place, topic = found

    with suppress(Malformed):
        _read(_replaced(body, place, value), topic)
