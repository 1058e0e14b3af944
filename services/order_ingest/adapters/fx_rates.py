"""A merchant's exchange rates as its operator feeds and lists them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.columns import by_column, sql, unnest
from services.order_ingest.domain.fx import FedRate

_FED: Final = {
    "from_currency": "text",
    "to_currency": "text",
    "valid_from": "timestamptz",
    "rate": "numeric",
    "source": "text",
}
_ADD = sql(
    """
    INSERT INTO fx_rate (merchant_no, {columns}, fed_at)
    SELECT :merchant_no, {columns}, :now FROM (
        SELECT x.* FROM {rows} LEFT JOIN LATERAL (
            SELECT rate, source FROM fx_rate r
            WHERE (r.from_currency, r.to_currency, r.valid_from) = (x.from_currency, x.to_currency, x.valid_from)
            ORDER BY r.fed_no DESC LIMIT 1) h ON true
        WHERE (h.rate, h.source) IS DISTINCT FROM (x.rate, x.source)) news
    """,
    columns=", ".join(_FED),
    rows=unnest(_FED),
)
_PAGE = text(
    """
    SELECT from_currency, to_currency, valid_from, rate, source, fed_at, fed_no, NOT EXISTS (
        SELECT 1 FROM fx_rate l
        WHERE (l.from_currency, l.to_currency, l.valid_from) = (r.from_currency, r.to_currency, r.valid_from)
          AND l.fed_no > r.fed_no) AS holds
    FROM fx_rate r
    WHERE (CAST(:from_currency AS text) IS NULL OR from_currency = :from_currency)
      AND (CAST(:to_currency AS text) IS NULL OR to_currency = :to_currency)
      AND (CAST(:valid_until AS timestamptz) IS NULL OR valid_from <= :valid_until)
      AND (CAST(:after_at AS timestamptz) IS NULL OR (valid_from, fed_no) < (:after_at, CAST(:after_no AS int8)))
    ORDER BY valid_from DESC, fed_no DESC LIMIT :limit
    """
)
_ZONE = text("SELECT time_zone FROM merchant")


@dataclass(frozen=True, slots=True)
class PostgresFxRates:
    """Row security keeps to the transaction's merchant."""

    uow: UnitOfWork

    async def time_zone(self) -> str:
        """By whose clock a day begins: the merchant's."""
        found: str = (await self.uow.connection.execute(_ZONE)).scalar_one()
        return found

    async def add(self, rates: Sequence[FedRate], now: datetime) -> int:
        """The rates hold from now on; how many of them are news."""
        rows = [{name: getattr(rate, name) for name in _FED} for rate in rates]
        values = {**by_column(rows, _FED), "merchant_no": self.uow.tenant, "now": now}
        return (await self.uow.connection.execute(_ADD, values)).rowcount

    async def page(
        self, filters: Mapping[str, Any], after: tuple[datetime, int] | None, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """The latest `valid_from` first, and of one what was fed last."""
        after_at, after_no = after or (None, None)
        values = {**filters, "after_at": after_at, "after_no": after_no, "limit": limit}
        return [dict(row._mapping) for row in await self.uow.connection.execute(_PAGE, values)]
