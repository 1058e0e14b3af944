"""The end of an order's return window, by the clock: what was noted is looked at again when it is due."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from libs.contracts.envelope import Cause
from libs.kernel.identifiers import derived_id
from libs.servicekit.sealing import Vault
from libs.servicekit.timers import Due
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.books_windows import COMPLETION
from services.order_ingest.adapters.folding import fold_entries
from services.order_ingest.adapters.storefronts import storefronts_by_number
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.ports import Seals
from services.order_ingest.domain.changes import Version, WindowClosed
from services.order_ingest.domain.storefront import Storefront

SOURCE: Final = "clock"


class Completions:
    """Handles due rows of the kind `completion`: orders whose window is over are told so, once."""

    def __init__(self, vault: Vault, seals: Seals) -> None:
        self._vault = vault
        self._seals = seals

    async def handle(self, uow: UnitOfWork, rows: Sequence[Due], now: datetime) -> None:
        """Each order is judged by its own state under its merchant's lock; one that moved on is left alone."""
        stores = await storefronts_by_number(uow.connection, {int(row.payload["store_no"]) for row in rows})
        entries = [_entry(row, stores[int(row.payload["store_no"])], now) for row in rows]
        await fold_entries(uow, entries, vault=self._vault, seals=self._seals, now=now)


def _entry(row: Due, storefront: Storefront, now: datetime) -> Entry:
    external_id = str(row.payload["external_id"])
    order_id = storefront.order_id(external_id)
    return Entry(
        change=WindowClosed(order_external_id=external_id),
        storefront=storefront,
        cause=Cause(derived_id(order_id, COMPLETION, row.due_at.isoformat()), "live", str(order_id)),
        version=Version(0, 0, 0, ""),
        source=SOURCE,
        at=now,
    )
