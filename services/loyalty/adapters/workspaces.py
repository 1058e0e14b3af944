"""Loads a workspace under locks and stores it again, with a constant number of statements for any batch."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.contracts.envelope import Event
from libs.eventbus.writes import Writes
from libs.servicekit import timers
from libs.servicekit.clock import Clock
from libs.servicekit.data_export import notes_of
from services.loyalty.adapters import account_rows, journal_rows, lot_rows, order_rows, programme_rows
from services.loyalty.adapters.award_rows import Awards
from services.loyalty.adapters.errors import ChangedMeanwhile
from services.loyalty.application.look_again import plan_timers
from services.loyalty.application.needs import Keys, Scope, keys_of, scopes_of
from services.loyalty.application.workspace import Timer, Workspace

_ATTEMPTS = 4


class Connected(Protocol):
    """An open transaction."""

    @property
    def connection(self) -> AsyncConnection: ...


class PostgresWorkspaces:
    """The one way to the ledger's tables, for batches of facts, timers and requests alike."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._programmes = programme_rows.Programmes()
        self._awards = Awards()

    async def load(self, transaction: Connected, events: Sequence[Event[Any]]) -> Workspace:
        """Every row that the facts may touch, locked: programmes, accounts by number, then what hangs on them."""
        workspace = await self.open(transaction, keys_of(events))
        await self.fill(transaction, workspace, scopes_of(workspace, events))
        return workspace

    async def open(self, transaction: Connected, keys: Keys) -> Workspace:
        """Merchants, accounts (locked, aliases followed), orders and awards of the keys; no lots yet.

        Raises: ChangedMeanwhile.
        """
        connection, now = transaction.connection, self._clock.now()
        workspace = Workspace(now)
        for merchant in await self._programmes.find(connection, keys.merchants, now):
            workspace.merchants[merchant.merchant_id] = merchant
        numbers = {merchant.merchant_id: merchant.merchant_no for merchant in workspace.merchants.values()}
        owners = {(numbers[merchant_id], customer_id) for merchant_id, customer_id in keys.customers}
        orders = {(numbers[merchant_id], order_id) for merchant_id, order_id in keys.orders}
        accounts = {(numbers[merchant_id], account_id) for merchant_id, account_id in keys.accounts}
        found, holders = await account_rows.find_or_add(connection, owners, orders)
        accounts |= holders | {(merchant_no, account_id) for (merchant_no, _), account_id in found.items()}
        await self._lock(connection, workspace, accounts, orders)
        await journal_rows.probe(connection, workspace, _numbered(numbers, keys.entries))
        return workspace

    async def fill(self, transaction: Connected, workspace: Workspace, scopes: Mapping[int, Scope]) -> None:
        """Lots, holds and shares of the year are loaded as far as the scopes ask for."""
        await lot_rows.load(transaction.connection, workspace, scopes)

    async def store(self, transaction: Connected, workspace: Workspace) -> None:
        """What changed in the workspace stands in the tables.

        Raises: ChangedMeanwhile when a row is not as it was loaded.
        """
        connection = transaction.connection
        plan_timers(workspace)
        for told in workspace.registrations:
            await programme_rows.store_registration(connection, told, workspace.now)
        writes = Writes()
        account_rows.store(writes, workspace)
        order_rows.store(writes, workspace)
        self._awards.store(writes, workspace)
        lot_rows.store(writes, workspace)
        numbers = {merchant.merchant_id: merchant.merchant_no for merchant in workspace.merchants.values()}
        notes = [_due(timer) for timer in workspace.timers]
        timers.add_notes(writes, [*notes, *notes_of(workspace.data_requests, numbers, workspace.now)])
        stored_as = await journal_rows.store(connection, writes, workspace.journal)
        await writes.send(connection)
        await order_rows.follow(connection, workspace)
        await journal_rows.forget_words(connection, workspace.forgotten)
        await lot_rows.store_holds(connection, workspace, stored_as)

    async def _lock(
        self,
        connection: AsyncConnection,
        workspace: Workspace,
        accounts: set[tuple[int, int]],
        orders: set[tuple[int, UUID]],
    ) -> None:
        """An order may move to another account until that account is locked: look, lock, and look again."""
        for _ in range(_ATTEMPTS):
            await account_rows.lock(connection, workspace, accounts)
            await order_rows.load(connection, workspace, orders)
            accounts = {(order.merchant_no, order.account_id) for order in workspace.orders.values()}
            if all(account_id in workspace.members for _, account_id in accounts):
                await self._awards.load(connection, workspace)
                return
        raise ChangedMeanwhile("orders that move while they are looked at")


def _numbered(numbers: Mapping[UUID, int], keys: set[tuple[UUID, UUID]]) -> set[tuple[int, UUID]]:
    return {(numbers[merchant_id], key) for merchant_id, key in keys}


def _due(timer: Timer) -> timers.Due:
    return timers.Due(timer.merchant_no, timer.kind, timer.key, timer.due_at, timer.payload)
