"""People forgotten by the clock: what operators asked for, and the search through what could not be read."""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import zstandard
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.contracts.envelope import Cause, Said
from libs.contracts.privacy import ErasureCompletedV1
from libs.servicekit.errors import SealBroken
from libs.servicekit.sealing import Vault
from libs.servicekit.timers import Due
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.books_privacy import addresses_place
from services.order_ingest.adapters.delivery_bodies import Spot, empty_bodies
from services.order_ingest.adapters.folding import fold_entries
from services.order_ingest.adapters.intake_log import BODY_LIMIT, delivery_place
from services.order_ingest.adapters.privacy_answers import OURS, TOPIC, Answer, close_answered, keep_answers
from services.order_ingest.adapters.storefronts import storefronts_by_number
from services.order_ingest.application.apply_privacy import ERASURE
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.ports import Seals
from services.order_ingest.domain.changes import Version
from services.order_ingest.domain.persons import DataAsked, ErasureAsked
from services.order_ingest.domain.storefront import Storefront

ASKED_ERASURE: Final = "erasure_asked"
ASKED_EXPORT: Final = "data_export_asked"
OPERATOR: Final = "operator"
_PAGE: Final = 200
_PARKED = text(
    """
    SELECT d.* FROM (
        SELECT merchant_no, lane, seq, received_at FROM delivery_outcome
        WHERE merchant_no = :merchant_no AND state = 'parked'
            AND received_at >= :after_at AND (received_at, seq) > (:after_at, :after_seq)
        ORDER BY received_at, seq LIMIT :limit) o
    CROSS JOIN LATERAL (SELECT merchant_no, delivery_id, lane, seq, received_at, body_enc FROM webhook_delivery d
        WHERE (d.merchant_no, d.lane, d.seq, d.received_at) = (o.merchant_no, o.lane, o.seq, o.received_at) OFFSET 0) d
    ORDER BY d.received_at, d.seq
    """
)
_BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SEPARATORS: Final = r"[\s().\-]{0,3}"
_NATIONAL_DIGITS: Final = 9
"""So many last digits of a number tell it from others, whichever prefix it was written with."""


@dataclass(frozen=True, slots=True)
class AskedByOperators:
    """Handles due rows of the kinds `erasure_asked` and `data_export_asked`."""

    vault: Vault
    seals: Seals

    async def handle(self, uow: UnitOfWork, rows: Sequence[Due], now: datetime) -> None:
        """Each request is carried out as one that a platform sent."""
        stores = await storefronts_by_number(uow.connection, {int(row.payload["store_no"]) for row in rows})
        entries = [_entry(row, stores[int(row.payload["store_no"])], now) for row in rows]
        await fold_entries(uow, entries, vault=self.vault, seals=self.seals, now=now)


def _entry(row: Due, storefront: Storefront, now: datetime) -> Entry:
    request_id, customer_id = UUID(row.key), UUID(str(row.payload["customer_id"]))
    asked = ErasureAsked if row.kind == ASKED_ERASURE else DataAsked
    change = asked(at=now, source=OPERATOR, customer_id=customer_id, request_id=request_id)
    return privacy_entry(change, storefront, request_id)


def privacy_entry(change: ErasureAsked | DataAsked, storefront: Storefront, cause_id: UUID) -> Entry:
    """The change on its way into the books; what follows from it is told under ids that follow from `cause_id`."""
    return Entry(
        change=change,
        storefront=storefront,
        cause=Cause(cause_id, "live", str(cause_id)),
        version=Version(0, 0, 0, ""),
        source=change.source,
        at=change.at,
    )


@dataclass(frozen=True, slots=True)
class ErasureSearch:
    """Handles due rows of the kind `erasure`: the tables are clear by then, bodies that nobody could read are not."""

    vault: Vault

    async def handle(self, uow: UnitOfWork, rows: Sequence[Due], now: datetime) -> None:
        """Parked deliveries that hold an address of the erased are empty, and this service's part is done."""
        for merchant_no in sorted({row.merchant_no for row in rows}):
            mine = [row for row in rows if row.merchant_no == merchant_no]
            await self._search(uow.connection, merchant_no, [self._addresses(row) for row in mine])
        answers = [Answer(row.merchant_no, UUID(row.key), ERASURE, OURS) for row in rows]
        await keep_answers(uow.connection, answers, now)
        await close_answered(uow.connection, answers, now)
        for row in rows:
            uow.say(_completed(row, now))

    def _addresses(self, row: Due) -> list[str]:
        sealed = base64.b64decode(str(row.payload["addresses"]))
        found: list[str] = json.loads(self.vault.decrypt(sealed, addresses_place(row.merchant_no, UUID(row.key))))
        return found

    async def _search(self, connection: AsyncConnection, merchant_no: int, addresses: Sequence[Sequence[str]]) -> None:
        wanted = pattern_of([address for each in addresses for address in each])
        after_at, after_seq = _BEFORE_ALL, 0
        while wanted is not None:
            page = {"merchant_no": merchant_no, "after_at": after_at, "after_seq": after_seq, "limit": _PAGE}
            rows = (await connection.execute(_PARKED, page)).all()
            await empty_bodies(connection, [_spot(row) for row in rows if wanted.search(self._body(row))])
            if len(rows) < _PAGE:
                return
            after_at, after_seq = rows[-1].received_at, rows[-1].seq

    def _body(self, row: Row[Any]) -> bytes:
        """The body in clear; nothing where it does not open, as nobody else can open it either."""
        if not row.body_enc:
            return b""
        try:
            packed = self.vault.decrypt(row.body_enc, delivery_place(row.merchant_no, row.delivery_id))
            return zstandard.ZstdDecompressor().decompress(packed, max_output_size=BODY_LIMIT)
        except (SealBroken, zstandard.ZstdError):
            return b""


def _spot(row: Row[Any]) -> Spot:
    return Spot(row.merchant_no, row.lane, row.seq, row.received_at)


def _completed(row: Due, now: datetime) -> Said:
    assert row.merchant_id is not None, "a due row comes with its merchant"
    fact = ErasureCompletedV1(
        erased_id=UUID(str(row.payload["customer_id"])),
        kind="customer",
        request_id=UUID(row.key),
        service=OURS,
        completed_at=now,
    )
    return Said(fact, row.merchant_id, now, key=row.key, topic=TOPIC)


def pattern_of(addresses: Sequence[str]) -> re.Pattern[bytes] | None:
    """What finds any of the addresses in a body, however a number is grouped; None if there are none."""
    parts = list(_patterns(addresses))
    return re.compile("|".join(parts).encode(), re.IGNORECASE) if parts else None


def _patterns(addresses: Sequence[str]) -> Iterator[str]:
    for address in sorted(set(addresses)):
        if "@" in address:
            yield re.escape(address)
        else:
            digits = re.sub(r"\D", "", address)[-_NATIONAL_DIGITS:]
            yield r"(?<!\d)\+?\d{0,4}" + _SEPARATORS + _SEPARATORS.join(digits) + r"(?!\d)"
