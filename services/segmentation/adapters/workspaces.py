"""Workspaces of the fold, in PostgreSQL."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from libs.contracts.envelope import Event
from libs.eventbus.transaction import Transaction
from libs.servicekit.data_export import notes_of
from libs.servicekit.timers import schedule
from services.segmentation.adapters.load_fold import load_customers, load_orders, load_shops, load_stays
from services.segmentation.adapters.store_fold import store_shops
from services.segmentation.adapters.touched import touched_by
from services.segmentation.application.workspace import Workspace


class PostgresWorkspaces:
    """Loads what a batch may touch, locked, and stores what it changed. Blocks on rows that another batch holds."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    async def load(self, transaction: Transaction, events: Sequence[Event[Any]]) -> Workspace:
        """Every row that the events may touch, locked in the order orders, customers; keys sorted."""
        connection = transaction.connection
        touched = touched_by(events)
        shops = await load_shops(connection, touched, self._now())
        await load_orders(connection, shops, touched)
        await load_customers(connection, shops, touched)
        await load_stays(connection, shops)
        return Workspace({shop.merchant_id: shop for shop in shops.values()})

    async def store(self, transaction: Transaction, workspace: Workspace) -> None:
        """The workspace's changes are written.

        Raises: TransientFailure when another transaction inserted one of its rows first.
        """
        shops = sorted(workspace.shops.values(), key=lambda shop: shop.merchant_no)
        await store_shops(transaction.connection, shops)
        numbers = {shop.merchant_id: shop.merchant_no for shop in shops}
        await schedule(transaction.connection, notes_of(workspace.data_requests, numbers, self._now()))
