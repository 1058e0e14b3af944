"""Any permutation and repetition of one BigCommerce order's documents ends in the same order and state told."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings

from services.order_ingest.domain.storefront import PULLED
from tests.services.order_ingest import bodies_bigcommerce as bodies
from tests.services.order_ingest.application.shuffling import applied, heard_but_not_when, shuffles
from tests.services.order_ingest.desk import Desk, Sent, storefront

_STORE = storefront("bigcommerce", account=bodies.STORE_HASH)


def _pulled(at: str, parts: dict[str, Any] | None = None, **changes: Any) -> Sent:
    """The order as it was fetched, last changed at a day of May and its clock, like "02 10:15:08"."""
    day, _, clock = at.partition(" ")
    body = bodies.document(parts, **{"date_modified": f"{day} May 2026 {clock} +0000", **changes})
    return Sent(PULLED, body, store=_STORE)


_SHIPPED: dict[str, Any] = {"status_id": 2, "status": "Shipped", "date_shipped": "Mon, 04 May 2026 09:00:00 +0000"}
_LATER_REFUND = bodies.refund(
    id=802,
    created="2026-05-11T07:59:00+00:00",
    reason="",
    total_amount="30.10",
    total_tax="2.10",
    items=[bodies.item("PRODUCT", 315, quantity=2), bodies.item("SHIPPING", 51, requested_amount=10)],
)

PLACED = _pulled("02 10:15:00", **bodies.UNPAID)
PAID = _pulled("02 10:15:08")
SHIPPED = _pulled("04 09:00:01", {"shipments": [bodies.shipment()]}, **_SHIPPED)
PARTLY_REFUNDED = _pulled(
    "09 08:00:00",
    {"shipments": [bodies.shipment()], "refunds": [bodies.refund()]},
    **{**_SHIPPED, "status_id": 14, "payment_status": "partially refunded"},
)
REFUNDED = _pulled(
    "11 08:00:00",
    {"shipments": [bodies.shipment()], "refunds": [bodies.refund(), _LATER_REFUND]},
    **{**_SHIPPED, "status_id": 4, "payment_status": "refunded"},
)
ARCHIVED = _pulled(
    "12 08:00:00",
    {"shipments": [bodies.shipment()], "refunds": [bodies.refund(), _LATER_REFUND]},
    **{**_SHIPPED, "status_id": 4, "payment_status": "refunded", "is_deleted": True},
)
_INCOMPLETE = _pulled("02 10:14:00", status_id=0, payment_status="")
_SAME_SECOND = _pulled("02 10:15:08", staff_notes="ring twice", order_source="manual")
_AUTHORIZED = _pulled("02 10:15:04", payment_status="authorized")
_AS_GUEST = _pulled("02 10:15:02", customer_id=0, **bodies.UNPAID)
_ANONYMOUS = _pulled("02 10:15:03", status_id=12, customer_id=0, billing_address=bodies.billing(email="", phone=""))
_EDITED = _pulled(
    "03 07:00:00",
    {
        "products": [
            bodies.product(quantity=4, total_ex_tax="40.0000", discounted_total_inc_tax="39.0300"),
            bodies.product(id=316, quantity=1, discounted_total_inc_tax="1.0000", total_tax="0.0000"),
        ],
        "coupons": [],
    },
    fees=[bodies.fee()],
    wrapping_cost_ex_tax="1.0000",
    total_inc_tax="53.7800",
)
_SHIPPED_BY_HAND = _pulled("04 08:00:00", status_id=2, date_shipped="")
_PARTLY_SHIPPED = _pulled(
    "04 07:00:00",
    {"shipments": [bodies.shipment(items=[{"order_product_id": 315, "product_id": 93, "quantity": 1}])]},
    status_id=3,
)
_OWN_TIMELESS_REFUND = _pulled("09 09:00:00", {"refunds": [bodies.refund(created="")]}, status_id=14)
_REFUND_AFTER_EDIT = _pulled(
    "10 08:00:00", {"products": [bodies.product(quantity=2)], "refunds": [bodies.refund()]}, status_id=14
)
_CANCELLED = _pulled("05 10:00:00", status_id=5)
_CANCELLED_STILL = _pulled("06 10:00:00", status_id=5, customer_id=0)
_DECLINED = _pulled("05 11:00:00", status_id=6, payment_status="declined")
_ARCHIVED_LATER = _pulled("14 08:00:00", is_deleted=True)
_RECOVERED = _pulled("13 08:00:00")
_ALL = [
    PLACED, PAID, SHIPPED, PARTLY_REFUNDED, REFUNDED, ARCHIVED, _INCOMPLETE, _SAME_SECOND, _AUTHORIZED, _AS_GUEST,
    _ANONYMOUS, _EDITED, _SHIPPED_BY_HAND, _PARTLY_SHIPPED, _OWN_TIMELESS_REFUND, _REFUND_AFTER_EDIT, _CANCELLED,
    _CANCELLED_STILL, _DECLINED, _ARCHIVED_LATER, _RECOVERED,
]  # fmt: skip


@given(shuffles(_ALL))
@settings(max_examples=400, deadline=None)
def test_any_permutation_and_repetition_ends_in_the_same_order_and_the_same_state_told(
    orders: tuple[list[Sent], list[Sent]],
) -> None:
    straight, shuffled = applied(*orders[0]), applied(*orders[1])

    assert shuffled.final() == straight.final()
    assert heard_but_not_when(shuffled, "cancelled", "deleted") == heard_but_not_when(straight, "cancelled", "deleted")


@pytest.mark.parametrize("sent", list(permutations([PLACED, SHIPPED, REFUNDED, ARCHIVED])))
def test_place_ship_refund_and_archive_end_alike_in_all_24_orders(sent: tuple[Sent, ...]) -> None:
    straight, shuffled = applied(PLACED, SHIPPED, REFUNDED, ARCHIVED), applied(*sent)

    assert shuffled.final() == straight.final()
    assert shuffled.heard() == straight.heard()
    assert [shuffled.kinds().count(kind) for kind in ("order.placed", "order.fulfilled", "order.deleted")] == [1, 1, 0]


def test_an_order_first_seen_refunded_says_all_that_had_happened() -> None:
    desk = Desk()

    desk.apply(REFUNDED)

    assert desk.kinds() == ["order.placed", "order.paid", "order.fulfilled", "order.refunded", "order.refunded"]


def test_refunds_of_all_pieces_and_of_shipping_are_one_full_refund() -> None:
    desk = Desk()

    desk.apply(PAID, PARTLY_REFUNDED, REFUNDED)

    told = [fact.model_dump() for fact in desk.facts if fact.TYPE == "order.refunded.v1"]
    assert [(fact["cumulative_amount_minor"], fact["fully_refunded"]) for fact in told] == [(968, False), (3978, True)]
    [line] = told[-1]["cumulative_lines"]
    assert (line["quantity"], line["amount_minor"]) == (3, 2700)
    assert told[-1]["cumulative_shipping_minor"] == 1000


def test_a_cancellation_is_as_old_as_the_earliest_version_that_has_it() -> None:
    forwards, backwards = Desk(), Desk()

    forwards.apply(_CANCELLED, _CANCELLED_STILL, ARCHIVED, _ARCHIVED_LATER)
    backwards.apply(_ARCHIVED_LATER, ARCHIVED, _CANCELLED_STILL, _CANCELLED)

    # No document says when: what was told once is not told again with an earlier time.
    first, last = datetime(2026, 5, 5, 10, tzinfo=UTC), datetime(2026, 5, 6, 10, tzinfo=UTC)
    assert forwards.final() == backwards.final()
    assert [state["cancelled"] for state in forwards.heard().values()] == [first]
    assert [state["cancelled"] for state in backwards.heard().values()] == [last]


def test_a_checkout_that_was_not_completed_leaves_no_trace() -> None:
    desk = Desk()

    outcomes = desk.apply(_INCOMPLETE)

    assert (outcomes, desk.facts, desk.final()) == (["ignored"], [], {})


def test_a_hook_changes_nothing_and_has_the_order_asked_for() -> None:
    desk = Desk()

    outcomes = desk.apply(PAID, Sent("", bodies.hook("store/order/refund/created"), store=_STORE))

    assert outcomes == ["applied", "applied"]
    assert desk.final() == applied(PAID).final()
    assert [asked.external_id for asked in desk.workspace.asked.values()] == ["727"]
