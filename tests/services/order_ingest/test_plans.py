"""Every statement of intake and normaliser finds its rows by their own key, on empty tables and on filled ones.

A process keeps one generic plan per statement: a plan made on an empty table lives on when the table is large.
"""

from datetime import timedelta
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
    hook_refusals,
    hook_restorations,
    hook_stores,
    intake,
    intake_log,
    known_hooks,
    names_at_stores,
    privacy_answers,
    pulls,
    store_access,
    store_erasures,
    store_health,
    store_subscriptions,
    storefronts,
)
from tests.plans import WORKER, analyse, statements_of, walks
from tests.services.order_ingest import bodies
from tests.services.order_ingest.conftest import House, Shop

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
    hook_restorations,
    books_rates,
    intake_log,
    known_hooks,
    names_at_stores,
    privacy_answers,
    pulls,
    store_access,
    store_erasures,
    store_subscriptions,
    storefronts,
)
_REFUSALS: Final = statements_of(hook_refusals)
INTAKE: Final = {
    **statements_of(hook_stores),
    "intake.APPEND": intake.APPEND,
    "hook_refusals.ADD": _REFUSALS.pop("hook_refusals.ADD"),
}
BY_DAY: Final = {**_REFUSALS, "store_health._REFUSED": statements_of(store_health)["store_health._REFUSED"]}
"""What reads or forgets refusals; adding them is the intake's, inside a function of the owner's."""
FEW_ROWS: Final = ("store", "store_access", "store_secret", "merchant", "intake_lane", "intake_mark")
"""Tables with a row per lane, store or merchant; the others get longer with every order."""


async def test_statements_use_their_keys_on_empty_tables(house: House) -> None:
    assert len(NORMALISER) > 15
    assert len(BY_DAY) == 2
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
    await _refuse(house, shop)

    await _assert_by_key(house.urls)
    await analyse(house.urls.owner)
    await _assert_by_key(house.urls)


async def _refuse(house: House, shop: Shop) -> None:
    """Refusals of one store on each of the days that are kept."""
    for _ in range(hook_refusals.REFUSALS_KEPT.days):
        house.clock.advance(timedelta(days=1))
        assert (await house.deliver(shop, "orders/create", b"{}", secret="another")).status_code == 401
        await house.refusals.write()


async def _assert_by_key(urls: ServiceUrls) -> None:
    assert await walks(urls.worker, {**NORMALISER, **BY_DAY}, few_rows=FEW_ROWS) == []
    as_intake = {name: value for name, value in WORKER.items() if name != "enable_seqscan"}
    assert await walks(urls.intake or "", INTAKE, few_rows=FEW_ROWS, settings=as_intake) == []
