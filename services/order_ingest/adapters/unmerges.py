"""Merges that an operator undoes: asked inside the merchant's transaction, done by the clock under the books' lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from libs.contracts.envelope import Cause
from libs.kernel.identifiers import derived_id
from libs.servicekit.sealing import Vault
from libs.servicekit.timers import Due, schedule
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.folding import fold_entries
from services.order_ingest.adapters.storefronts import storefronts_by_number
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.merge_record import Merge
from services.order_ingest.application.ports import Seals
from services.order_ingest.domain.changes import Version
from services.order_ingest.domain.parting import merge_id
from services.order_ingest.domain.persons import UnmergeAsked
from services.order_ingest.domain.storefront import Storefront

ASKED_UNMERGE: Final = "unmerge_asked"
OPERATOR: Final = "operator"
_FIND = text(
    """
    SELECT c.customer_id, c.identity_version, c.merged_into, c.erased_at, s.store_no
    FROM customer c JOIN store s USING (merchant_no, store_id) WHERE c.customer_id = :customer_id
    """
)


@dataclass(frozen=True, slots=True)
class PostgresUnmerges:
    """Row security keeps to the transaction's merchant."""

    uow: UnitOfWork

    async def find(self, customer_id: UUID) -> Merge | None:
        """How the customer's life ended, if it did; None for an unknown id."""
        row = (await self.uow.connection.execute(_FIND, {"customer_id": customer_id})).one_or_none()
        if row is None:
            return None
        named = merge_id(customer_id, row.merged_into, row.identity_version) if row.merged_into else None
        return Merge(customer_id, row.identity_version, row.merged_into, named, row.store_no)

    async def ask(self, merge: Merge, now: datetime) -> None:
        """The merge will be undone as soon as the clock comes by; asked twice is asked once."""
        payload = {
            "store_no": merge.store_no,
            "customer_id": str(merge.customer_id),
            "identity_version": merge.identity_version,
        }
        await schedule(self.uow.connection, [Due(self.uow.tenant, ASKED_UNMERGE, str(merge.customer_id), now, payload)])


@dataclass(frozen=True, slots=True)
class Unmerges:
    """Handles due rows of the kind `unmerge_asked`."""

    vault: Vault
    seals: Seals

    async def handle(self, uow: UnitOfWork, rows: Sequence[Due], now: datetime) -> None:
        """One after the other: what the first restores may be what the next one was part of."""
        stores = await storefronts_by_number(uow.connection, {int(row.payload["store_no"]) for row in rows})
        for row in rows:
            entry = _entry(row, stores[int(row.payload["store_no"])], now)
            await fold_entries(uow, [entry], vault=self.vault, seals=self.seals, now=now)


def _entry(row: Due, storefront: Storefront, now: datetime) -> Entry:
    customer_id, version = UUID(str(row.payload["customer_id"])), int(row.payload["identity_version"])
    cause_id = derived_id(customer_id, "unmerge", str(version))
    return Entry(
        change=UnmergeAsked(at=now, source=OPERATOR, customer_id=customer_id, identity_version=version),
        storefront=storefront,
        cause=Cause(cause_id, "live", str(cause_id)),
        version=Version(0, 0, 0, ""),
        source=OPERATOR,
        at=now,
    )
