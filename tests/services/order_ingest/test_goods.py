"""Goods on their way through the running service, and the end of their return window by the clock."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from libs.contracts.commerce import OrderCompletedV1
from libs.servicekit.timers import TimerLoop
from services.order_ingest.adapters.books_windows import COMPLETION
from services.order_ingest.adapters.completions import Completions
from services.order_ingest.domain.canonical import EXAMPLE_FULFILMENT, EXAMPLE_RETURN
from tests.services.order_ingest import bodies
from tests.services.order_ingest.conftest import SEALER, VAULT, House, Shop

_STATE = """
SELECT fulfilments, returns, told, total_minor, version_us FROM customer_order JOIN merchant m USING (merchant_no)
WHERE m.merchant_id = :merchant_id
"""
_GOODS: dict[str, dict[str, Any]] = {
    "orders/paid": bodies.order(),
    "fulfillments/create": bodies.fulfilment(),
    "fulfillment_events/create": bodies.fulfilment_event(),
    "returns/request": bodies.returned(),
    "returns/close": bodies.returned(status="closed"),
}


def _timers(house: House) -> TimerLoop:
    return TimerLoop(house.worker, {COMPLETION: Completions(VAULT, SEALER).handle}, house.clock)


def _order(placed_at: datetime, **changes: Any) -> dict[str, Any]:
    stamp = placed_at.isoformat()
    return bodies.order(created_at=stamp, processed_at=stamp, updated_at=stamp, order_status_url=None, **changes)


async def _deliver(house: House, shop: Shop, topic: str, body: dict[str, Any], **changes: str) -> None:
    answer = await house.deliver(shop, topic, body, **changes)
    assert answer.status_code == 200
    await house.normaliser.drain()


async def _completed(house: House) -> list[OrderCompletedV1]:
    return [fact for fact in await house.facts("order.completed") if isinstance(fact, OrderCompletedV1)]


@pytest.mark.parametrize("topics", [list(_GOODS), list(reversed(_GOODS))])
async def test_the_database_keeps_what_the_fold_knows_of_goods(house: House, topics: list[str]) -> None:
    at_once, one_by_one = await house.shop(), await house.shop()
    for topic in [*topics, topics[0]]:
        triggered = {"x-shopify-triggered-at": f"2026-05-0{6 + list(_GOODS).index(topic)}T10:00:00Z"}
        assert (await house.deliver(at_once, topic, _GOODS[topic], **triggered)).status_code == 200
    await house.normaliser.drain()
    for topic in [*topics, topics[0]]:
        triggered = {"x-shopify-triggered-at": f"2026-05-0{6 + list(_GOODS).index(topic)}T10:00:00Z"}
        await _deliver(house, one_by_one, topic, _GOODS[topic], **triggered)

    together = await house.rows(_STATE, merchant_id=at_once.merchant_id)
    apart = await house.rows(_STATE, merchant_id=one_by_one.merchant_id)

    assert together == apart
    assert "255858046" in apart[0]["fulfilments"]
    assert "945000954" in apart[0]["returns"]
    kinds = [kind for kind in await house.told() if kind.startswith(("order.", "return."))]
    told = ["order.delivered", "order.fulfilled", "order.paid", "order.placed", "return.closed", "return.requested"]
    assert sorted(set(kinds)) == told
    assert all(kinds.count(kind) == 2 for kind in told)  # once for each shop


async def test_http_shows_parcels_and_returns_of_our_own_format(house: House) -> None:
    shop = await house.shop("standard")
    order = {
        "id": "A-1",
        "updated_at": "2026-05-02T10:15:00Z",
        "placed_at": "2026-05-02T10:15:00Z",
        "currency": "USD",
        "lines": [{"id": "1", "title": "Mug", "quantity": 2, "total_minor": 3598}],
        "fulfilments": [EXAMPLE_FULFILMENT],
    }
    await house.send(shop, "order.created", order)
    await house.send(shop, "return.closed", {**EXAMPLE_RETURN, "order_id": "A-1"})
    await house.normaliser.drain()

    [listed] = (await house.get(shop, "/v1/orders"))["items"]
    shown = await house.get(shop, f"/v1/orders/{listed['order_id']}")

    assert shown["fulfilments"] == [
        {"external_id": "F-1", **{name: EXAMPLE_FULFILMENT[name] for name in ("shipped_at", "delivered_at", "lines")}}
    ]
    [returned] = shown["returns"]
    assert (returned["external_id"], returned["outcome"], returned["reason"]) == ("RT-5", "closed", "damaged")
    assert returned["closed_at"] == EXAMPLE_RETURN["closed_at"]


async def test_an_order_is_completed_once_when_its_window_closes(house: House) -> None:
    shop, now = await house.shop(), house.clock.now().replace(microsecond=0)
    placed_at = now - timedelta(days=1)
    await _deliver(house, shop, "orders/create", _order(placed_at))
    timers = _timers(house)
    house.clock.advance(timedelta(days=29) - timedelta(seconds=2))
    early = await timers.run_due()

    house.clock.advance(timedelta(seconds=3))
    due = [await timers.run_due(), await timers.run_due()]

    [completed] = await _completed(house)
    assert (early, due) == (0, [1, 0])
    assert completed.at == placed_at + timedelta(days=30)
    [listed] = (await house.get(shop, "/v1/orders"))["items"]
    assert datetime.fromisoformat(listed["completed_at"]) == completed.at


async def test_an_order_that_was_cancelled_meanwhile_is_not_completed(house: House) -> None:
    shop, now = await house.shop(), house.clock.now().replace(microsecond=0)
    await _deliver(house, shop, "orders/create", _order(now))
    gone = _order(now, cancelled_at=now.isoformat(), cancel_reason="customer")
    await _deliver(house, shop, "orders/cancelled", gone)

    house.clock.advance(timedelta(days=31))
    seen = await _timers(house).run_due()

    assert seen == 1
    assert await _completed(house) == []


async def test_a_window_that_moved_is_judged_where_it_ends_now(house: House) -> None:
    shop, now = await house.shop(), house.clock.now().replace(microsecond=0)
    await _deliver(house, shop, "orders/create", _order(now))
    later = now + timedelta(days=5)
    moved = {**_order(later), "created_at": now.isoformat(), "updated_at": (now + timedelta(seconds=1)).isoformat()}
    await _deliver(house, shop, "orders/updated", moved)

    house.clock.advance(timedelta(days=31))
    at_first = await _timers(house).run_due()
    house.clock.advance(timedelta(days=5))
    at_last = await _timers(house).run_due()

    assert (at_first, at_last) == (0, 1)
    assert [fact.at for fact in await _completed(house)] == [later + timedelta(days=30)]


async def test_a_window_that_had_closed_before_its_order_came_is_not_told(house: House) -> None:
    shop = await house.shop()
    await _deliver(house, shop, "orders/create", _order(house.clock.now() - timedelta(days=90)))

    seen = await _timers(house).run_due()

    assert seen == 0
    assert await _completed(house) == []
