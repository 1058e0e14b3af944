"""The intake as the normaliser reads it: lanes claimed by their marks, bodies opened, outcomes noted."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import zstandard
from sqlalchemy import Row, text

from libs.contracts.envelope import Cause, Said
from libs.eventbus.writes import Writes
from libs.servicekit.clock import Clock
from libs.servicekit.database import Database
from libs.servicekit.errors import SealBroken
from libs.servicekit.logs import logger
from libs.servicekit.sealing import Vault
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.books import PostgresBooks
from services.order_ingest.adapters.columns import by_column, sql, unnest
from services.order_ingest.adapters.delivery_bodies import Spot, empty_bodies
from services.order_ingest.adapters.storefronts import storefronts_by_number
from services.order_ingest.application.normalise_deliveries import IGNORED, PARKED, Outcome, Place
from services.order_ingest.application.read_entry import Letter
from services.order_ingest.domain.changes import FETCH_RANK, HOOK_RANK
from services.order_ingest.domain.storefront import PULLED

MOST_LANES: Final = 16
"""Lanes that one transaction holds: the rest is left to other workers."""

BODY_LIMIT: Final = 4 << 20

# Lanes that others hold are passed over: order within a lane is the mark's business, whoever holds it.
_CLAIM = text(
    """
    SELECT m.lane, m.last_seq FROM intake_mark m JOIN intake_lane l USING (lane)
    WHERE l.next_seq - 1 > m.last_seq ORDER BY m.lane LIMIT :lanes FOR UPDATE OF m SKIP LOCKED
    """
)
_CLAIM_LANE = text("SELECT lane, last_seq FROM intake_mark WHERE lane = :lane FOR UPDATE")
_FETCH = text(
    """
    SELECT d.* FROM unnest(CAST(:lanes AS int2[]), CAST(:marks AS int8[])) w(lane, last_seq)
    CROSS JOIN LATERAL (
        SELECT lane, seq, received_at, delivery_id, merchant_no, store_no, topic, triggered_at, origin, correlation_id,
               traceparent, body_enc
        FROM webhook_delivery d WHERE d.lane = w.lane AND d.seq > w.last_seq ORDER BY d.seq LIMIT :share) d
    ORDER BY d.lane, d.seq
    """
)
_OUTCOME_COLUMNS: Final = {
    "merchant_no": "int4",
    "lane": "int2",
    "seq": "int8",
    "received_at": "timestamptz",
    "state": "text",
    "reason": "text",
    "customer_id": "uuid",
    "recipient_id": "uuid",
}
_NOTE = sql(
    "INSERT INTO delivery_outcome ({columns}, settled_at) SELECT {columns}, :now FROM {rows}",
    columns=", ".join(_OUTCOME_COLUMNS),
    rows=unnest(_OUTCOME_COLUMNS),
)
_ADVANCE = text(
    """
    UPDATE intake_mark m SET last_seq = x.last_seq
    FROM unnest(CAST(:lanes AS int2[]), CAST(:marks AS int8[])) x(lane, last_seq) WHERE m.lane = x.lane
    """
)
_REASON_LENGTH = 500
_log = logger(__name__)


@dataclass(slots=True)
class IntakeBatch:
    """Claimed deliveries inside one transaction."""

    uow: UnitOfWork
    books: PostgresBooks
    clock: Clock
    letters: list[tuple[Place, Letter]] = field(default_factory=list)
    unreadable: list[Outcome] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.letters) + len(self.unreadable)

    @property
    def lanes(self) -> Mapping[int, int]:
        """How many deliveries of each lane are in the batch."""
        counts: dict[int, int] = {}
        for place in [*(place for place, _ in self.letters), *(outcome.place for outcome in self.unreadable)]:
            counts[place.lane] = counts.get(place.lane, 0) + 1
        return counts

    def say(self, said: Said) -> None:
        self.uow.say(said)

    async def settle(self, outcomes: Sequence[Outcome]) -> None:
        """The outcomes stand and the lanes' marks have moved past them."""
        if not outcomes:
            return
        rows = sorted((_outcome_values(each) for each in outcomes), key=lambda row: (row["lane"], row["seq"]))
        marks = {row["lane"]: row["seq"] for row in rows}
        writes = Writes()
        writes.add(_NOTE, {**by_column(rows, _OUTCOME_COLUMNS), "now": self.clock.now()})
        writes.add(_ADVANCE, {"lanes": list(marks), "marks": list(marks.values())})
        await writes.send(self.uow.connection)
        await empty_bodies(self.uow.connection, [_spot(outcome.place) for outcome in outcomes if outcome.names_erased])


def _spot(place: Place) -> Spot:
    return Spot(place.merchant_no, place.lane, place.seq, place.received_at)


def _outcome_values(outcome: Outcome) -> dict[str, Any]:
    place = outcome.place
    return {
        "merchant_no": place.merchant_no,
        "lane": place.lane,
        "seq": place.seq,
        "received_at": place.received_at,
        "state": outcome.state,
        "reason": outcome.reason[:_REASON_LENGTH] if outcome.reason else None,
        "customer_id": outcome.concerned[0] if outcome.concerned else None,
        "recipient_id": outcome.concerned[1] if len(outcome.concerned) > 1 else None,
    }


class IntakeLog:
    """Opens batches of the intake (worker role)."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    @asynccontextmanager
    async def begin(self, *, limit: int) -> AsyncIterator[IntakeBatch]:
        """A transaction with up to `limit` deliveries of lanes that nobody else holds; perhaps none."""
        async with self._database.begin() as uow:
            lanes = min(MOST_LANES, limit)
            claimed = (await uow.connection.execute(_CLAIM, {"lanes": lanes})).all()
            yield await self._batch(uow, {row.lane: row.last_seq for row in claimed}, limit)

    @asynccontextmanager
    async def begin_next(self, lane: int) -> AsyncIterator[IntakeBatch]:
        """A transaction with the next delivery of one lane, waiting for whoever holds it."""
        async with self._database.begin() as uow:
            row = (await uow.connection.execute(_CLAIM_LANE, {"lane": lane})).one()
            yield await self._batch(uow, {row.lane: row.last_seq}, 1)

    async def _batch(self, uow: UnitOfWork, marks: Mapping[int, int], limit: int) -> IntakeBatch:
        batch = IntakeBatch(uow, PostgresBooks(uow.connection, self._vault, self._clock.now()), self._clock)
        if not marks:
            return batch
        share = max(1, limit // len(marks))
        rows = await uow.connection.execute(
            _FETCH, {"lanes": list(marks), "marks": list(marks.values()), "share": share}
        )
        await self._open(batch, rows.all(), dict(marks))
        return batch

    async def _open(self, batch: IntakeBatch, rows: Sequence[Row[Any]], marks: dict[int, int]) -> None:
        stores = await storefronts_by_number(batch.uow.connection, {row.store_no for row in rows})
        opener = zstandard.ZstdDecompressor()
        for row in rows:
            if row.seq != marks[row.lane] + 1:
                # Deliveries that were answered with 200 are gone: this lane stands until somebody looks.
                _log.critical("intake_lane_broken", lane=row.lane, expected=marks[row.lane] + 1, sequence=row.seq)
                continue
            marks[row.lane] = row.seq
            place = _place(row)
            if not row.body_enc:  # replayed, but its person was erased since
                batch.unreadable.append(Outcome(place=place, state=IGNORED, reason="its person was erased"))
                continue
            try:
                body = self._vault.decrypt(row.body_enc, delivery_place(row.merchant_no, row.delivery_id))
                letter = _letter(row, opener.decompress(body, max_output_size=BODY_LIMIT), stores[row.store_no])
            except (SealBroken, zstandard.ZstdError) as error:
                batch.unreadable.append(Outcome(place=place, state=PARKED, reason=f"stored body: {error}"))
            else:
                batch.letters.append((place, letter))


def delivery_place(merchant_no: int, delivery_id: Any) -> str:
    """What a delivery's ciphertext is bound to."""
    return f"{merchant_no}|webhook_delivery|body|{delivery_id}"


def _place(row: Row[Any]) -> Place:
    return Place(
        lane=row.lane,
        seq=row.seq,
        received_at=row.received_at,
        delivery_id=row.delivery_id,
        merchant_no=row.merchant_no,
    )


def _letter(row: Row[Any], body: bytes, storefront: Any) -> Letter:
    return Letter(
        body=body,
        storefront=storefront,
        cause=Cause(row.delivery_id, row.origin, row.correlation_id, row.traceparent),
        source=row.topic or "hook",
        topic=row.topic,
        triggered_at=row.triggered_at,
        received_at=row.received_at,
        source_rank=FETCH_RANK if row.topic == PULLED else HOOK_RANK,
    )
