"""Any permutation and repetition of one order's deliveries ends in the same order, and in the same state told."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given, settings

from libs.contracts.commerce import OrderDeliveredV1, OrderFulfilledV1, ReturnClosedV1, ReturnRequestedV1
from tests.services.order_ingest import bodies
from tests.services.order_ingest.application.shuffling import applied, assert_alike, shuffles
from tests.services.order_ingest.desk import Desk, Sent

_LATER = datetime(2026, 5, 10, tzinfo=UTC)

CREATE = Sent("orders/create", bodies.order(financial_status="pending"))
UPDATE = Sent(
    "orders/updated",
    bodies.order(
        updated_at="2026-05-03T10:00:00-04:00",
        line_items=[bodies.line(quantity=1, discount_allocations=[])],
        total_price="27.87",
    ),
)
REFUND = Sent("refunds/create", bodies.refund())
DELETE = Sent("orders/delete", {"id": 450789469}, triggered_at=_LATER)
_PENDING_REFUND = Sent("refunds/create", bodies.refund(transactions=[]))
_SECOND_REFUND = Sent(
    "refunds/create",
    bodies.refund(
        id=509562970,
        processed_at="2026-05-11T08:00:00-04:00",
        refund_line_items=[],
        transactions=[{"id": 9, "kind": "refund", "status": "success", "amount": "2.00", "currency": "USD"}],
    ),
)
_PAID = Sent("orders/paid", bodies.order(updated_at="2026-05-02T06:15:09-04:00"))
_SAME_SECOND = Sent("orders/updated", bodies.order(updated_at="2026-05-02T06:15:09-04:00", name="#1001-A"))
_CANCELLED = Sent(
    "orders/cancelled",
    bodies.order(
        updated_at="2026-05-04T10:00:00-04:00", cancelled_at="2026-05-04T10:00:00-04:00", cancel_reason="customer"
    ),
)
_REFUNDED = Sent(
    "orders/updated",
    bodies.order(
        updated_at="2026-05-09T08:00:01-04:00", financial_status="partially_refunded", refunds=[bodies.refund()]
    ),
)
_GUEST = Sent(
    "orders/create", bodies.order(financial_status="pending", customer=None, updated_at="2026-05-02T06:15:04-04:00")
)
_ANONYMOUS = Sent(
    "orders/create",
    bodies.order(
        financial_status="pending", customer=None, email="", contact_email=None, updated_at="2026-05-02T06:15:03-04:00"
    ),
)
_SHIPPED = Sent("fulfillments/create", bodies.fulfilment())
_PENDING_PARCEL = Sent("fulfillments/create", bodies.fulfilment(status="pending", line_items=[]))
_FULFILLED = Sent(
    "orders/fulfilled", bodies.order(updated_at="2026-05-03T09:00:02-04:00", fulfillments=[bodies.fulfilment()])
)
_AT_THE_DOOR = Sent("fulfillment_events/create", bodies.fulfilment_event())
_DELIVERED = Sent(
    "fulfillments/update", bodies.fulfilment(shipment_status="delivered", updated_at="2026-05-05T12:00:00-04:00")
)
_WANTS_BACK = Sent("returns/request", bodies.returned(), triggered_at=datetime(2026, 5, 6, 8, tzinfo=UTC))
_APPROVED = Sent("returns/approve", bodies.returned(status="open"), triggered_at=datetime(2026, 5, 6, 9, tzinfo=UTC))
_CLOSED = Sent("returns/close", bodies.returned(status="closed"), triggered_at=datetime(2026, 5, 9, tzinfo=UTC))
_GOODS = [_SHIPPED, _PENDING_PARCEL, _FULFILLED, _AT_THE_DOOR, _DELIVERED, _WANTS_BACK, _APPROVED, _CLOSED]
_ALL = [
    CREATE, UPDATE, REFUND, DELETE, _PENDING_REFUND, _SECOND_REFUND, _PAID, _SAME_SECOND, _CANCELLED, _REFUNDED, _GUEST,
    _ANONYMOUS, *_GOODS,
]  # fmt: skip


@given(shuffles(_ALL))
@settings(max_examples=400, deadline=None)
def test_any_permutation_and_repetition_ends_in_the_same_order_and_the_same_state_told(
    orders: tuple[list[Sent], list[Sent]],
) -> None:
    assert_alike(*orders)


@pytest.mark.parametrize("sent", list(permutations([CREATE, UPDATE, REFUND, DELETE])))
def test_create_update_refund_and_delete_end_alike_in_all_24_orders(sent: tuple[Sent, ...]) -> None:
    straight, shuffled = applied(CREATE, UPDATE, REFUND, DELETE), applied(*sent)

    assert shuffled.final() == straight.final()
    assert shuffled.heard() == straight.heard()
    assert shuffled.kinds().count("order.placed") == 1
    assert shuffled.kinds().count("order.deleted") == 1
    assert shuffled.kinds().count("order.refunded") == 1


def test_an_order_first_seen_paid_and_refunded_says_placed_paid_refunded() -> None:
    desk = Desk()

    desk.apply(_REFUNDED)

    assert desk.kinds() == ["order.placed", "order.paid", "order.refunded"]


def test_the_same_content_at_a_later_time_is_no_change() -> None:
    desk = Desk()

    outcomes = desk.apply(_PAID, Sent("orders/updated", bodies.order(updated_at="2026-05-06T00:00:00Z")))

    assert outcomes == ["applied", "applied"]
    assert desk.kinds() == ["order.placed", "order.paid"]


def test_an_older_version_tells_nothing_but_its_refunds() -> None:
    desk = Desk()

    desk.apply(_PAID)
    outcomes = desk.apply(CREATE)

    assert outcomes == ["no_news"]
    assert desk.kinds() == ["order.placed", "order.paid"]


def test_a_refund_that_comes_first_waits_for_its_order() -> None:
    desk = Desk()

    desk.apply(REFUND)
    waiting = desk.kinds()
    desk.apply(_PAID)

    assert waiting == []
    assert desk.kinds() == ["order.placed", "order.paid", "order.refunded"]


def test_a_refund_whose_money_moves_later_is_told_again_with_the_larger_figure() -> None:
    desk = Desk()

    desk.apply(_PAID, _PENDING_REFUND, REFUND)

    told = [fact for fact in desk.facts if fact.TYPE == "order.refunded.v1"]
    assert [fact.model_dump()["amount_minor"] for fact in told] == [0, 1943]
    assert len({fact.model_dump()["refund_id"] for fact in told}) == 1


def test_a_parcel_is_told_when_it_leaves_and_when_it_arrives() -> None:
    desk = Desk()

    desk.apply(_PAID, _PENDING_PARCEL, _SHIPPED, _FULFILLED, _AT_THE_DOOR, _DELIVERED)

    assert desk.kinds() == ["order.placed", "order.paid", "order.fulfilled", "order.delivered"]
    [fulfilled] = [fact for fact in desk.facts if isinstance(fact, OrderFulfilledV1)]
    [delivered] = [fact for fact in desk.facts if isinstance(fact, OrderDeliveredV1)]
    assert [line.quantity for line in fulfilled.lines] == [2]
    assert fulfilled.fulfilment_id == delivered.fulfilment_id
    assert delivered.at == datetime(2026, 5, 5, 14, 20, tzinfo=UTC)


def test_a_parcel_that_arrives_before_its_order_waits_for_it() -> None:
    desk = Desk()

    desk.apply(_AT_THE_DOOR, _SHIPPED)
    waiting = desk.kinds()
    desk.apply(_PAID)

    assert waiting == []
    assert desk.kinds() == ["order.placed", "order.paid", "order.fulfilled", "order.delivered"]


def test_a_return_is_told_when_it_is_requested_and_when_it_ends() -> None:
    desk = Desk()

    desk.apply(_PAID, _WANTS_BACK, _APPROVED, Sent("returns/decline", bodies.returned(), triggered_at=_LATER))

    [requested, closed] = [fact for fact in desk.facts if fact.TYPE.startswith("return.")]
    assert isinstance(requested, ReturnRequestedV1)
    assert isinstance(closed, ReturnClosedV1)
    assert (requested.at.hour, requested.reason, closed.outcome) == (8, "defective", "declined")


def test_a_parcel_in_which_more_turns_out_to_be_is_told_again() -> None:
    desk = Desk()

    desk.apply(_PAID, Sent("fulfillments/create", bodies.fulfilment(line_items=[bodies.line(quantity=1)])), _SHIPPED)

    told = [fact.lines[0].quantity for fact in desk.facts if isinstance(fact, OrderFulfilledV1)]
    assert told == [1, 2]


def test_a_test_order_is_left_alone_and_says_so() -> None:
    desk = Desk()

    outcomes = desk.apply(
        Sent("orders/create", bodies.order(test=True)), Sent("orders/create", bodies.order(id=820982911946154508))
    )

    assert outcomes == ["test_order", "test_order"]
    assert desk.facts == []
