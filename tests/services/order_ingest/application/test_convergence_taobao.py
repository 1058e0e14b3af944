"""Any permutation and repetition of one Taobao order's documents and messages ends in the same order and state told."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings

from libs.contracts.commerce import OrderRefundedV1
from services.order_ingest.domain.storefront import PULLED
from tests.services.order_ingest import bodies_taobao as bodies
from tests.services.order_ingest.application.shuffling import applied, heard_but_not_when, shuffles
from tests.services.order_ingest.bodies_taobao import cup, orders, sofa
from tests.services.order_ingest.desk import Desk, Sent, storefront

_STORE = storefront(
    "taobao", account=bodies.SELLER, currency="CNY", time_zone="Asia/Shanghai", locale="zh-CN", return_window_days=7
)


def _message(topic: str, **changes: Any) -> Sent:
    return Sent("", bodies.message(topic, **changes), store=_STORE)


def _pulled(trade: dict[str, Any], *refunds: dict[str, Any]) -> Sent:
    return Sent(PULLED, bodies.pulled(trade, *refunds), store=_STORE)


_SENT = {"status": "WAIT_BUYER_CONFIRM_GOODS", "consign_time": "2026-05-03 17:00:00"}
_GIVEN_BACK = {"refund_status": "SUCCESS", "refund_id": "150231974221000001"}
_PART = bodies.refund(refund_fee="20.00")
_REST = bodies.refund(
    refund_id="150231974221000002",
    refund_fee="35.92",
    created="2026-05-11 09:00:00",
    modified="2026-05-12 09:00:00",
    end_time="2026-05-12 09:00:00",
)

CREATED = _pulled(bodies.unpaid())
PAID = _pulled(bodies.trade())
SHIPPED = _pulled(bodies.shipped())
FINISHED = _pulled(bodies.finished())
PARTLY_REFUNDED = _pulled(bodies.finished(), _PART)
# A trade names each sub-order's latest refund only: the first is not in this document.
REFUNDED_AGAIN = _pulled(bodies.finished(), _REST)
_ASKED_BACK = _pulled(bodies.finished(), bodies.refund(status="WAIT_SELLER_AGREE", end_time=None))
_PARTLY_SHIPPED = _pulled(
    bodies.trade(
        status="SELLER_CONSIGNED_PART",
        modified="2026-05-03 17:00:00",
        consign_time="2026-05-03 17:00:00",
        orders=orders(sofa(**_SENT), cup()),
    )
)
_SECOND_PARCEL = _pulled(
    bodies.trade(
        status="WAIT_BUYER_CONFIRM_GOODS",
        modified="2026-05-04 09:00:00",
        consign_time="2026-05-03 17:00:00",
        orders=orders(sofa(**_SENT), cup(**{**_SENT, "consign_time": "2026-05-04 09:00:00"})),
    )
)
_GIVEN_BACK_ON_ITS_WAY = _pulled(
    bodies.finished(
        orders=orders(
            sofa(**_SENT | {"status": "TRADE_FINISHED", "end_time": "2026-05-07 20:00:00"}),
            cup(**_SENT | _GIVEN_BACK | {"status": "TRADE_CLOSED", "end_time": "2026-05-06 20:00:00"}),
        ),
    ),
    bodies.refund(refund_phase="onsale", end_time="2026-05-06 20:00:00", modified="2026-05-06 20:00:00"),
)
_SAME_SECOND = _pulled(bodies.trade(trade_from="JHS"))
_WITHOUT_TIME_OF_PAYMENT = _pulled(bodies.trade(pay_time=None, modified="2026-05-02 18:15:05"))
_DEPOSIT = _pulled(bodies.unpaid(step_trade_status="FRONT_PAID_FINAL_NOPAID", modified="2026-05-02 18:15:03"))
_CHEAPER = _pulled(
    bodies.trade(
        modified="2026-05-02 18:16:00",
        payment="200.00",
        orders=orders(sofa(divide_order_fee="136.08", adjust_fee="-28.00"), cup()),
    )
)
_NOBODYS = _pulled(bodies.trade(buyer_open_uid=None, modified="2026-05-02 18:15:04"))
_CLOSED_UNPAID = _pulled(
    bodies.unpaid(status="TRADE_CLOSED_BY_TAOBAO", modified="2026-05-05 18:15:00", end_time="2026-05-05 18:15:00")
)
_CLOSED_LATER = _pulled(bodies.unpaid(status="TRADE_CLOSED_BY_TAOBAO", modified="2026-05-06 18:15:00"))
_CLOSED = _pulled(
    bodies.trade(status="TRADE_CLOSED", modified="2026-05-10 08:00:00", end_time="2026-05-10 08:00:00"),
    bodies.refund(oid=bodies.SOFA_OID, refund_id="150231974221000003", refund_fee="172.08"),
    bodies.refund(),
)
_MESSAGES = [_message("taobao_trade_TradeBuyerPay"), _message("taobao_trade_TradeRated")]
_ALL = [
    CREATED, PAID, SHIPPED, FINISHED, PARTLY_REFUNDED, REFUNDED_AGAIN, _ASKED_BACK, _PARTLY_SHIPPED, _SECOND_PARCEL,
    _GIVEN_BACK_ON_ITS_WAY, _SAME_SECOND, _WITHOUT_TIME_OF_PAYMENT, _DEPOSIT, _CHEAPER, _NOBODYS, _CLOSED_UNPAID,
    _CLOSED_LATER, _CLOSED, *_MESSAGES,
]  # fmt: skip


@given(shuffles(_ALL))
@settings(max_examples=400, deadline=None)
def test_any_permutation_and_repetition_ends_in_the_same_order_and_the_same_state_told(
    sent: tuple[list[Sent], list[Sent]],
) -> None:
    straight, shuffled = applied(*sent[0]), applied(*sent[1])

    assert shuffled.final() == straight.final()
    assert heard_but_not_when(shuffled, "cancelled") == heard_but_not_when(straight, "cancelled")


@pytest.mark.parametrize("sent", list(permutations([CREATED, SHIPPED, FINISHED, PARTLY_REFUNDED])))
def test_create_ship_receive_and_refund_end_alike_in_all_24_orders(sent: tuple[Sent, ...]) -> None:
    straight, shuffled = applied(CREATED, SHIPPED, FINISHED, PARTLY_REFUNDED), applied(*sent)

    assert shuffled.final() == straight.final()
    assert shuffled.heard() == straight.heard()
    told = ("order.placed", "order.paid", "order.fulfilled", "order.delivered", "order.refunded")
    assert [shuffled.kinds().count(kind) for kind in told] == [1, 1, 1, 1, 1]


def test_an_order_first_seen_at_its_end_says_all_that_had_happened() -> None:
    desk = applied(PARTLY_REFUNDED)

    assert desk.kinds() == ["order.placed", "order.paid", "order.fulfilled", "order.delivered", "order.refunded"]


@pytest.mark.parametrize("sent", list(permutations([PAID, PARTLY_REFUNDED, REFUNDED_AGAIN])))
def test_refunds_add_up_although_a_document_names_only_the_latest(sent: tuple[Sent, ...]) -> None:
    told = [fact for fact in applied(*sent).facts if isinstance(fact, OrderRefundedV1)]

    assert {fact.amount_minor for fact in told} == {2000, 3592}
    assert max(fact.cumulative_amount_minor for fact in told) == 5592


def test_a_trade_that_was_given_back_whole_is_refunded_and_cancelled_and_its_total_stays() -> None:
    desk = applied(_pulled(bodies.alone()), _pulled(bodies.closed(), bodies.full_refund()))

    [order] = desk.final().values()
    [told] = [fact for fact in desk.facts if isinstance(fact, OrderRefundedV1)]
    assert (order.financial_status, order.total_minor) == ("refunded", 17208)
    assert order.cancelled.at == datetime(2026, 5, 4, 4, 0, 1, tzinfo=UTC)
    assert (told.cumulative_amount_minor, told.cumulative_shipping_minor, told.fully_refunded) == (17208, 800, True)


def test_a_refund_after_the_sale_is_a_new_version_although_the_trade_was_not_modified() -> None:
    desk = applied(PARTLY_REFUNDED, FINISHED)

    [order] = desk.final().values()
    assert order.financial_status == "partially_refunded"


def test_a_message_asks_for_its_order_and_tells_nothing_itself() -> None:
    desk = Desk()

    outcomes = desk.apply(*_MESSAGES)

    [asked] = desk.workspace.asked.values()
    assert (outcomes, desk.facts, asked.external_id) == (["applied", "ignored"], [], str(bodies.TID))


def test_two_trades_of_one_buyer_are_one_customers() -> None:
    desk = applied(PAID, _pulled(bodies.trade(tid=7, orders=orders(sofa(oid=8)))))

    assert len({order.customer_id for order in desk.final().values()}) == 1
    assert len(desk.final()) == 2
