"""Any permutation and repetition of one Shoplazza order's deliveries ends in the same order and state told."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings

from libs.contracts.commerce import OrderRefundedV1
from tests.services.order_ingest import bodies_shoplazza
from tests.services.order_ingest.application.shuffling import assert_alike, shuffles
from tests.services.order_ingest.bodies_shoplazza import deleted, mug, parcel, wrapped
from tests.services.order_ingest.desk import Desk, Sent, storefront

_STORE = storefront("shoplazza")


def _sent(topic: str, body: dict[str, Any]) -> Sent:
    return Sent(topic, body, store=_STORE)


_UNPAID = wrapped(financial_status="waiting", updated_at="2026-05-02T10:15:01Z")
_CREATE = _sent("orders/create", _UNPAID)
_CASH = _sent("orders/paid", _UNPAID)
_PAID = _sent("orders/paid", wrapped())
_BARE = _sent("orders/update", bodies_shoplazza.order())
_SAME_SECOND = _sent("orders/update", wrapped(number="00000001-A"))
_CHECKOUT = _sent(
    "orders/create",
    wrapped(status="opened", financial_status="waiting", placed_at=None, updated_at="2026-05-02T10:14:30Z"),
)
_UPDATE = _sent(
    "orders/update",
    wrapped(
        line_items=[mug(quantity=1)], total_discount="0.00", total_price="28.87", updated_at="2026-05-03T10:00:00Z"
    ),
)
_SHIPPED = _sent("orders/partially_fulfilled", wrapped(fulfillments=[parcel()], updated_at="2026-05-03T09:00:00Z"))
_FULFILLED = _sent("orders/fulfilled", wrapped(fulfillments=None, updated_at="2026-05-03T11:00:00Z"))
_FINISHED = _sent(
    "orders/finished",
    wrapped(
        status="finished",
        fulfillments=[parcel(status="finished", updated_at="2026-05-05T10:20:00-04:00")],
        updated_at="2026-05-05T14:20:00Z",
    ),
)
_CANCELLED = _sent(
    "orders/cancelled",
    wrapped(
        status="cancelled",
        canceled_at="2026-05-04T10:00:00Z",
        cancel_reason="customer",
        updated_at="2026-05-04T10:00:00Z",
    ),
)
_REFUNDS = [
    _sent(
        "orders/partially_refunded",
        wrapped(financial_status="partially_refunded", total_refund_price="5.00", updated_at="2026-05-09T08:00:00Z"),
    ),
    _sent(
        "orders/partially_refunded",
        wrapped(financial_status="partially_refunded", total_refund_price="12.34", updated_at="2026-05-10T08:00:00Z"),
    ),
    _sent(
        "orders/refunded",
        wrapped(financial_status="refunded", total_refund_price="56.20", updated_at="2026-05-11T08:00:00Z"),
    ),
]
_GUEST = _sent("orders/create", wrapped(financial_status="waiting", customer=None, updated_at="2026-05-02T10:15:02Z"))
_ANONYMOUS = _sent(
    "orders/create",
    wrapped(
        financial_status="waiting",
        customer=None,
        shipping_address=None,
        billing_address=None,
        updated_at="2026-05-02T10:15:03Z",
    ),
)
_DELETE = _sent("orders/delete", deleted())
_ALL = [
    _CREATE, _CASH, _PAID, _BARE, _SAME_SECOND, _CHECKOUT, _UPDATE, _SHIPPED, _FULFILLED, _FINISHED, _CANCELLED,
    *_REFUNDS, _GUEST, _ANONYMOUS, _DELETE,
]  # fmt: skip


@given(shuffles(_ALL))
@settings(max_examples=400, deadline=None)
def test_any_permutation_and_repetition_ends_in_the_same_order_and_the_same_state_told(
    orders: tuple[list[Sent], list[Sent]],
) -> None:
    assert_alike(*orders)


@pytest.mark.parametrize("sent", list(permutations([_PAID, *_REFUNDS])))
def test_cumulative_refunds_end_in_the_largest_sum_under_one_refund(sent: tuple[Sent, ...]) -> None:
    desk = Desk()

    desk.apply(*sent)

    told = [fact for fact in desk.facts if isinstance(fact, OrderRefundedV1)]
    assert max(fact.cumulative_amount_minor for fact in told) == told[-1].cumulative_amount_minor == 5620
    assert len({fact.refund_id for fact in told}) == 1
    assert told[-1].fully_refunded


def test_an_order_of_cash_on_delivery_is_placed_and_then_paid_by_the_same_body() -> None:
    desk = Desk()

    outcomes = desk.apply(_CREATE, _CASH, _CASH)

    assert outcomes == ["applied", "applied", "no_news"]
    assert desk.kinds() == ["order.placed", "order.paid"]


def test_a_checkout_is_placed_only_when_it_becomes_an_order() -> None:
    desk = Desk()

    abandoned = desk.apply(_CHECKOUT)
    nothing = desk.kinds()
    desk.apply(_PAID)

    assert (abandoned, nothing) == (["ignored"], [])
    assert desk.kinds() == ["order.placed", "order.paid"]


def test_a_parcel_that_is_shipped_and_then_finished_is_told_once_each() -> None:
    desk = Desk()

    desk.apply(_PAID, _SHIPPED, _FINISHED, _SHIPPED)

    assert desk.kinds() == ["order.placed", "order.paid", "order.fulfilled", "order.delivered"]
