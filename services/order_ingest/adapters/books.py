"""The books on PostgreSQL: what a batch concerns, loaded and stored in a constant number of statements."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.writes import Writes
from libs.servicekit.sealing import Vault
from services.order_ingest.adapters.books_dependants import load_dependants, store_dependants
from services.order_ingest.adapters.books_happenings import load_happenings, store_happenings
from services.order_ingest.adapters.books_keys import store_keys
from services.order_ingest.adapters.books_merges import load_orders_of_lives, move_to_survivors, return_to_restored
from services.order_ingest.adapters.books_orders import load_orders, store_history, store_orders
from services.order_ingest.adapters.books_people import load_people, store_people
from services.order_ingest.adapters.books_privacy import load_standings, store_privacy
from services.order_ingest.adapters.books_products import load_products, store_products
from services.order_ingest.adapters.books_questions import request_fetches
from services.order_ingest.adapters.books_rates import load_rates
from services.order_ingest.adapters.books_windows import plan_completions
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.workspace import Workspace

# One lock per merchant, held to the end of the transaction: two batches that touch one merchant follow each other,
# so no row can appear or change between load and store, and identities may be joined across the merchant's stores.
_LOCK = text(
    "SELECT 1 FROM merchant WHERE merchant_no = ANY(CAST(:numbers AS int4[])) ORDER BY merchant_no FOR NO KEY UPDATE"
)


class PostgresBooks:
    """`Books` inside the transaction of `connection`."""

    def __init__(self, connection: AsyncConnection, vault: Vault, now: datetime) -> None:
        self._connection = connection
        self._vault = vault
        self._now = now

    async def load(self, entries: Sequence[Entry]) -> Workspace:
        """Everything that the entries concern, the merchants locked first, in the order of their numbers."""
        numbers = sorted({entry.storefront.merchant_no for entry in entries})
        await self._connection.execute(_LOCK, {"numbers": numbers})
        orders = await load_orders(self._connection, entries)
        people = await load_people(self._connection, entries, orders, self._vault)
        products = await load_products(self._connection, entries)
        returning = await load_orders_of_lives(self._connection, entries, people)
        return Workspace(
            orders=dict(orders),
            order_stores={},
            people=people,
            products=dict(products),
            stored_orders=frozenset(orders),
            stored_customers=frozenset(id_ for each in people.values() for id_ in each.customers),
            stored_products=frozenset(products),
            happened=await load_happenings(self._connection, entries),
            dependants=await load_dependants(self._connection, entries),
            rates=await load_rates(self._connection, entries),
            orders_of_lives=returning,
            standings=await load_standings(self._connection, entries),
        )

    async def store(self, workspace: Workspace) -> None:
        """Everything that changed stands: orders, their history and windows, customers, identities, products."""
        writes = Writes()
        await move_to_survivors(self._connection, workspace)
        await return_to_restored(self._connection, workspace)
        store_orders(writes, workspace, self._now)
        store_history(writes, workspace, self._now)
        plan_completions(writes, workspace, self._now)
        store_happenings(writes, workspace, self._now)
        store_dependants(writes, workspace, self._now)
        store_people(writes, workspace, self._vault, self._now)
        store_products(writes, workspace, self._now)
        await writes.send(self._connection)
        await store_keys(self._connection, workspace)
        await request_fetches(self._connection, workspace, self._now)
        await store_privacy(self._connection, workspace, self._vault, self._now)
