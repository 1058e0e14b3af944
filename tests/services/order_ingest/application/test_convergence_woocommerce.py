"""Any permutation and repetition of one WooCommerce order's deliveries ends in the same order and state told."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings

from tests.services.order_ingest import bodies_woocommerce as bodies
from tests.services.order_ingest.application.shuffling import applied, heard_but_not_when, shuffles
from tests.services.order_ingest.desk import Desk, Sent, storefront

_STORE = storefront("woocommerce")


def _sent(topic: str, body: dict[str, Any]) -> Sent:
    return Sent(topic, body, store=_STORE)


def _updated(**changes: Any) -> Sent:
    return _sent("order.updated", bodies.order(**changes))


_COMPLETED_LATER: dict[str, Any] = {k: v for k, v in bodies.COMPLETED.items() if k.startswith("date_completed")}

CREATED = _sent("order.created", bodies.order(**bodies.UNPAID, date_modified_gmt="2026-05-02T10:15:00"))
PAID = _updated()
COMPLETED = _updated(**bodies.COMPLETED)
DELETED = _sent("order.deleted", {"id": 727})
_PARTLY_REFUNDED = _updated(
    **{**bodies.COMPLETED, "date_modified_gmt": "2026-05-09T08:00:00"}, refunds=[bodies.refund()]
)
REFUNDED = _updated(
    status="refunded",
    **_COMPLETED_LATER,
    date_modified_gmt="2026-05-11T08:00:00",
    refunds=[bodies.refund(), bodies.refund(id=802, reason="", total="-29.78")],
)
_DRAFT = _updated(status="checkout-draft", billing={}, date_modified_gmt="2026-05-02T10:14:00")
_TWICE_CREATED = _sent("order.created", bodies.order())
_SAME_SECOND = _updated(number="A-727-1")
_PAID_WITHOUT_DATE = _updated(date_paid=None, date_paid_gmt=None, date_modified_gmt="2026-05-02T10:15:04")
_ON_HOLD = _updated(
    status="on-hold", date_paid=None, date_paid_gmt=None, customer_id=0, date_modified_gmt="2026-05-02T10:15:02"
)
_EDITED = _updated(
    line_items=[bodies.line(quantity=4, subtotal="40.00", total="37.00"), bodies.line(id=316, total="1.00")],
    fee_lines=[bodies.fee(), bodies.fee(id=321, total="-5.00")],
    date_modified_gmt="2026-05-03T07:00:00",
    total="47.78",
)
_CANCELLED = _updated(status="cancelled", date_modified_gmt="2026-05-05T10:00:00")
_CANCELLED_STILL = _updated(status="cancelled", customer_id=0, date_modified_gmt="2026-05-06T10:00:00")
_ANONYMOUS = _updated(
    status="shipped-by-plugin", customer_id=0, billing=bodies.billing(email="", phone=""),
    date_modified_gmt="2026-05-02T10:15:03",
)  # fmt: skip
_TRASH = _updated(status="trash", date_modified_gmt="2026-05-12T08:00:00")
_RESTORED = _sent("order.restored", bodies.order(date_modified_gmt="2026-05-13T08:00:00"))
_ALL = [
    CREATED, PAID, COMPLETED, DELETED, _PARTLY_REFUNDED, REFUNDED, _DRAFT, _TWICE_CREATED, _SAME_SECOND,
    _PAID_WITHOUT_DATE, _ON_HOLD, _EDITED, _CANCELLED, _CANCELLED_STILL, _ANONYMOUS, _TRASH, _RESTORED,
]  # fmt: skip


@given(shuffles(_ALL))
@settings(max_examples=400, deadline=None)
def test_any_permutation_and_repetition_ends_in_the_same_order_and_the_same_state_told(
    orders: tuple[list[Sent], list[Sent]],
) -> None:
    straight, shuffled = applied(*orders[0]), applied(*orders[1])

    assert shuffled.final() == straight.final()
    assert heard_but_not_when(shuffled, "cancelled", "deleted") == heard_but_not_when(straight, "cancelled", "deleted")


@pytest.mark.parametrize("sent", list(permutations([CREATED, COMPLETED, REFUNDED, DELETED])))
def test_create_complete_refund_and_delete_end_alike_in_all_24_orders(sent: tuple[Sent, ...]) -> None:
    straight, shuffled = applied(CREATED, COMPLETED, REFUNDED, DELETED), applied(*sent)

    assert shuffled.final() == straight.final()
    assert shuffled.heard() == straight.heard()
    assert [shuffled.kinds().count(kind) for kind in ("order.placed", "order.fulfilled", "order.deleted")] == [1, 1, 1]


def test_an_order_first_seen_refunded_says_all_that_had_happened() -> None:
    desk = Desk()

    desk.apply(REFUNDED)

    assert desk.kinds() == ["order.placed", "order.paid", "order.fulfilled", "order.refunded", "order.refunded"]


def test_a_full_refund_is_known_as_one_although_no_line_is_named() -> None:
    desk = Desk()

    desk.apply(PAID, _PARTLY_REFUNDED, REFUNDED)

    told = [fact.model_dump() for fact in desk.facts if fact.TYPE == "order.refunded.v1"]
    assert [(fact["cumulative_amount_minor"], fact["fully_refunded"]) for fact in told] == [(1000, False), (3978, True)]


def test_the_order_keeps_the_earliest_time_of_its_end_and_others_are_told_that_of_the_first_sighting() -> None:
    forwards, backwards = Desk(), Desk()

    forwards.apply(_CANCELLED, _CANCELLED_STILL, _TRASH, DELETED)
    backwards.apply(DELETED, _TRASH, _CANCELLED_STILL, _CANCELLED)

    # No body says when an order was cancelled or put into the trash: the version's time stands for it, and what was
    # told once is not told again with an earlier one.
    first, last = datetime(2026, 5, 5, 10, tzinfo=UTC), datetime(2026, 5, 6, 10, tzinfo=UTC)
    assert forwards.final() == backwards.final()
    assert [state["cancelled"] for state in forwards.heard().values()] == [first]
    assert [state["cancelled"] for state in backwards.heard().values()] == [last]


def test_a_draft_leaves_no_trace() -> None:
    desk = Desk()

    outcomes = desk.apply(_DRAFT)

    assert (outcomes, desk.facts, desk.final()) == (["ignored"], [], {})
