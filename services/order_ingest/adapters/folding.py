"""Changes that nobody delivered: what the clock or an operator brings about goes through the same fold."""

from collections.abc import Sequence
from datetime import datetime

from libs.servicekit.sealing import Vault
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.books import PostgresBooks
from services.order_ingest.application.apply_entries import apply
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.ports import Seals


async def fold_entries(uow: UnitOfWork, entries: Sequence[Entry], *, vault: Vault, seals: Seals, now: datetime) -> None:
    """The entries are in the books, under their merchants' locks, and what follows from them is told."""
    books = PostgresBooks(uow.connection, vault, now)
    workspace = await books.load(entries)
    for entry in entries:
        apply(workspace, entry, seals)
    await books.store(workspace)
    for said in workspace.said:
        uow.say(said)
