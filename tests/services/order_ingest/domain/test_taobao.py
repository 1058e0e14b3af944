"""Taobao's messages and trades, read: who is meant, money that adds up whatever was refunded, times without offset."""

import contextlib
import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.order_ingest.domain import movements, refunds
from services.order_ingest.domain.changes import (
    Cancellation,
    LineQuantity,
    Movement,
    OrderSeen,
    OrderTouched,
    RefundLine,
    Unheeded,
)
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms import taobao
from services.order_ingest.domain.reading import load, microseconds
from services.order_ingest.domain.storefront import PULLED, Arrival
from tests.services.order_ingest import bodies_taobao as bodies
from tests.services.order_ingest.bodies import encoded
from tests.services.order_ingest.bodies_taobao import cup, orders, sofa
from tests.services.order_ingest.desk import NOW, storefront

_TID, _SOFA, _CUP = str(bodies.TID), str(bodies.SOFA_OID), str(bodies.CUP_OID)
_PAID = datetime(2026, 5, 2, 10, 15, 5, tzinfo=UTC)
_MODIFIED = datetime(2026, 5, 2, 10, 15, 6, tzinfo=UTC)


def _read(body: dict[str, Any], *, topic: str | None = None, account: str = bodies.SELLER) -> Any:
    store = storefront("taobao", account=account, currency="CNY", time_zone="Asia/Shanghai", locale="zh-CN")
    return taobao.parse(load(encoded(body)), Arrival(topic=topic, at=NOW), store)


def _order(trade: dict[str, Any] | None = None, *refunds: dict[str, Any], **changes: Any) -> OrderSeen:
    found = _read(bodies.pulled({**(trade or bodies.trade()), **changes}, *refunds), topic=PULLED)
    assert isinstance(found, OrderSeen)
    return found


@pytest.mark.parametrize(
    "topic",
    [
        *(
            f"taobao_trade_Trade{event}"
            for event in (
                "Create", "BuyerPay", "BuyerStepPay", "SellerShip", "PartlySellerShip", "Success", "Close", "Changed",
                "PartlyRefund", "PartlyConfirmPay", "ModifyFee", "CloseAndModifyDetailOrder", "MemoModified",
            )
        ),
        "taobao_refund_RefundCreated",
        "taobao_refund_RefundSuccess",
        "taobao_refund_RefundClosed",
        "taobao_refund_RefundSellerAgreeAgreement",
    ],
)  # fmt: skip
def test_a_message_about_a_trade_or_a_refund_touches_its_trade(topic: str) -> None:
    assert _read(bodies.message(topic)) == OrderTouched(external_id=_TID, at=_MODIFIED)


@pytest.mark.parametrize(
    "topic",
    [
        "taobao_trade_TradeRated",
        "taobao_refund_RefundableMarked",
        "taobao_refund_RefundableCanceled",
        "taobao_item_ItemUpdate",
        "tmall_refund_RefundSucceed",
        "taobao_fuwu_OrderPaid",
        "taobao_tradeX",
        "TradeCreate",
        "pull/order",
    ],
)
@pytest.mark.parametrize("content", [{}, None, '{"modified":"2026-05-02 18:15:06"}', "not JSON", 5])
def test_a_message_about_anything_else_is_left_alone_whatever_it_holds(topic: str, content: Any) -> None:
    found = _read(bodies.message(topic, content, user_nick=None))

    assert found == Unheeded("ignored", f"nothing here listens to {topic}")


@pytest.mark.parametrize("content", [bodies.words(), json.dumps(bodies.words()), json.dumps(bodies.words(), indent=1)])
def test_the_content_is_an_object_or_the_text_of_one(content: Any) -> None:
    assert _read(bodies.message(content=content)).external_id == _TID


@pytest.mark.parametrize(
    ("tid", "external_id"),
    [
        (2**53 + 1, "9007199254740993"),
        (3410572390000460001, "3410572390000460001"),
        (9223372036854775807, "9223372036854775807"),
        ("0041", "0041"),
    ],
)
def test_numbers_beyond_two_to_the_53_keep_every_digit(tid: Any, external_id: str) -> None:
    assert _read(bodies.message(content=json.dumps(bodies.words(tid=tid)))).external_id == external_id
    assert _read(bodies.message(content=bodies.words(tid=tid))).external_id == external_id


@pytest.mark.parametrize("pub_time", [None, ""])
def test_a_message_without_a_time_is_as_old_as_its_delivery(pub_time: str | None) -> None:
    assert _read(bodies.message(pub_time=pub_time)).at == NOW


@pytest.mark.parametrize(
    ("account", "message"),
    [
        (bodies.SELLER, {}),
        (str(bodies.SELLER_ID), {}),
        (bodies.SELLER, {"user_id": None}),
        (bodies.SELLER, {"user_id": None, "user_nick": None}),
        (str(bodies.SELLER_ID), {"user_id": str(bodies.SELLER_ID)}),
        (str(bodies.SELLER_ID), {"user_nick": None, "content": bodies.words(seller_nick=None)}),
        # A number cannot be compared with a name: the message is taken.
        (str(bodies.SELLER_ID), {"user_id": None}),
        ("13800000000", {"user_id": None}),
        # Nor a name with a number.
        (bodies.SELLER, {"user_nick": None, "content": bodies.words(seller_nick=None)}),
        # A seller may be called by a number.
        ("13800000000", {"user_nick": "13800000000", "content": bodies.words(seller_nick="13800000000")}),
        # Two names: one of them is the store's.
        (bodies.SELLER, {"user_nick": "another"}),
    ],
)
def test_a_message_of_the_stores_own_seller_is_taken(account: str, message: dict[str, Any]) -> None:
    assert isinstance(_read(bodies.message(**message), account=account), OrderTouched)


@pytest.mark.parametrize(
    ("account", "message", "pointer"),
    [
        ("another", {}, "/user_id"),
        ("2200000000999", {}, "/user_id"),
        ("another", {"user_id": None}, "/content/seller_nick"),
        ("another", {"user_id": None, "user_nick": None}, "/content/seller_nick"),
        ("2200000000999", {"user_nick": None}, "/user_id"),
    ],
)
def test_a_message_of_another_seller_is_refused_and_nobody_is_named(
    account: str, message: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(Malformed) as complaint:
        _read(bodies.message(**message), account=account)

    assert complaint.value.pointer == pointer
    assert bodies.SELLER not in str(complaint.value)


@pytest.mark.parametrize(
    ("message", "pointer"),
    [
        ({"topic": None}, "/topic"),
        ({"topic": 5}, "/topic"),
        ({"content": ""}, "/content"),
        ({"content": []}, "/content"),
        ({"content": "not JSON"}, "/content"),
        ({"content": "[]"}, "/content"),
        ({"content": "null"}, "/content"),
        ({"content": '{"tid":1,"tid":2}'}, "/content"),
        ({"content": '{"tid":NaN}'}, "/content"),
        ({"content": "[" * 100_000}, "/content"),
        ({"content": '{"tid":1,"a":"' + "x" * 2**20 + '"}'}, "/content"),
        ({"content": "{}"}, "/content/tid"),
        ({"content": '{"tid":null}'}, "/content/tid"),
        ({"content": '{"tid":3.41057239E18}'}, "/content/tid"),
        ({"content": '{"tid":true}'}, "/content/tid"),
        ({"content": '{"tid":{}}'}, "/content/tid"),
        ({"pub_time": "2026-05-02T18:15:06Z"}, "/pub_time"),
        ({"pub_time": 1777716906000}, "/pub_time"),
        ({"user_id": []}, "/user_id"),
    ],
)
def test_a_message_that_cannot_be_read_is_malformed_and_says_where(message: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Malformed) as complaint:
        _read({**bodies.message(), **message})

    assert complaint.value.pointer == pointer


def test_a_message_without_content_is_malformed() -> None:
    body = bodies.message()
    del body["content"]

    with pytest.raises(Malformed, match="/content: is missing"):
        _read(body)


def test_a_document_that_comes_as_a_message_is_not_taken_for_a_pulled_one() -> None:
    with pytest.raises(Malformed, match="/topic: is missing"):
        _read(bodies.pulled(bodies.trade()))


@pytest.mark.parametrize(
    "trade",
    [
        bodies.trade(),
        bodies.alone(),
        bodies.unpaid(),
        bodies.shipped(),
        bodies.finished(),
        bodies.closed(),
        bodies.alone(status="TRADE_CLOSED_BY_TAOBAO", pay_time=None),
        bodies.trade(post_fee="0.00", payment="220.00"),
        # Numbers instead of text, and more decimals than fen.
        bodies.trade(payment=228.0, post_fee=8),
        bodies.trade(payment="228.000", post_fee="8.0000"),
        bodies.trade(payment="228.00", orders=orders(sofa(divide_order_fee="220.00"), cup(divide_order_fee="0.00"))),
        bodies.trade(payment="8.00", orders=orders()),
        bodies.trade(payment="8.00", orders=None),
    ],
)
def test_lines_and_postage_make_the_payment(trade: dict[str, Any]) -> None:
    seen = _order(trade)

    assert seen.remark is None
    assert seen.content.total_minor == round(float(trade["payment"]) * 100)
    assert (seen.content.currency, seen.content.tax_included, seen.content.tax_minor) == ("CNY", True, 0)


def test_a_payment_that_the_parts_do_not_make_is_remarked() -> None:
    assert _order(payment="251.00").remark == "payment is 25100, lines and postage make 22800 (minor units)"


def test_a_line_is_what_was_paid_after_all_discounts_and_its_price_is_before_them() -> None:
    sofa_line, cups = _order().content.lines

    assert (sofa_line.external_id, sofa_line.product_id, sofa_line.title) == (_SOFA, "739001644001", "懒人沙发椅")
    assert (sofa_line.quantity, sofa_line.unit_price_minor) == (1, 19900)
    assert (sofa_line.total_minor, sofa_line.discount_minor) == (16408, 3492)
    assert (cups.quantity, cups.unit_price_minor, cups.total_minor, cups.discount_minor) == (2, 3050, 5592, 508)
    assert (sofa_line.variant, cups.variant) == ("颜色分类:奶油白", "容量:300ml")


@pytest.mark.parametrize(
    ("only", "paid_minor"),
    [
        # The share says it, whatever the rest says.
        ({"divide_order_fee": "164.08", "total_fee": "1.00", "payment": "172.08"}, 16408),
        ({"divide_order_fee": "0.00", "total_fee": "179.00", "payment": "172.08"}, 0),
        # Without it, what was due less the share of the trade's discounts.
        ({"divide_order_fee": None, "total_fee": "179.00", "part_mjz_discount": "14.92", "payment": "0.00"}, 16408),
        ({"divide_order_fee": "", "total_fee": "179.00", "part_mjz_discount": None, "payment": "5.00"}, 17900),
        ({"divide_order_fee": None, "total_fee": "10.00", "part_mjz_discount": "14.92"}, 0),
        # And last the payment, in which the only sub-order of a trade has the postage.
        ({"divide_order_fee": None, "total_fee": None, "payment": "172.08"}, 16408),
        ({"divide_order_fee": None, "total_fee": "", "payment": "5.00"}, 0),
        ({"divide_order_fee": None, "total_fee": None, "payment": None}, 0),
    ],
)
def test_what_was_paid_for_a_line_is_its_share_then_what_was_due_then_its_payment(
    only: dict[str, Any], paid_minor: int
) -> None:
    [line] = _order(bodies.alone(orders=orders(sofa(oid=bodies.TID, **only)))).content.lines

    assert line.total_minor == paid_minor


def test_beside_another_sub_order_the_payment_has_no_postage_in_it() -> None:
    unknown: dict[str, Any] = {"divide_order_fee": None, "total_fee": None}
    found = _order(orders=orders(sofa(**unknown), cup(**unknown))).content.lines

    assert [line.total_minor for line in found] == [17900, 6100]


def test_a_refund_does_not_make_what_was_paid_smaller() -> None:
    before, after = _order(bodies.alone()).content, _order(bodies.closed(), bodies.full_refund()).content

    assert (before.total_minor, after.total_minor) == (17208, 17208)
    assert [line.total_minor for line in before.lines] == [line.total_minor for line in after.lines] == [16408]


def test_a_line_that_the_seller_made_dearer_has_no_discount() -> None:
    [line] = _order(bodies.alone(orders=orders(sofa(divide_order_fee="250.00", adjust_fee="71.00")))).content.lines

    assert (line.total_minor, line.discount_minor, line.unit_price_minor) == (25000, 0, 19900)


@pytest.mark.parametrize(
    ("status", "sold"),
    [("WAIT_SELLER_SEND_GOODS", [_CUP]), ("TRADE_CLOSED", [_CUP]), ("TRADE_CLOSED_BY_TAOBAO", [_SOFA, _CUP])],
)
def test_a_sub_order_closed_before_payment_was_not_sold_unless_all_of_it_was_closed(
    status: str, sold: list[str]
) -> None:
    found = _order(status=status, orders=orders(sofa(status="TRADE_CLOSED_BY_TAOBAO"), cup()))

    assert [line.external_id for line in found.content.lines] == sold


def test_the_order_keeps_its_words() -> None:
    content = _order().content

    assert (content.number, content.channel, content.currency) == (_TID, "WAP,WAP", "CNY")
    assert (content.shipping_minor, content.discount_minor) == (800, 4000)
    assert content.placed_at == datetime(2026, 5, 2, 10, 15, tzinfo=UTC)


def test_who_bought_is_the_open_id_and_never_a_masked_name_or_address() -> None:
    person = _order(
        buyer_email="1***@qq.com", receiver_name="大**", receiver_mobile="*******8650", receiver_phone="0731-***"
    ).person

    assert (person.external_id, person.email, person.phone) == (bodies.BUYER, None, None)
    assert (person.given_name, person.family_name, person.consents) == (None, None, ())


@pytest.mark.parametrize("nobody", [None, ""])
def test_a_trade_without_the_open_id_is_nobodys(nobody: str | None) -> None:
    assert _order(buyer_open_uid=nobody).person.external_id is None


@pytest.mark.parametrize(
    ("changes", "financial_status", "paid_at"),
    [
        ({"status": "WAIT_BUYER_PAY", "pay_time": None}, "pending", None),
        ({"status": "TRADE_NO_CREATE_PAY", "pay_time": None}, "pending", None),
        ({"status": "PAY_PENDING", "pay_time": None}, "pending", None),
        ({"status": "WAIT_PRE_AUTH_CONFIRM", "pay_time": None}, "pending", None),
        # A deposit has a time of payment too, and is not the whole.
        ({"status": "WAIT_BUYER_PAY", "step_trade_status": "FRONT_PAID_FINAL_NOPAID"}, "partially_paid", None),
        ({"status": "WAIT_BUYER_PAY", "step_trade_status": "FRONT_NOPAID_FINAL_NOPAID"}, "pending", None),
        ({"status": "WAIT_SELLER_SEND_GOODS", "step_trade_status": "FRONT_PAID_FINAL_PAID"}, "paid", _PAID),
        ({"status": "WAIT_SELLER_SEND_GOODS"}, "paid", _PAID),
        ({"status": "PAID_FORBID_CONSIGN"}, "paid", _PAID),
        ({"status": "SELLER_CONSIGNED_PART"}, "paid", _PAID),
        ({"status": "WAIT_BUYER_CONFIRM_GOODS"}, "paid", _PAID),
        ({"status": "TRADE_BUYER_SIGNED"}, "paid", _PAID),
        ({"status": "TRADE_FINISHED"}, "paid", _PAID),
        ({"status": "WAIT_SELLER_SEND_GOODS", "pay_time": None}, "paid", _MODIFIED),
        ({"status": "TRADE_FINISHED", "pay_time": ""}, "paid", _MODIFIED),
        # Paid on delivery: under way without money.
        ({"status": "WAIT_SELLER_SEND_GOODS", "pay_time": None, "type": "cod"}, "pending", None),
        ({"status": "WAIT_BUYER_CONFIRM_GOODS", "pay_time": None, "type": "cod"}, "pending", None),
        ({"status": "TRADE_BUYER_SIGNED", "pay_time": None, "type": "cod"}, "pending", None),
        ({"status": "TRADE_FINISHED", "pay_time": None, "type": "cod"}, "paid", _MODIFIED),
        ({"status": "TRADE_CLOSED"}, "refunded", _PAID),
        ({"status": "TRADE_CLOSED", "pay_time": None}, "voided", None),
        ({"status": "TRADE_CLOSED_BY_TAOBAO", "pay_time": None}, "voided", None),
        ({"status": "TRADE_CLOSED_BY_TAOBAO"}, "voided", None),
        # A state that is not known yet: the time of payment says it.
        ({"status": "SOMETHING_NEW"}, "paid", _PAID),
        ({"status": "SOMETHING_NEW", "pay_time": None}, "pending", None),
    ],
)
def test_the_status_says_whether_the_order_is_paid(
    changes: dict[str, Any], financial_status: str, paid_at: datetime | None
) -> None:
    seen = _order(**changes)

    assert (seen.content.financial_status, seen.paid_at) == (financial_status, paid_at)


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"status": "TRADE_CLOSED", "end_time": "2026-05-04 12:00:01"}, datetime(2026, 5, 4, 4, 0, 1, tzinfo=UTC)),
        ({"status": "TRADE_CLOSED_BY_TAOBAO"}, _MODIFIED),
    ],
)
def test_a_closed_trade_is_cancelled_since_its_end(changes: dict[str, Any], at: datetime) -> None:
    assert _order(**changes).cancelled == Cancellation(at=at, reason=None)


@pytest.mark.parametrize("status", ["WAIT_BUYER_PAY", "WAIT_SELLER_SEND_GOODS", "TRADE_FINISHED"])
def test_only_a_closed_trade_is_cancelled(status: str) -> None:
    assert _order(status=status, end_time="2026-05-04 12:00:01").cancelled is None


@pytest.mark.parametrize(
    ("trade", "found", "latest"),
    [
        (bodies.trade(), (), "2026-05-02 18:15:06"),
        # Taobao's own `modified` may lie a second before the end that it is about.
        (bodies.closed(), (), "2026-05-04 12:00:01"),
        (bodies.trade(pay_time="2026-05-02 18:15:09"), (), "2026-05-02 18:15:09"),
        (bodies.trade(consign_time="2026-05-02 18:15:10"), (), "2026-05-02 18:15:10"),
        (bodies.finished(), (bodies.refund(),), "2026-05-09 16:00:01"),
        (bodies.finished(), (bodies.refund(status="WAIT_SELLER_AGREE", end_time=None),), "2026-05-09 16:00:01"),
        (bodies.finished(), (bodies.refund(modified=None),), "2026-05-09 16:00:00"),
        (bodies.finished(), (bodies.refund(modified="2026-05-01 00:00:00", end_time=None),), "2026-05-08 09:00:00"),
    ],
)
def test_the_version_is_the_latest_of_all_that_the_document_tells(
    trade: dict[str, Any], found: tuple[dict[str, Any], ...], latest: str
) -> None:
    at = datetime.fromisoformat(f"{latest}+08:00")

    assert _order(trade, *found).updated_us == microseconds(at)


def test_what_left_together_is_one_parcel_and_received_when_all_of_it_is() -> None:
    sent = datetime(2026, 5, 3, 9, tzinfo=UTC)
    pieces = (LineQuantity(_SOFA, 1), LineQuantity(_CUP, 2))
    parcel = Movement(external_id="2026-05-03T09:00:00Z", began_at=sent, lines=pieces)

    assert _order().fulfilments == ()
    assert _order(bodies.shipped()).fulfilments == (parcel,)
    [received] = _order(bodies.finished()).fulfilments
    assert (received.external_id, received.ended_at) == (parcel.external_id, datetime(2026, 5, 7, 12, tzinfo=UTC))


def test_two_parcels_are_told_apart_by_when_they_left() -> None:
    first = sofa(status="TRADE_FINISHED", consign_time="2026-05-03 17:00:00", end_time="2026-05-07 20:00:00")
    second = cup(status="WAIT_BUYER_CONFIRM_GOODS", consign_time="2026-05-04 09:00:00")

    found = _order(status="WAIT_BUYER_CONFIRM_GOODS", orders=orders(first, second)).fulfilments

    assert [(each.external_id, each.lines, each.ended_at) for each in found] == [
        ("2026-05-03T09:00:00Z", (LineQuantity(_SOFA, 1),), datetime(2026, 5, 7, 12, tzinfo=UTC)),
        ("2026-05-04T01:00:00Z", (LineQuantity(_CUP, 2),), None),
    ]


def test_of_a_trade_partly_sent_only_what_left_is_in_a_parcel() -> None:
    left = sofa(status="WAIT_BUYER_CONFIRM_GOODS", consign_time=None)

    [parcel] = _order(
        status="SELLER_CONSIGNED_PART", consign_time="2026-05-03 17:00:00", orders=orders(left, cup())
    ).fulfilments

    assert (parcel.external_id, parcel.lines) == ("2026-05-03T09:00:00Z", (LineQuantity(_SOFA, 1),))


@pytest.mark.parametrize(
    ("first", "second", "ended_at"),
    [
        ("TRADE_FINISHED", "WAIT_BUYER_CONFIRM_GOODS", None),
        ("TRADE_FINISHED", "TRADE_FINISHED", datetime(2026, 5, 8, 12, tzinfo=UTC)),
        ("TRADE_FINISHED", "TRADE_CLOSED", datetime(2026, 5, 7, 12, tzinfo=UTC)),
        ("TRADE_CLOSED", "TRADE_CLOSED", None),
        ("TRADE_CLOSED", "WAIT_BUYER_CONFIRM_GOODS", None),
        ("TRADE_BUYER_SIGNED", "TRADE_BUYER_SIGNED", datetime(2026, 5, 8, 12, tzinfo=UTC)),
    ],
)
def test_a_parcel_is_delivered_once_all_of_it_that_was_not_given_back_is_received(
    first: str, second: str, ended_at: datetime | None
) -> None:
    sent = {"consign_time": "2026-05-03 17:00:00"}
    found = orders(
        sofa(status=first, end_time="2026-05-07 20:00:00", **sent),
        cup(status=second, end_time="2026-05-08 20:00:00", **sent),
    )

    [parcel] = _order(status="WAIT_BUYER_CONFIRM_GOODS", orders=found).fulfilments

    assert (len(parcel.lines), parcel.ended_at) == (2, ended_at)


def test_a_trade_signed_for_has_no_end_yet_and_its_version_stands_for_it() -> None:
    signed = sofa(status="TRADE_BUYER_SIGNED", consign_time="2026-05-03 17:00:00")

    [parcel] = _order(status="TRADE_BUYER_SIGNED", modified="2026-05-06 08:00:00", orders=orders(signed)).fulfilments

    assert parcel.ended_at == datetime(2026, 5, 6, tzinfo=UTC)


def test_goods_that_no_parcel_carries_are_in_none() -> None:
    found = _order(bodies.finished(consign_time=None, orders=orders(sofa(status="TRADE_FINISHED"))))

    assert found.fulfilments == ()


def test_a_waybill_that_is_corrected_makes_no_second_parcel() -> None:
    sent = {"status": "WAIT_BUYER_CONFIRM_GOODS", "consign_time": "2026-05-03 17:00:00"}
    first, second = (
        _order(status="WAIT_BUYER_CONFIRM_GOODS", orders=orders(sofa(invoice_no=number, **sent))).fulfilments
        for number in ("SF1", "SF2")
    )

    assert len(movements.merge(movements.merge({}, first), second)) == 1


def test_a_refund_lies_on_its_sub_order_and_is_as_old_as_its_end() -> None:
    [back] = _order(bodies.finished(), bodies.refund()).refunds

    assert (back.external_id, back.amount_minor, back.shipping_minor) == ("150231974221000001", 5592, 0)
    assert back.lines == (RefundLine(_CUP, 0, 5592, 0),)
    assert (back.at, back.reason) == (datetime(2026, 5, 9, 8, tzinfo=UTC), "7天无理由退换货")


@pytest.mark.parametrize(
    ("times", "at"),
    [
        ({"end_time": None}, datetime(2026, 5, 9, 8, 0, 1, tzinfo=UTC)),
        ({"end_time": "", "modified": None}, datetime(2026, 5, 8, 1, tzinfo=UTC)),
    ],
)
def test_without_its_end_a_refund_is_as_old_as_its_last_change_or_its_request(
    times: dict[str, Any], at: datetime
) -> None:
    [back] = _order(bodies.finished(), bodies.refund(**times)).refunds

    assert back.at == at


def test_what_a_sub_orders_goods_did_not_cost_is_postage() -> None:
    [whole] = _order(bodies.closed(), bodies.full_refund()).refunds
    [beyond] = _order(bodies.closed(), bodies.full_refund(refund_fee="200.00")).refunds

    assert whole.lines == (RefundLine(_TID, 0, 16408, 0),)
    assert (whole.amount_minor, whole.shipping_minor) == (17208, 800)
    assert (beyond.amount_minor, beyond.shipping_minor) == (20000, 800)


@pytest.mark.parametrize("oid", [None, 99])
def test_a_refund_of_no_sub_order_that_is_known_is_spread_over_all(oid: int | None) -> None:
    [back] = _order(bodies.finished(), bodies.refund(oid=oid, refund_fee="228.00")).refunds

    assert back.lines == (RefundLine(_SOFA, 0, 16408, 0), RefundLine(_CUP, 0, 5592, 0))
    assert back.shipping_minor == 800


@pytest.mark.parametrize(
    "changes",
    [
        *({"status": status} for status in (
            "WAIT_SELLER_AGREE", "WAIT_BUYER_RETURN_GOODS", "WAIT_SELLER_CONFIRM_GOODS", "SELLER_REFUSE_BUYER",
            "CLOSED", "EXCHANGE_TRANSFORM_TO_REFUND", None,
        )),
        {"refund_fee": "0.00"},
        {"refund_fee": None},
    ],
)  # fmt: skip
def test_a_refund_that_moved_no_money_is_none(changes: dict[str, Any]) -> None:
    seen = _order(bodies.finished(), bodies.refund(**changes))

    assert (seen.refunds, seen.content.financial_status) == ((), "paid")


@pytest.mark.parametrize(
    ("trade", "fees", "financial_status"),
    [
        (bodies.finished(), ["0.01"], "partially_refunded"),
        (bodies.finished(), ["55.92", "172.07"], "partially_refunded"),
        (bodies.finished(), ["55.92", "172.08"], "refunded"),
        (bodies.closed(), [], "refunded"),
        (bodies.closed(), ["0.01"], "refunded"),
        (bodies.unpaid(), ["1.00"], "pending"),
    ],
)
def test_refunds_say_how_much_of_a_paid_order_was_given_back(
    trade: dict[str, Any], fees: list[str], financial_status: str
) -> None:
    found = [bodies.refund(refund_id=str(place), refund_fee=fee) for place, fee in enumerate(fees, start=1)]

    assert _order(trade, *found).content.financial_status == financial_status


def test_refunds_are_equal_whichever_version_comes_first() -> None:
    earlier = _order(bodies.finished(), bodies.refund(refund_id="1", refund_fee="10.00")).refunds
    later = _order(bodies.finished(), bodies.refund(refund_id="2", refund_fee="20.00")).refunds

    forwards = refunds.merge(refunds.merge({}, earlier), later)
    backwards = refunds.merge(refunds.merge({}, later), earlier)

    assert forwards == backwards
    assert refunds.amount_minor(forwards) == 3000


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-05-02 18:15:06", "2026-05-02T10:15:06"),
        ("2026-05-02 00:00:00", "2026-05-01T16:00:00"),
        ("2026-12-31 23:59:59", "2026-12-31T15:59:59"),
        # No summer time, not even in the years in which China had it.
        ("1988-07-01 12:00:00", "1988-07-01T04:00:00"),
    ],
)
def test_times_are_those_of_the_clock_in_china(local: str, utc: str) -> None:
    assert _order(created=local).content.placed_at == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-05-02T18:15:06",
        "2026-05-02 18:15:06Z",
        "2026-05-02 18:15:06+08:00",
        "2026-05-02",
        "2026-05-02 18:15",
        "2026-02-30 18:15:06",
        "2026-05-02 24:00:00",
        "0000-00-00 00:00:00",
        "1970-01-01 08:00:00",
        " 2026-05-02 18:15:06",
        "２026-05-02 18:15:06",
        1777716906000,
        {"time": 5},
    ],
)
def test_another_form_of_time_is_refused_and_named(value: Any) -> None:
    with pytest.raises(Malformed) as complaint:
        _order(modified=value)

    assert complaint.value.pointer == "/trade/modified"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"tid": None}, "/trade/tid"),
        ({"tid": 3.5}, "/trade/tid"),
        ({"status": None}, "/trade/status"),
        ({"status": 5}, "/trade/status"),
        ({"modified": None}, "/trade/modified"),
        ({"created": None}, "/trade/created"),
        ({"pay_time": "soon"}, "/trade/pay_time"),
        ({"consign_time": "soon"}, "/trade/consign_time"),
        ({"end_time": "soon"}, "/trade/end_time"),
        ({"payment": "228,00"}, "/trade/payment"),
        ({"payment": "1e400"}, "/trade/payment"),
        ({"payment": True}, "/trade/payment"),
        ({"post_fee": "-8.00"}, "/trade/post_fee"),
        ({"post_fee": []}, "/trade/post_fee"),
        ({"buyer_open_uid": "x" * 129}, "/trade/buyer_open_uid"),
        ({"buyer_open_uid": {}}, "/trade/buyer_open_uid"),
        ({"type": 5, "pay_time": None}, "/trade/type"),
        ({"trade_from": {}}, "/trade/trade_from"),
        ({"orders": []}, "/trade/orders"),
        ({"orders": {"order": {}}}, "/trade/orders/order"),
        ({"orders": orders(sofa(), 5)}, "/trade/orders/order/1"),  # type: ignore[arg-type]
        ({"orders": orders(sofa(oid=None))}, "/trade/orders/order/0/oid"),
        ({"orders": orders(sofa(oid=True))}, "/trade/orders/order/0/oid"),
        ({"orders": orders(sofa(num=None))}, "/trade/orders/order/0/num"),
        ({"orders": orders(sofa(num="1"))}, "/trade/orders/order/0/num"),
        ({"orders": orders(sofa(num=-1))}, "/trade/orders/order/0/num"),
        ({"orders": orders(sofa(num=2**60))}, "/trade/orders/order/0/num"),
        ({"orders": orders(sofa(price="?"))}, "/trade/orders/order/0/price"),
        ({"orders": orders(sofa(price="9999999999999", num=2**50))}, "/trade/orders/order/0/price"),
        ({"orders": orders(sofa(price="-1.00"))}, "/trade/orders/order/0/price"),
        ({"orders": orders(sofa(title=[]))}, "/trade/orders/order/0/title"),
        ({"orders": orders(sofa(status=[]))}, "/trade/orders/order/0/status"),
        ({"orders": orders(sofa(num_iid={}))}, "/trade/orders/order/0/num_iid"),
        ({"orders": orders(sofa(divide_order_fee="-1"))}, "/trade/orders/order/0/divide_order_fee"),
        ({"orders": orders(sofa(divide_order_fee=[]))}, "/trade/orders/order/0/divide_order_fee"),
        ({"orders": orders(sofa(divide_order_fee=None, total_fee="x"))}, "/trade/orders/order/0/total_fee"),
        ({"orders": orders(cup(), sofa(consign_time="soon"))}, "/trade/orders/order/1/consign_time"),
    ],
)
def test_a_field_of_a_trade_that_is_not_what_it_should_be_is_malformed_and_named(
    changes: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(Malformed) as complaint:
        _order(**changes)

    assert complaint.value.pointer == pointer


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"refund_id": None}, "/refunds/0/refund_id"),
        ({"refund_fee": "-5.00"}, "/refunds/0/refund_fee"),
        ({"refund_fee": "five"}, "/refunds/0/refund_fee"),
        ({"end_time": 5}, "/refunds/0/end_time"),
        ({"end_time": None, "modified": None, "created": None}, "/refunds/0/modified"),
        ({"oid": []}, "/refunds/0/oid"),
        ({"reason": 5}, "/refunds/0/reason"),
        ({"status": 5}, "/refunds/0/status"),
    ],
)
def test_a_field_of_a_refund_that_is_not_what_it_should_be_is_malformed_and_named(
    changes: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(Malformed) as complaint:
        _order(bodies.finished(), bodies.refund(**changes))

    assert complaint.value.pointer == pointer


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/trade"),
        ({"trade": None}, "/trade"),
        ({"trade": []}, "/trade"),
        ({"trade": {}}, "/trade/modified"),
        ({"trade": bodies.trade(), "refunds": {}}, "/refunds"),
        ({"trade": bodies.trade(), "refunds": [5]}, "/refunds/0"),
        (bodies.message(), "/trade"),
    ],
)
def test_a_document_that_is_none_is_malformed(body: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Malformed) as complaint:
        _read(body, topic=PULLED)

    assert complaint.value.pointer == pointer


def test_a_document_without_refunds_has_none() -> None:
    assert _read({"trade": bodies.trade()}, topic=PULLED).refunds == ()


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["order", "tid", "x"]), inner),
    max_leaves=4,
)


def _places(value: Any, *above: Any) -> Iterator[tuple[Any, ...]]:
    yield above
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _places(inner, *above, key)


@given(st.data())
@settings(max_examples=500, deadline=None)
def test_whatever_stands_anywhere_is_read_or_malformed(data: st.DataObject) -> None:
    topic, body = data.draw(
        st.sampled_from([(PULLED, bodies.pulled(bodies.finished(), bodies.refund())), (None, bodies.message())])
    )
    body = copy.deepcopy(body)
    *above, last = data.draw(st.sampled_from(list(_places(body))[1:]))
    holder = body
    for key in above:
        holder = holder[key]
    holder[last] = data.draw(_ANYTHING)

    with contextlib.suppress(Malformed):
        _read(body, topic=topic)
