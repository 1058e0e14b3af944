"""Every statement of intake and normaliser finds its rows by their own key, on empty tables and on filled ones.

A process keeps one generic plan per statement: a plan made on an empty table lives on when the table is large.
"""

from typing import Final

from deploy.local.databases import ServiceUrls
from services.order_ingest.adapters import (
    books,
    books_dependants,
    books_keys,
    books_merges,
    books_orders,
    books_people,
    books_privacy,
    books_products,
    books_rates,
    data_exports,
    delivery_bodies,
    erasures,
    hearings,
    hook_stores,
    intake,
    intake_log,
    names_at_stores,
    privacy_answers,
    pulls,
    store_access,
    store_erasures,
    store_subscriptions,
    storefronts,
)
from tests.plans import WORKER, analyse, statements_of, walks
from tests.services.order_ingest import bodies
from tests.services.order_ingest.conftest import House

NORMALISER: Final = statements_of(
    books,
    books_dependants,
    books_keys,
    books_merges,
    books_orders,
    books_people,
    books_privacy,
    books_products,
    data_exports,
    delivery_bodies,
    erasures,
    hearings,
    books_rates,
    intake_log,
    names_at_stores,
    privacy_answers,
    pulls,
    store_access,
    store_erasures,
    store_subscriptions,
    storefronts,
)
INTAKE: Final = {**statements_of(hook_stores), "intake.APPEND": intake.APPEND}
FEW_ROWS: Final = ("store", "store_access", "store_secret", "merchant", "intake_lane", "intake_mark")
"""Tables with a row per lane, store or merchant; the others get longer with every order."""


async def test_statements_use_their_keys_on_empty_tables(house: House) -> None:
    assert len(NORMALISER) > 15
    await _assert_by_key(house.urls)


async def test_statements_use_their_keys_on_filled_tables(house: House) -> None:
    shop = await house.shop()
    for number in range(400):
        order = bodies.order(
            id=number + 1,
            order_status_url=None,
            customer={"id": 5_000 + number % 150, "email": f"c{number % 150}@example.com"},
            email=f"c{number % 150}@example.com",
            line_items=[bodies.line(id=number, product_id=number)],
        )
        assert (await house.deliver(shop, "orders/create", order)).status_code == 200
    await house.normaliser.drain()

    await _assert_by_key(house.urls)
    await analyse(house.urls.owner)
    await _assert_by_key(house.urls)


async def _assert_by_key(urls: ServiceUrls) -> None:
    assert await walks(urls.worker, NORMALISER, few_rows=FEW_ROWS) == []
    as_intake = {name: value for name, value in WORKER.items() if name != "enable_seqscan"}
    assert await walks(urls.intake or "", INTAKE, few_rows=FEW_ROWS, settings=as_intake) == []
