"""Any permutation and repetition of one Amazon order's versions ends in the same order and state told."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings

from services.order_ingest.domain.storefront import PULLED
from tests.services.order_ingest import bodies_amazon as bodies
from tests.services.order_ingest.application.shuffling import applied, heard_but_not_when, shuffles
from tests.services.order_ingest.desk import Sent, storefront

_STORE = storefront("amazon", account=bodies.SELLER)
_ALL_SENT = {"quantityFulfilled": 2, "quantityUnfulfilled": 0}


def _pulled(**changes: Any) -> Sent:
    return Sent(PULLED, bodies.order(**changes), store=_STORE)


PENDING = _pulled(**bodies.PENDING, buyer=None, orderItems=[bodies.unpriced()], lastUpdatedTime="2026-05-02T10:15:00Z")
UNSHIPPED = _pulled()
SHIPPED = _pulled(
    fulfillment=bodies.fulfilled("SHIPPED"), orderItems=[bodies.item(fulfillment=_ALL_SENT)],
    packages=[bodies.package()], lastUpdatedTime="2026-05-04T09:00:02Z",
)  # fmt: skip
DELIVERED = _pulled(
    fulfillment=bodies.fulfilled("SHIPPED"), orderItems=[bodies.item(fulfillment=_ALL_SENT)], buyer=None,
    packages=[bodies.package(packageStatus={"status": "DELIVERED"})], lastUpdatedTime="2026-05-06T07:00:00Z",
)  # fmt: skip
CANCELLED = _pulled(**bodies.CANCELLED, proceeds=None, orderItems=[bodies.called_off("No stock")])

_TOUCHED = Sent("ORDER_CHANGE", bodies.notification(), store=_STORE)
_PENDING_WITH_PRICES = _pulled(fulfillment=bodies.fulfilled("PENDING"), lastUpdatedTime="2026-05-02T10:15:30Z")
_SAME_SECOND = _pulled(programs=[], salesChannel={"channelName": "AMAZON"})
_PARTLY = _pulled(
    fulfillment=bodies.fulfilled("PARTIALLY_SHIPPED"),
    packages=[bodies.package(packageItems=[{"orderItemId": "05015851154158", "quantity": 1}])],
    lastUpdatedTime="2026-05-04T09:00:01Z",
)
_TWO_PARCELS = _pulled(
    fulfillment=bodies.fulfilled("SHIPPED"), lastUpdatedTime="2026-05-05T09:00:00Z",
    packages=[bodies.package(shipTime=None), bodies.package(packageReferenceId="2", packageItems=[])],
)  # fmt: skip
_BY_AMAZON_PARTLY = _pulled(
    fulfillment=bodies.fulfilled("PARTIALLY_SHIPPED", by="AMAZON"), buyer=None, recipient=None,
    orderItems=[bodies.item(fulfillment={"quantityFulfilled": 1, "quantityUnfulfilled": 1})],
    lastUpdatedTime="2026-05-04T10:00:00Z",
)  # fmt: skip
_BY_AMAZON = _pulled(
    fulfillment=bodies.fulfilled("SHIPPED", by="AMAZON"), orderItems=[bodies.item(fulfillment=_ALL_SENT)],
    lastUpdatedTime="2026-05-05T10:00:00Z",
)  # fmt: skip
_ITEM_CALLED_OFF = _pulled(
    orderItems=[bodies.item(), bodies.called_off("No stock", orderItemId="2")], lastUpdatedTime="2026-05-03T08:00:00Z"
)
_CANCELLED_STILL = _pulled(
    **{**bodies.CANCELLED, "lastUpdatedTime": "2026-05-07T10:00:00Z"}, orderItems=[bodies.item()], buyer=None
)
_ALL = [
    PENDING, UNSHIPPED, SHIPPED, DELIVERED, CANCELLED, _TOUCHED, _PENDING_WITH_PRICES, _SAME_SECOND, _PARTLY,
    _TWO_PARCELS, _BY_AMAZON_PARTLY, _BY_AMAZON, _ITEM_CALLED_OFF, _CANCELLED_STILL,
]  # fmt: skip


@given(shuffles(_ALL))
@settings(max_examples=400, deadline=None)
def test_any_permutation_and_repetition_ends_in_the_same_order_and_the_same_state_told(
    orders: tuple[list[Sent], list[Sent]],
) -> None:
    straight, shuffled = applied(*orders[0]), applied(*orders[1])

    assert shuffled.final() == straight.final()
    assert heard_but_not_when(shuffled, "cancelled") == heard_but_not_when(straight, "cancelled")


@pytest.mark.parametrize("sent", list(permutations([PENDING, UNSHIPPED, SHIPPED, DELIVERED])))
def test_pending_unshipped_shipped_and_delivered_end_alike_in_all_24_orders(sent: tuple[Sent, ...]) -> None:
    straight, shuffled = applied(PENDING, UNSHIPPED, SHIPPED, DELIVERED), applied(*sent)

    assert shuffled.final() == straight.final()
    assert shuffled.heard() == straight.heard()
    kinds = ("order.placed", "order.paid", "order.fulfilled", "order.delivered")
    assert [shuffled.kinds().count(kind) for kind in kinds] == [1, 1, 1, 1]


def test_an_order_first_seen_delivered_says_all_that_had_happened() -> None:
    desk = applied(DELIVERED)

    assert desk.kinds() == ["order.placed", "order.paid", "order.fulfilled", "order.delivered"]


def test_an_order_that_was_placed_and_lost_its_prices_is_cancelled() -> None:
    desk = applied(UNSHIPPED, CANCELLED)

    assert desk.kinds() == ["order.placed", "order.changed", "order.cancelled"]


def test_the_order_keeps_the_earliest_time_of_its_end_and_others_are_told_that_of_the_first_sighting() -> None:
    forwards, backwards = applied(CANCELLED, _CANCELLED_STILL), applied(_CANCELLED_STILL, CANCELLED)

    # Nothing says when an order was cancelled: the version's time stands for it, and what was told once is not told
    # again with an earlier one.
    first, last = datetime(2026, 5, 3, 11, tzinfo=UTC), datetime(2026, 5, 7, 10, tzinfo=UTC)
    assert forwards.final() == backwards.final()
    assert [state["cancelled"] for state in forwards.heard().values()] == [first]
    assert [state["cancelled"] for state in backwards.heard().values()] == [last]


def test_the_same_alias_is_the_same_customer() -> None:
    other = Sent(PULLED, bodies.order(orderId="112-0000000-0000001"), store=_STORE)

    desk = applied(UNSHIPPED, other)

    assert len({order.customer_id for order in desk.final().values()}) == 1


@pytest.mark.parametrize("sent", [PENDING, _TOUCHED])
def test_a_pending_order_and_a_notification_leave_no_trace(sent: Sent) -> None:
    desk = applied(sent)

    assert (desk.facts, desk.final()) == ([], {})
