"""The exchange rates that a batch's orders need: set-based load."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.order_ingest.adapters.columns import by_column, sql, unnest
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.pin_rate import placing_of
from services.order_ingest.application.workspace import Placing
from services.order_ingest.domain.fx import Pinned

_PLACING: Final = {
    "merchant_no": "int4",
    "from_currency": "text",
    "to_currency": "text",
    "placed_at": "timestamptz",
}
# The newest `valid_from` that had come, and of it what was fed last: the first entry of the key, read backwards.
_LOAD = sql(
    """
    SELECT w.*, r.rate, r.source, r.valid_from FROM {placings}
    CROSS JOIN LATERAL (
        SELECT rate, source, valid_from FROM fx_rate r
        WHERE (r.from_currency, r.to_currency, r.merchant_no) = (w.from_currency, w.to_currency, w.merchant_no)
          AND r.valid_from <= w.placed_at
        ORDER BY r.valid_from DESC, r.fed_no DESC LIMIT 1) r
    """,
    placings=unnest(_PLACING, alias="w"),
)


async def load_rates(connection: AsyncConnection, entries: Sequence[Entry]) -> Mapping[Placing, Pinned]:
    """The rates that held when the entries' orders in foreign currencies were placed, as far as any was fed."""
    placings = sorted(filter(None, {placing_of(entry) for entry in entries}))
    if not placings:
        return {}
    rows = await connection.execute(_LOAD, by_column([placing._asdict() for placing in placings], _PLACING))
    return {
        Placing(row.merchant_no, row.from_currency, row.to_currency, row.placed_at): Pinned(
            to=row.to_currency, rate=row.rate, source=row.source, at=row.valid_from
        )
        for row in rows
    }
