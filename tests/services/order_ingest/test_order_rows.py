"""The database keeps what the fold knows: deliveries one by one, each in a transaction of its own, in all 24 orders."""

from datetime import timedelta
from itertools import permutations
from typing import Any

from sqlalchemy import text

from services.order_ingest.adapters import (
    books_keys,
    books_merges,
    books_orders,
    books_people,
    books_products,
    intake_log,
)
from tests.services.order_ingest import bodies
from tests.services.order_ingest.conftest import House, json_lines
from tests.services.order_ingest.test_imports import _order, _run

_DELIVERIES: dict[str, dict[str, Any]] = {
    "orders/create": bodies.order(financial_status="pending"),
    "orders/updated": bodies.order(updated_at="2026-05-03T00:00:00Z", name="#1001-A", refunds=[bodies.refund(id=5)]),
    "refunds/create": bodies.refund(),
    "orders/delete": {"id": 450789469},
}
_STATE = """
SELECT number, placed_at, o.currency, financial_status, goods_minor, discount_minor, total_minor, refunded_minor,
    line_count, item_count, paid_at, cancelled_at, deleted_at, version_us, triggered_us, body_hash, content_hash, told,
    refunds, return_window_days
FROM customer_order o JOIN merchant m USING (merchant_no) WHERE m.merchant_id = :merchant_id
"""


async def test_create_update_refund_and_delete_end_in_the_same_row_in_all_24_orders(house: House) -> None:
    ends = []
    for topics in permutations(_DELIVERIES):
        shop = await house.shop()
        for topic in [*topics, topics[0]]:
            await house.deliver(shop, topic, _DELIVERIES[topic])
            await house.normaliser.drain()
        ends.append(await house.rows(_STATE, merchant_id=shop.merchant_id))

    assert len(ends) == 24
    assert all(end == ends[0] for end in ends)
    assert ends[0][0]["refunded_minor"] == 2 * 1943
    assert ends[0][0]["told"] == 1 | 2 | 8


async def test_an_orders_return_window_is_the_one_that_held_when_it_was_first_seen(house: House) -> None:
    shop = await house.shop()
    await house.deliver(shop, "orders/create", bodies.order())
    await house.normaliser.drain()
    headers = house.bearer("stores:write", merchant_id=shop.merchant_id)
    await house.client.patch(f"/v1/stores/{shop.store_id}", json={"return_window_days": 90}, headers=headers)

    await house.deliver(shop, "orders/updated", bodies.order(updated_at="2026-05-03T00:00:00Z", name="#1001-A"))
    await house.deliver(shop, "orders/create", bodies.order(id=2))
    await house.normaliser.drain()

    facts: list[Any] = await house.facts("order.placed", "order.changed")
    windows = {(fact.external_order_id, fact.return_window_ends_at - fact.placed_at) for fact in facts}
    assert windows == {("450789469", timedelta(days=30)), ("2", timedelta(days=90))}


async def test_every_probe_of_the_fold_uses_an_index_on_empty_and_on_filled_tables(house: House) -> None:
    empty = await _sequential_scans(house)
    shop = await house.shop()
    await house.upload(shop, json_lines([_order(n) for n in range(1500)]))
    await _run(house)
    assert (empty, await _sequential_scans(house)) == ([], [])


async def _sequential_scans(house: House) -> list[str]:
    """The fold's statements whose generic plan reads a whole table."""
    probes: dict[str, tuple[Any, dict[str, Any]]] = {
        "orders": (books_orders._LOAD, {"merchants": [], "orders": []}),
        "owners": (books_keys._OWNERS, {"merchant_no": [], "strength": [], "store_no": [], "value": []}),
        "customers": (books_people._CUSTOMERS, {"merchants": [], "customers": []}),
        "products": (books_products._LOAD, {"merchants": [], "products": []}),
        "deliveries": (intake_log._FETCH, {"lanes": [], "marks": [], "share": 10}),
        "moved orders": (books_merges._MOVE_ORDERS, {"merchant_no": [], "absorbed": [], "survivor": []}),
        "moved keys": (books_merges._MOVE_KEYS, {"merchant_no": [], "absorbed": [], "survivor": []}),
    }
    found = []
    async with house.worker.begin() as uow:
        for name, (statement, values) in probes.items():
            plan = await uow.connection.execute(text(f"EXPLAIN {statement.text}"), values)
            if any("Seq Scan" in str(line) for line in plan.scalars()):
                found.append(name)
    return found
