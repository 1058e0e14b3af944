"""What each service answered to a request about privacy, and which requests are answered by all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.contracts.registry import SOURCES
from services.order_ingest.adapters.columns import by_column, sql, unnest

TOPIC: Final = "commerce"
OURS: Final = SOURCES[TOPIC]
_COLUMNS: Final = {
    "request_id": "uuid",
    "service": "text",
    "part": "int4",
    "merchant_no": "int4",
    "parts": "int4",
    "data_enc": "bytea",
}
_GIVEN: Final = {**_COLUMNS, "kind": "text"}
# A request that the merchant's tables do not have was made by nobody here: what is said of it is kept nowhere. A
# store's request is answered for the store: what is said of each of its people is not that answer.
_KEEP = sql(
    """
    INSERT INTO privacy_answer ({columns}, answered_at)
    SELECT {given}, :now FROM {rows} CROSS JOIN LATERAL (SELECT FROM privacy_request r
        WHERE r.request_id = x.request_id AND r.merchant_no + 0 = x.merchant_no AND r.kind = x.kind OFFSET 0) r
    ON CONFLICT (request_id, service, part, merchant_no) DO NOTHING
    """,
    columns=", ".join(_COLUMNS),
    given=", ".join(f"x.{name}" for name in _COLUMNS),
    rows=unnest(_GIVEN),
)
_CLOSE = text(
    """
    UPDATE privacy_request r SET closed_at = :now
    FROM unnest(CAST(:requests AS uuid[]), CAST(:merchants AS int4[])) x(request_id, merchant_no)
    WHERE r.request_id = ANY (CAST(:requests AS uuid[])) AND r.closed_at IS NULL
        AND (r.request_id, r.merchant_no + 0) = (x.request_id, x.merchant_no)
        AND :services = (SELECT count(*) FROM (
            SELECT 1 FROM privacy_answer a WHERE a.request_id = x.request_id AND a.merchant_no + 0 = x.merchant_no
            GROUP BY a.service HAVING count(*) >= max(a.parts)) complete)
    """
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One part of one service's answer to a request of that kind, its data encrypted for `data_place`."""

    merchant_no: int
    request_id: UUID
    kind: str
    service: str
    part: int = 1
    parts: int = 1
    data_enc: bytes | None = None


def data_place(answer: Answer) -> str:
    """What the data of an answer's part is bound to."""
    return f"{answer.merchant_no}|privacy_answer|data|{answer.request_id}/{answer.service}/{answer.part}"


async def keep_answers(connection: AsyncConnection, answers: Sequence[Answer], now: datetime) -> None:
    """The answers stand, each part once."""
    if answers:
        rows = [_values(answer) for answer in answers]
        await connection.execute(_KEEP, {**by_column(rows, _GIVEN), "now": now})


async def close_answered(connection: AsyncConnection, answers: Sequence[Answer], now: datetime) -> None:
    """Requests to which every service has answered in full are closed."""
    requests = sorted({(answer.request_id, answer.merchant_no) for answer in answers})
    if requests:
        ids, merchants = map(list, zip(*requests, strict=True))
        values = {"requests": ids, "merchants": merchants, "services": len(SOURCES), "now": now}
        await connection.execute(_CLOSE, values)


def _values(answer: Answer) -> Mapping[str, Any]:
    return {name: getattr(answer, name) for name in _GIVEN}
