"""Any permutation and repetition of what our own hook tells of one order ends in the same order and state told."""

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings

from services.order_ingest.domain.canonical import EXAMPLE_FULFILMENT, EXAMPLE_ORDER, EXAMPLE_REFUND, EXAMPLE_RETURN
from tests.services.order_ingest.application.shuffling import applied, assert_alike, shuffles
from tests.services.order_ingest.desk import Sent, storefront

_STORE = storefront("standard", account="own")
_BARE: dict[str, Any] = {"refunds": [], "fulfilments": [], "returns": []}
_UNPAID: dict[str, Any] = {**_BARE, "financial_status": "pending", "paid_at": None}


def _sent(kind: str, content: Mapping[str, Any]) -> Sent:
    return Sent("", {"type": kind, "timestamp": "2026-05-20T00:00:00Z", "data": dict(content)}, store=_STORE)


def _order(kind: str, at: str, **changes: Any) -> Sent:
    """The order as of a day of May and its clock, like "02T10:15:00"."""
    return _sent(kind, {**EXAMPLE_ORDER, "updated_at": f"2026-05-{at}Z", **changes})


def _of_order(kind: str, content: Mapping[str, Any], **changes: Any) -> Sent:
    return _sent(kind, {"order_id": EXAMPLE_ORDER["id"], "currency": "USD", **content, **changes})


_LINE: Mapping[str, Any] = EXAMPLE_ORDER["lines"][0]
CREATED = _order("order.created", "02T10:15:00", **_UNPAID)
UPDATED = _order(
    "order.updated", "03T07:00:00", **_BARE, lines=[{**_LINE, "quantity": 1, "total_minor": 1799}], total_minor=2619
)
REFUNDED = _of_order("refund.created", EXAMPLE_REFUND)
DELETED = _sent("order.deleted", {"id": EXAMPLE_ORDER["id"], "deleted_at": "2026-05-18T08:00:00Z"})
_PAID = _order("order.paid", "02T10:15:03", **{**_BARE, "financial_status": "paid"})
_SAME_SECOND = _order("order.updated", "02T10:15:03", **{**_BARE, "financial_status": "paid", "number": "#1001-A"})
_CANCELLED = _order(
    "order.cancelled", "04T10:00:00", **_BARE, cancelled_at="2026-05-04T10:00:00Z", cancel_reason="customer"
)
_WHOLE = _order("order.updated", "09T12:00:00")
_ANONYMOUS = _order("order.created", "02T10:15:01", **{**_UNPAID, "customer": None})
_BY_MAIL = _order("order.created", "02T10:15:02", **{**_UNPAID, "customer": {"email": "ann@example.com"}})
_LARGER_REFUND = _of_order(
    "refund.created", EXAMPLE_REFUND, amount_minor=2299, shipping_minor=500, at="2026-05-09T12:00:00Z"
)
_SECOND_REFUND = _of_order(
    "refund.created", EXAMPLE_REFUND, id="R-78", at="2026-05-11T08:00:00Z", lines=[], amount_minor=200
)
_SHIPPED = _of_order("fulfilment.created", EXAMPLE_FULFILMENT, delivered_at=None)
_DELIVERED = _of_order("fulfilment.updated", EXAMPLE_FULFILMENT)
_SECOND_PARCEL = _of_order("fulfilment.created", EXAMPLE_FULFILMENT, id="F-2", delivered_at=None)
_WANTS_BACK = _of_order("return.requested", EXAMPLE_RETURN, closed_at=None, outcome=None)
_CLOSED = _of_order("return.closed", EXAMPLE_RETURN)
_ALL = [
    CREATED, UPDATED, REFUNDED, DELETED, _PAID, _SAME_SECOND, _CANCELLED, _WHOLE, _ANONYMOUS, _BY_MAIL, _LARGER_REFUND,
    _SECOND_REFUND, _SHIPPED, _DELIVERED, _SECOND_PARCEL, _WANTS_BACK, _CLOSED,
]  # fmt: skip


@given(shuffles(_ALL))
@settings(max_examples=400, deadline=None)
def test_any_permutation_and_repetition_ends_in_the_same_order_and_the_same_state_told(
    orders: tuple[list[Sent], list[Sent]],
) -> None:
    assert_alike(*orders)


@pytest.mark.parametrize("sent", list(permutations([CREATED, UPDATED, REFUNDED, DELETED])))
def test_create_update_refund_and_delete_end_alike_in_all_24_orders(sent: tuple[Sent, ...]) -> None:
    straight, shuffled = applied(CREATED, UPDATED, REFUNDED, DELETED), applied(*sent)

    assert shuffled.final() == straight.final()
    assert shuffled.heard() == straight.heard()
    kinds = ("order.placed", "order.refunded", "order.deleted")
    assert [shuffled.kinds().count(kind) for kind in kinds] == [1, 1, 1]


def test_parts_that_come_before_their_order_wait_for_it() -> None:
    desk = applied(REFUNDED, _DELIVERED, _CLOSED)
    waiting = desk.kinds()

    desk.apply(_PAID)

    assert waiting == []
    assert desk.kinds() == ["order.placed", "order.paid", "order.fulfilled", "order.delivered", "order.refunded"]


@pytest.mark.parametrize("sent", list(permutations([_PAID, REFUNDED, _LARGER_REFUND])))
def test_a_refund_that_grows_ends_in_its_larger_figures(sent: tuple[Sent, ...]) -> None:
    [order] = applied(*sent).final().values()

    [state] = order.refunds.values()
    assert (state.refund.amount_minor, state.refund.shipping_minor) == (2299, 500)
