"""Refunds known by themselves and by their sum alone: each unit counts once, whatever comes first."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from libs.contracts.commerce import OrderRefundedV1
from services.order_ingest.domain import refunds
from services.order_ingest.domain.changes import Refund
from services.order_ingest.domain.refunds import NO_REFUNDS, SUMMARY
from tests.services.order_ingest.desk import Desk, Sent, storefront

_SHOP = storefront("standard")


def _refund(external_id: str, amount_minor: int, day: int = 9) -> Refund:
    at = datetime(2026, 5, day, tzinfo=UTC)
    return Refund(external_id=external_id, at=at, lines=(), shipping_minor=0, amount_minor=amount_minor)


def _order(stamp: str, *seen: dict[str, Any]) -> Sent:
    order = {
        "id": "A-1",
        "updated_at": f"2026-05-{stamp}T00:00:00Z",
        "placed_at": "2026-05-02T10:15:00Z",
        "currency": "USD",
        "financial_status": "partially_refunded",
        "lines": [{"id": "1", "title": "Mug", "quantity": 1, "total_minor": 3000}],
        "refunds": list(seen),
    }
    return Sent(
        "order.updated", {"type": "order.updated", "timestamp": order["updated_at"], "data": order}, store=_SHOP
    )


_BY_SUM = _order("08", {"id": SUMMARY, "at": "2026-05-20T00:00:00Z", "amount_minor": 1500})
_BY_THEMSELVES = _order(
    "09",
    {"id": "R-1", "at": "2026-05-08T00:00:00Z", "lines": [{"line_id": "1", "quantity": 1, "amount_minor": 1000}]},
    {"id": "R-2", "at": "2026-05-09T00:00:00Z", "lines": [{"line_id": "1", "quantity": 0, "amount_minor": 500}]},
)


@pytest.mark.parametrize("sent", list(permutations([_BY_SUM, _BY_THEMSELVES, _BY_SUM])))
def test_what_an_export_sums_up_and_hooks_tell_singly_counts_once(sent: tuple[Sent, ...]) -> None:
    desk = Desk()

    desk.apply(*sent)

    [order] = desk.workspace.orders.values()
    assert refunds.amount_minor(order.refunds) == 1500
    told = [fact for fact in desk.facts if isinstance(fact, OrderRefundedV1)]
    # What a reader ends with that keeps each refund's newest figures.
    newest = {fact.refund_id: fact.amount_minor for fact in told}
    assert sum(newest.values()) == 1500
    assert max(fact.cumulative_amount_minor for fact in told) == 1500
    assert sum(line.amount_minor for line in told[-1].cumulative_lines) == 1500


def test_a_sum_alone_is_spread_over_the_lines() -> None:
    desk = Desk()

    desk.apply(_BY_SUM)

    [fact] = [fact for fact in desk.facts if isinstance(fact, OrderRefundedV1)]
    assert (fact.amount_minor, [line.amount_minor for line in fact.lines]) == (1500, [1500])


def test_a_sum_that_gave_way_is_no_news_when_it_comes_again() -> None:
    known = refunds.merge(refunds.merge(NO_REFUNDS, [_refund(SUMMARY, 1500)]), [_refund("R-1", 1500, day=8)])

    again = refunds.merge(known, [_refund(SUMMARY, 1500)])

    assert again is known


def test_the_others_hear_of_a_sum_that_gives_way_only_if_they_had_heard_of_it() -> None:
    heard = refunds.all_told(refunds.merge(NO_REFUNDS, [_refund(SUMMARY, 1500)]))
    unheard = refunds.merge(NO_REFUNDS, [_refund(SUMMARY, 1500)])

    news = [refunds.untold(refunds.merge(known, [_refund("R-1", 1500, day=8)])) for known in (heard, unheard)]

    assert [[(each.external_id, each.amount_minor) for each in some] for some in news] == [
        [("R-1", 1500), (SUMMARY, 0)],
        [("R-1", 1500)],
    ]
