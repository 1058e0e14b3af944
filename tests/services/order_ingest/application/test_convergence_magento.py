"""Any permutation and repetition of one Magento order's fetched documents ends in the same order and state told."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings

from services.order_ingest.domain.storefront import PULLED
from tests.services.order_ingest import bodies_magento as bodies
from tests.services.order_ingest.application.shuffling import applied, heard_but_not_when, shuffles
from tests.services.order_ingest.desk import Desk, Sent, storefront

_STORE = storefront("magento")


def _sent(order: bodies.Body, **parts: Any) -> Sent:
    return Sent(PULLED, bodies.document(order, **parts), store=_STORE)


_SECOND_MEMO = bodies.memo(
    entity_id=802,
    created_at="2026-05-11 08:00:00",
    grand_total=30.10,
    shipping_amount=10,
    items=[bodies.memo_row(qty=2, row_total=20, discount_amount=2, tax_amount=1.35)],
    discount_amount=-2,
)
_REST = bodies.shipment(entity_id=502, created_at="2026-05-05 09:00:00", items=[{"order_item_id": 315, "qty": 2}])
_FIRST = bodies.shipment(items=[{"order_item_id": 315, "qty": 1}])

NEW = _sent(bodies.order(updated_at="2026-05-02 10:15:00"))
PAID = _sent(bodies.order(**bodies.PAID), invoices=[bodies.invoice()])
COMPLETE = _sent(bodies.order(**bodies.COMPLETE), invoices=[bodies.invoice()], shipments=[_FIRST, _REST])
_PARTLY_REFUNDED = _sent(
    bodies.order(**{**bodies.COMPLETE, "updated_at": "2026-05-09 08:00:01"}, total_refunded=9.68),
    invoices=[bodies.invoice()],
    shipments=[_FIRST, _REST],
    creditmemos=[bodies.memo()],
)
REFUNDED = _sent(
    bodies.order(**{**bodies.COMPLETE, "state": "closed", "updated_at": "2026-05-11 08:00:01"}, total_refunded=39.78),
    invoices=[bodies.invoice()],
    shipments=[_FIRST, _REST],
    creditmemos=[bodies.memo(), _SECOND_MEMO],
)
_PENDING_PAYMENT = _sent(bodies.order(state="pending_payment", updated_at="2026-05-02 10:15:01"))
_HELD = _sent(bodies.order(state="holded", updated_at="2026-05-02 11:00:00"))
# The shipment changed nothing in the order's own row: two documents of one version.
_PARTLY_SENT = _sent(bodies.order(**bodies.PAID), invoices=[bodies.invoice()], shipments=[_FIRST])
_WITHOUT_INVOICES = _sent(bodies.order(**{**bodies.PAID, "updated_at": "2026-05-02 10:15:07"}))
_EDITED_SAME_SECOND = _sent(bodies.order(increment_id="000000727-1"))
_OPEN_MEMO = _sent(
    bodies.order(**{**bodies.COMPLETE, "updated_at": "2026-05-08 08:00:00"}), creditmemos=[bodies.memo(state=1)]
)
_PART_CANCELLED = _sent(
    bodies.order(
        **{**bodies.COMPLETE, "total_paid": 20.16, "updated_at": "2026-05-04 10:00:00"},
        items=[bodies.row(qty_canceled=2)],
        total_canceled=19.62,
        tax_canceled=1.62,
        discount_canceled=2,
    )
)
_CANCELED = _sent(bodies.order(**bodies.CANCELED))
_CANCELED_STILL = _sent(bodies.order(**{**bodies.CANCELED, "updated_at": "2026-05-03 13:00:00"}))
_GUEST = _sent(bodies.order(**bodies.GUEST, updated_at="2026-05-02 10:15:03"))
_ANONYMOUS = _sent(
    bodies.order(**bodies.GUEST, customer_email=None, billing_address=[], updated_at="2026-05-02 10:15:04")
)
_NUMBERS_AS_TEXT = Sent(
    PULLED,
    bodies.numbers_as_text(
        bodies.document(
            bodies.answered_since_2_3(bodies.order(**bodies.COMPLETE)), shipments=[_FIRST], creditmemos=[bodies.memo()]
        )
    ),
    store=_STORE,
)
_ADJUSTED = _sent(
    bodies.order(**{**bodies.COMPLETE, "updated_at": "2026-05-12 08:00:00"}, total_refunded=5),
    creditmemos=[bodies.memo(entity_id=803, items=[], discount_amount=0, adjustment_positive=5, grand_total=5)],
)
_ALL = [
    NEW, PAID, COMPLETE, _PARTLY_REFUNDED, REFUNDED, _PENDING_PAYMENT, _HELD, _PARTLY_SENT, _WITHOUT_INVOICES,
    _EDITED_SAME_SECOND, _OPEN_MEMO, _PART_CANCELLED, _CANCELED, _CANCELED_STILL, _GUEST, _ANONYMOUS, _NUMBERS_AS_TEXT,
    _ADJUSTED,
]  # fmt: skip


@given(shuffles(_ALL))
@settings(max_examples=400, deadline=None)
def test_any_permutation_and_repetition_ends_in_the_same_order_and_the_same_state_told(
    orders: tuple[list[Sent], list[Sent]],
) -> None:
    straight, shuffled = applied(*orders[0]), applied(*orders[1])

    assert shuffled.final() == straight.final()
    assert heard_but_not_when(shuffled, "cancelled") == heard_but_not_when(straight, "cancelled")


@pytest.mark.parametrize("sent", list(permutations([NEW, PAID, COMPLETE, REFUNDED])))
def test_an_orders_life_ends_alike_in_all_24_orders(sent: tuple[Sent, ...]) -> None:
    straight, shuffled = applied(NEW, PAID, COMPLETE, REFUNDED), applied(*sent)

    assert shuffled.final() == straight.final()
    assert shuffled.heard() == straight.heard()
    assert [shuffled.kinds().count(kind) for kind in ("order.placed", "order.paid", "order.fulfilled")] == [1, 1, 2]


def test_an_order_first_seen_refunded_says_all_that_had_happened() -> None:
    desk = Desk()

    desk.apply(REFUNDED)

    assert desk.kinds() == [
        "order.placed", "order.paid", "order.fulfilled", "order.fulfilled", "order.refunded", "order.refunded",
    ]  # fmt: skip


def test_the_last_credit_memo_makes_the_refund_a_full_one() -> None:
    desk = Desk()

    desk.apply(COMPLETE, _PARTLY_REFUNDED, REFUNDED)

    told = [fact.model_dump() for fact in desk.facts if fact.TYPE == "order.refunded.v1"]
    assert [(fact["cumulative_amount_minor"], fact["fully_refunded"]) for fact in told] == [(968, False), (3978, True)]


def test_a_document_fetched_once_more_is_no_news() -> None:
    desk = Desk()

    desk.apply(COMPLETE)
    before = len(desk.facts)
    desk.apply(COMPLETE)

    assert len(desk.facts) == before


def test_the_order_keeps_the_earliest_time_of_its_cancellation_and_others_are_told_that_of_the_first_sighting() -> None:
    forwards, backwards = applied(_CANCELED, _CANCELED_STILL), applied(_CANCELED_STILL, _CANCELED)

    # No field says when an order was cancelled: the version's time stands for it, and what was told once is not told
    # again with an earlier one.
    assert forwards.final() == backwards.final()
    assert [state["cancelled"] for state in forwards.heard().values()] == [datetime(2026, 5, 3, 12, tzinfo=UTC)]
    assert [state["cancelled"] for state in backwards.heard().values()] == [datetime(2026, 5, 3, 13, tzinfo=UTC)]
