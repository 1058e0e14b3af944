"""All that a service keeps about a customer, told as `data_export.completed` to whoever asked for it.

A reaction never looks through tables, so it leaves a due row; the answer is gathered when that is handled, from one
snapshot, and told with the row's removal. The answer's parts are derived from the event that asked: answered twice,
they are the same events.
"""

import base64
import json
import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import TextClause

from libs.contracts.customers import CustomerDataRequestedV1
from libs.contracts.envelope import Cause, Event, Origin, Said
from libs.contracts.fact import rfc3339
from libs.contracts.privacy import DataExportCompletedV1
from libs.contracts.registry import SOURCES
from libs.servicekit.clock import Clock
from libs.servicekit.database import Database
from libs.servicekit.sealing import Sealer
from libs.servicekit.timers import Due, TimerHandler, TimerLoop
from libs.servicekit.unit_of_work import UnitOfWork

DATA_EXPORT: Final = "data_export"
PART_CHARACTERS: Final = 100 * 1024
"""Of base64 in one fact: sealed it has a third more, and the outbox takes 256 KiB."""
_AT_ONCE: Final = 10

Kept = Mapping[str, Sequence[Mapping[str, Any]]]
"""What is kept, by the names of its things: rows with ids, instants, numbers and texts as the driver gives them.

A thing of which there is nothing is left out, so that of a customer never heard of the whole is empty.
"""
Gather = Callable[[UnitOfWork, int, UUID], Awaitable[Kept]]
"""All that is kept about the customer of the merchant with this local number, read in the given snapshot."""


def notes_of(
    requests: Iterable[Event[CustomerDataRequestedV1]], numbers: Mapping[UUID, int], now: datetime
) -> Sequence[Due]:
    """Due rows for the requests, one per request id; `numbers` are the merchants' local numbers."""
    return [_note(event, numbers[event.merchant_id], now) for event in requests]


def export_loop(database: Database, gather: Gather, sealer: Sealer, clock: Clock, *, topic: str) -> TimerLoop:
    """Answers requests on `topic`, beside the service's other timers: an export may take longer than they can wait."""
    handler = _answering(database, gather, sealer, topic)
    return TimerLoop(database, {DATA_EXPORT: handler}, clock, batch=_AT_ONCE)


async def rows_of(
    snapshot: UnitOfWork, statements: Mapping[str, TextClause], keys: Mapping[str, Any]
) -> dict[str, Sequence[Mapping[str, Any]]]:
    """What each statement finds under `keys`, by the name of its thing; nothing for nobody's things."""
    found = {
        name: [dict(row._mapping) for row in await snapshot.connection.execute(statement, keys)]
        for name, statement in statements.items()
    }
    return {name: rows for name, rows in found.items() if rows}


def parts_of(kept: Kept) -> Sequence[str]:
    """Texts that, joined, are base64 of the zlib stream of `kept` as JSON; at least one."""
    plain = json.dumps(kept, ensure_ascii=False, separators=(",", ":"), default=_plain)
    text = base64.b64encode(zlib.compress(plain.encode())).decode()
    return [text[start : start + PART_CHARACTERS] for start in range(0, len(text), PART_CHARACTERS)]


def _note(event: Event[CustomerDataRequestedV1], merchant_no: int, now: datetime) -> Due:
    cause = event.as_cause()
    payload = {
        "customer_id": str(event.fact.customer_id),
        "cause_id": str(cause.id),
        "origin": cause.origin,
        "correlation_id": cause.correlation_id,
        "traceparent": cause.traceparent,
    }
    return Due(merchant_no, DATA_EXPORT, str(event.fact.request_id), now, payload)


def _answering(database: Database, gather: Gather, sealer: Sealer, topic: str) -> TimerHandler:
    async def answer(uow: UnitOfWork, rows: Sequence[Due], now: datetime) -> None:
        for row in rows:
            # A transaction of its own: one snapshot for all tables, while facts go on being applied.
            async with database.read() as snapshot:
                kept = await gather(snapshot, row.merchant_no, UUID(row.payload["customer_id"]))
            for said in _told(row, parts_of(kept), sealer, topic, now):
                uow.say(said)

    return answer


def _told(row: Due, parts: Sequence[str], sealer: Sealer, topic: str, now: datetime) -> Iterator[Said]:
    assert row.merchant_id is not None, "the timer loop names the merchant of every row"
    cause = _cause(row.payload)
    for number, text in enumerate(parts, 1):
        fact = DataExportCompletedV1(
            customer_id=UUID(row.payload["customer_id"]),
            request_id=UUID(row.key),
            service=SOURCES[topic],
            part=number,
            parts=len(parts),
            data_sealed=sealer.seal({"data": text}),
            completed_at=now,
        )
        yield Said(fact, row.merchant_id, now, cause=cause, topic=topic)


def _cause(payload: Mapping[str, Any]) -> Cause:
    return Cause(
        id=UUID(payload["cause_id"]),
        origin=cast(Origin, payload["origin"]),  # as the envelope of the event that asked had it
        correlation_id=payload["correlation_id"],
        traceparent=payload["traceparent"],
    )


def _plain(value: Any) -> str:
    """What JSON has no word for, as HTTP shows it too; the driver's own types come as they are."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be exported")
