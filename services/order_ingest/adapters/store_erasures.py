"""A store that asked to be forgotten: its people a few at a time, then what it sent, then what it is called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from libs.contracts.commerce import StoreErasedV1
from libs.contracts.envelope import Said
from libs.contracts.privacy import ErasureCompletedV1
from libs.kernel.identifiers import derived_id
from libs.servicekit.sealing import Vault
from libs.servicekit.timers import Due, schedule
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.delivery_bodies import Spot, empty_bodies
from services.order_ingest.adapters.erasures import privacy_entry
from services.order_ingest.adapters.folding import fold_entries
from services.order_ingest.adapters.privacy_answers import OURS, TOPIC, Answer, close_answered, keep_answers
from services.order_ingest.adapters.storefronts import storefronts_by_number
from services.order_ingest.application.apply_privacy import STORE_ERASURE
from services.order_ingest.application.ports import Seals
from services.order_ingest.domain.persons import ErasureAsked
from services.order_ingest.domain.storefront import Storefront

_AT_ONCE: Final = 200
_BODIES_AT_ONCE: Final = 2_000
_NOBODY: Final = UUID(int=0)
_OLDEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Whoever another store knows, by an id of its own or by an order, stays: that store did not ask.
_NEXT_PEOPLE = text(
    """
    SELECT c.customer_id, c.erased_at IS NULL AND c.merged_into IS NULL AND c.store_id = :store_id
            AND c.platform_stores <@ ARRAY[CAST(:store_no AS int4)]
            AND NOT EXISTS (SELECT FROM customer_order o WHERE o.customer_id = c.customer_id
                AND o.merchant_no + 0 = c.merchant_no AND o.store_no <> :store_no) AS is_only_here
    FROM customer c WHERE c.merchant_no = :merchant_no AND c.customer_id > :after
    ORDER BY c.customer_id LIMIT :limit
    """
)
_NEXT_BODIES = text(
    """
    SELECT merchant_no, lane, seq, received_at, store_no FROM webhook_delivery
    WHERE merchant_no = :merchant_no AND received_at >= :after_at AND (received_at, seq) > (:after_at, :after_seq)
    ORDER BY received_at, seq LIMIT :limit
    """
)
_END_SECRETS = text("DELETE FROM store_secret WHERE store_no = :store_no AND merchant_no = :merchant_no")
_END_ACCESS = text("DELETE FROM store_access WHERE store_no = :store_no AND merchant_no = :merchant_no")
_UNNAME = text(
    """
    UPDATE store SET name = NULL, domain = NULL, disconnected_at = coalesce(disconnected_at, :now), updated_at = :now
    WHERE store_no = :store_no AND merchant_no = :merchant_no
    """
)


@dataclass(frozen=True, slots=True)
class StoreErasures:
    """Handles due rows of the kind `store_erasure`: a step of each request, and a note of how far it came."""

    vault: Vault
    seals: Seals

    async def handle(self, uow: UnitOfWork, rows: Sequence[Due], now: datetime) -> None:
        """Nothing more is taken from these stores; their people and bodies go in steps, and then it is told."""
        stores = await storefronts_by_number(uow.connection, {int(row.payload["store_no"]) for row in rows})
        for row in rows:
            storefront = stores[int(row.payload["store_no"])]
            if row.payload.keys() == {"store_no"}:  # the first step
                await self._close(uow, storefront, now)
            ahead = await self._step(uow, row, storefront, now)
            if ahead is None:
                await self._end(uow, row, storefront, now)
            else:
                payload = {"store_no": storefront.store_no, **ahead}
                later = row.due_at + timedelta(microseconds=1)  # the row that was handled goes when this ends
                await schedule(uow.connection, [Due(row.merchant_no, STORE_ERASURE, row.key, later, payload)])

    async def _close(self, uow: UnitOfWork, storefront: Storefront, now: datetime) -> None:
        numbers = {"store_no": storefront.store_no, "merchant_no": storefront.merchant_no}
        await uow.connection.execute(_UNNAME, {**numbers, "now": now})
        await uow.connection.execute(_END_SECRETS, numbers)
        await uow.connection.execute(_END_ACCESS, numbers)

    async def _step(self, uow: UnitOfWork, row: Due, storefront: Storefront, now: datetime) -> dict[str, Any] | None:
        """Where the next step begins; None after the last one."""
        if "bodies_after" in row.payload:
            return await self._empty_bodies(uow, row, storefront)
        after = UUID(str(row.payload.get("people_after", _NOBODY)))
        last = await self._forget_people(uow, UUID(row.key), storefront, after, now)
        return {"people_after": str(last)} if last else {"bodies_after": [_OLDEST.isoformat(), 0]}

    async def _forget_people(
        self, uow: UnitOfWork, request_id: UUID, storefront: Storefront, after: UUID, now: datetime
    ) -> UUID | None:
        values = {
            "merchant_no": storefront.merchant_no,
            "store_no": storefront.store_no,
            "store_id": storefront.store_id,
            "after": after,
            "limit": _AT_ONCE,
        }
        people = (await uow.connection.execute(_NEXT_PEOPLE, values)).all()
        entries = [
            privacy_entry(
                _forgetting(each.customer_id, request_id, now), storefront, _cause(request_id, each.customer_id)
            )
            for each in people
            if each.is_only_here
        ]
        if entries:
            await fold_entries(uow, entries, vault=self.vault, seals=self.seals, now=now)
        return people[-1].customer_id if len(people) == _AT_ONCE else None

    async def _empty_bodies(self, uow: UnitOfWork, row: Due, storefront: Storefront) -> dict[str, Any] | None:
        at, seq = row.payload["bodies_after"]
        values = {
            "merchant_no": storefront.merchant_no,
            "after_at": datetime.fromisoformat(at),
            "after_seq": seq,
            "limit": _BODIES_AT_ONCE,
        }
        rows = (await uow.connection.execute(_NEXT_BODIES, values)).all()
        await empty_bodies(uow.connection, [Spot(*row[:4]) for row in rows if row.store_no == storefront.store_no])
        return {"bodies_after": [rows[-1].received_at.isoformat(), rows[-1].seq]} if rows else None

    async def _end(self, uow: UnitOfWork, row: Due, storefront: Storefront, now: datetime) -> None:
        request_id = UUID(row.key)
        answers = [Answer(storefront.merchant_no, request_id, STORE_ERASURE, OURS)]
        await keep_answers(uow.connection, answers, now)
        await close_answered(uow.connection, answers, now)
        store_id, merchant_id = storefront.store_id, storefront.merchant_id
        erased = StoreErasedV1(store_id=store_id, request_id=request_id, erased_at=now)
        done = ErasureCompletedV1(
            erased_id=store_id, kind="store", request_id=request_id, service=OURS, completed_at=now
        )
        uow.say(Said(erased, merchant_id, now, key=row.key))
        uow.say(Said(done, merchant_id, now, key=row.key, topic=TOPIC))


def _forgetting(customer_id: UUID, request_id: UUID, now: datetime) -> ErasureAsked:
    return ErasureAsked(at=now, source=STORE_ERASURE, customer_id=customer_id, request_id=request_id, whole_store=True)


def _cause(request_id: UUID, customer_id: UUID) -> UUID:
    return derived_id(request_id, "erasure", str(customer_id))
