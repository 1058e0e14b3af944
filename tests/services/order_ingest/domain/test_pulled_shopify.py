"""An order that was fetched from Shopify is read as its hook would be, and merges with hooks in any order."""

from itertools import permutations
from typing import Any

import pytest

from services.order_ingest.domain.changes import OrderSeen, Unheeded
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms import shopify
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.storefront import PULLED, Arrival
from tests.services.order_ingest import bodies
from tests.services.order_ingest.application.shuffling import applied
from tests.services.order_ingest.desk import NOW, Sent, storefront

_REFUNDED = bodies.order(refunds=[bodies.refund()], updated_at="2026-05-09T08:00:01-04:00")


def _read(topic: str, body: dict[str, Any]) -> Any:
    return shopify.parse(load(bodies.encoded(body)), Arrival(topic=topic, at=NOW), storefront())


@pytest.mark.parametrize(
    "body",
    [
        bodies.order(),
        _REFUNDED,
        bodies.order(cancelled_at="2026-05-03T08:00:00-04:00", cancel_reason="customer", financial_status="voided"),
        bodies.order(fulfillments=[bodies.fulfilment()]),
        bodies.order(customer=None, email=""),
    ],
)
def test_it_is_read_like_an_update(body: dict[str, Any]) -> None:
    seen = _read(PULLED, body)

    assert isinstance(seen, OrderSeen)
    assert seen == _read("orders/updated", body)


def test_a_test_order_is_left_alone() -> None:
    assert isinstance(_read(PULLED, bodies.order(test=True)), Unheeded)


@pytest.mark.parametrize(
    "body",
    [
        bodies.order(order_status_url="https://other.myshopify.com/1/orders/b1946ac9/authenticate"),
        bodies.order(updated_at=None),
        {"errors": "Not Found"},
        {"order": bodies.order()},
    ],
)
def test_what_is_no_order_of_this_shop_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        _read(PULLED, body)


def test_it_ends_alike_wherever_it_comes_among_hooks() -> None:
    created = Sent("orders/create", bodies.order(financial_status="pending", updated_at="2026-05-02T06:15:00-04:00"))
    refund = Sent("refunds/create", bodies.refund())
    sent = [created, Sent("orders/paid", bodies.order()), refund, Sent(PULLED, _REFUNDED)]
    straight = applied(*sent)

    shuffled = [applied(*order) for order in permutations(sent)]

    assert all(desk.final() == straight.final() for desk in shuffled)
    assert all(desk.heard() == straight.heard() for desk in shuffled)
