"""An order that was fetched from Shoplazza is read as its hook would be, and merges with hooks in any order."""

from itertools import permutations
from typing import Any

import pytest

from services.order_ingest.domain.changes import OrderSeen, Unheeded
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms import shoplazza
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.storefront import PULLED, Arrival
from tests.services.order_ingest import bodies_shoplazza as bodies
from tests.services.order_ingest.application.shuffling import applied
from tests.services.order_ingest.bodies import encoded
from tests.services.order_ingest.desk import NOW, Sent, storefront

_STORE = storefront("shoplazza")
_LATER = {"updated_at": "2026-05-09T08:00:00Z", "financial_status": "partially_refunded", "total_refund_price": "10.00"}


def _read(topic: str, body: dict[str, Any]) -> Any:
    return shoplazza.parse(load(encoded(body)), Arrival(topic=topic, at=NOW), _STORE)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        _LATER,
        {"financial_status": "waiting"},
        {"financial_status": "waiting", "fulfillment_status": "shipped"},
        {"fulfillments": [bodies.parcel()]},
        {"canceled_at": "2026-05-03T08:00:00Z", "cancel_reason": "customer"},
        {"customer": None},
    ],
)
def test_it_is_read_like_an_update_wrapped_or_bare(changes: dict[str, Any]) -> None:
    seen = _read(PULLED, bodies.order(**changes))

    assert isinstance(seen, OrderSeen)
    assert seen == _read("orders/update", bodies.wrapped(**changes))
    assert seen == _read(PULLED, bodies.wrapped(**changes))


def test_it_says_neither_that_money_came_nor_that_all_was_sent() -> None:
    seen = _read(PULLED, bodies.order(financial_status="waiting", fulfillment_status="finished"))

    assert (seen.paid_at, seen.fulfilments) == (None, ())


def test_an_open_checkout_is_left_alone() -> None:
    checkout = bodies.order(status="opened", financial_status="waiting", placed_at=None)

    assert isinstance(_read(PULLED, checkout), Unheeded)


@pytest.mark.parametrize("body", [{}, {"errors": ["Unable to find resource"]}, bodies.order(updated_at=None)])
def test_what_is_no_order_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        _read(PULLED, body)


def test_it_ends_alike_wherever_it_comes_among_hooks() -> None:
    waiting = bodies.wrapped(financial_status="waiting", updated_at="2026-05-02T10:15:00Z")
    hooks = [("orders/create", waiting), ("orders/paid", bodies.wrapped()), ("orders/delete", bodies.deleted())]
    sent = [Sent(topic, body, store=_STORE) for topic, body in [*hooks, (PULLED, bodies.order(**_LATER))]]
    straight = applied(*sent)

    shuffled = [applied(*order) for order in permutations(sent)]

    assert all(desk.final() == straight.final() for desk in shuffled)
    assert all(desk.heard() == straight.heard() for desk in shuffled)
