"""An order that was fetched from WooCommerce is read as its hook would be, and merges with hooks in any order."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from services.order_ingest.domain.changes import OrderDeleted, OrderSeen, Unheeded
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms import woocommerce
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.storefront import PULLED, Arrival
from tests.services.order_ingest import bodies_woocommerce as bodies
from tests.services.order_ingest.application.shuffling import applied
from tests.services.order_ingest.bodies import encoded
from tests.services.order_ingest.desk import NOW, Sent, storefront

_STORE = storefront("woocommerce")
_REFUNDED = bodies.order(**{**bodies.COMPLETED, "date_modified_gmt": "2026-05-09T08:00:00"}, refunds=[bodies.refund()])


def _read(topic: str, body: dict[str, Any]) -> Any:
    return woocommerce.parse(load(encoded(body)), Arrival(topic=topic, at=NOW), _STORE)


@pytest.mark.parametrize(
    "body",
    [
        bodies.order(),
        bodies.order(**bodies.UNPAID),
        bodies.order(**bodies.COMPLETED),
        _REFUNDED,
        bodies.order(status="cancelled"),
        bodies.order(customer_id=0, fee_lines=[bodies.fee()]),
    ],
)
def test_it_is_read_like_an_update(body: dict[str, Any]) -> None:
    seen = _read(PULLED, body)

    assert isinstance(seen, OrderSeen)
    assert seen == _read("order.updated", body)


def test_one_in_the_trash_is_deleted() -> None:
    gone = _read(PULLED, bodies.order(status="trash"))

    assert gone == OrderDeleted(external_id="727", at=datetime(2026, 5, 2, 10, 15, 8, tzinfo=UTC))


def test_a_draft_is_left_alone() -> None:
    assert isinstance(_read(PULLED, bodies.order(status="checkout-draft")), Unheeded)


@pytest.mark.parametrize(
    "body", [bodies.ERROR, {}, {"id": 727}, bodies.order(date_modified=None, date_modified_gmt=None)]
)
def test_what_is_no_order_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        _read(PULLED, body)


def test_it_ends_alike_wherever_it_comes_among_hooks() -> None:
    created = bodies.order(**bodies.UNPAID, date_modified_gmt="2026-05-02T10:15:00")
    hooks = [
        ("order.created", created),
        ("order.updated", bodies.order(**bodies.COMPLETED)),
        ("order.deleted", {"id": 727}),
    ]
    sent = [Sent(topic, body, store=_STORE) for topic, body in [*hooks, (PULLED, _REFUNDED)]]
    straight = applied(*sent)

    shuffled = [applied(*order) for order in permutations(sent)]

    assert all(desk.final() == straight.final() for desk in shuffled)
    assert all(desk.heard() == straight.heard() for desk in shuffled)
