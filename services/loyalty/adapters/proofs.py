"""The ledger examined as a whole: figures, invariants, hash. Few and long queries, made for one reader at a time."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text

from services.loyalty.adapters.proof_queries import INVARIANTS
from services.loyalty.application.ports import Transaction
from services.loyalty.application.views import Finding, OrdersSummary, PointsSummary, Summary
from services.loyalty.domain.programmes import Programme
from services.loyalty.domain.tiers import YEAR

_MEMBERS = text("""
WITH enrolled AS (
    SELECT account_id FROM account WHERE kind = 'member' AND alias_of IS NULL AND enrolled_at <= :as_of),
spent AS (
    SELECT account_id, sum(counted) AS spend FROM order_state
    WHERE counted > 0 AND placed_at > :since AND placed_at <= :as_of GROUP BY account_id)
SELECT width_bucket(coalesce(spend, 0)::numeric, CAST(:thresholds AS numeric[])) AS step, count(*) AS members
FROM enrolled LEFT JOIN spent USING (account_id) GROUP BY 1
""")
_ISSUED = text("""
SELECT coalesce(sum(div(w.eligible * t.numerator, t.denominator)), 0)::int8 AS issued,
       coalesce(sum(w.earned - w.reversed), 0)::int8 AS net
FROM award w JOIN terms t USING (merchant_no, terms_id) JOIN order_state o USING (merchant_no, order_id)
WHERE o.paid_at <= :as_of
""")
_FLOWS = text("""
SELECT coalesce(sum(points) FILTER (WHERE kind = 'adjust'), 0)::int8,
       coalesce(-sum(points) FILTER (WHERE kind IN ('spend', 'capture', 'return')), 0)::int8,
       coalesce(-sum(points) FILTER (WHERE kind = 'expire'), 0)::int8,
       (SELECT coalesce(sum(t.amount), 0)::int8 FROM transfer t JOIN account a
            ON (a.account_id, a.merchant_no) = (t.debit, t.merchant_no) WHERE a.kind = 'absorbed')
FROM txn
""")
_LOTS = text("""
SELECT coalesce(sum(remaining - reserved) FILTER (
           WHERE available_at <= :as_of AND (expires_at IS NULL OR expires_at > :as_of)), 0)::int8,
       coalesce(sum(remaining) FILTER (
           WHERE available_at > :as_of AND (expires_at IS NULL OR expires_at > :as_of)), 0)::int8
FROM lot WHERE remaining > 0
""")
_DEBTS = text("SELECT coalesce(sum(held), 0)::int8, coalesce(sum(debt), 0)::int8 FROM account WHERE kind = 'member'")
_ORDERS = text("""
SELECT count(*) FILTER (WHERE o.version IS NOT NULL),
       count(*) FILTER (WHERE o.version IS NOT NULL AND o.paid_at <= :as_of),
       count(w.order_id),
       count(*) FILTER (WHERE o.version IS NOT NULL AND o.currency <> :currency AND o.fx_to IS DISTINCT FROM :currency)
FROM order_state o LEFT JOIN award w USING (merchant_no, order_id)
""")
# Lines are digested in 256 heaps, so that no single text grows with the whole ledger.
_DIGEST = text("""
WITH lines AS (
    SELECT md5(concat_ws('|', a.owner, a.wallet, t.entry_id, t.kind, t.points,
        extract(epoch FROM l.available_at), extract(epoch FROM l.expires_at), l.granted)) AS line
    FROM txn t JOIN account a USING (merchant_no, account_id)
    LEFT JOIN lot l ON l.earn_txn = t.txn_id AND l.merchant_no = t.merchant_no),
heaps AS (SELECT left(line, 2) AS heap, md5(string_agg(line, '' ORDER BY line)) AS digest, count(*) AS n
          FROM lines GROUP BY 1)
SELECT encode(sha256(convert_to(coalesce(string_agg(digest, '' ORDER BY heap), ''), 'UTF8')), 'hex'),
       coalesce(sum(n), 0)::int8 FROM heaps
""")
_UNJUDGED = text("""
SELECT order_id FROM order_state
WHERE merchant_no = :merchant_no AND judged < :newest AND paid_at IS NOT NULL AND version IS NOT NULL
    AND order_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
ORDER BY order_id LIMIT :limit
""")
_CLOSE_DAYS = text("""
INSERT INTO ledger_day (merchant_no, day, transfers, digest, closed_at)
SELECT t.merchant_no, CAST(x.created_at AT TIME ZONE 'UTC' AS date), count(*),
       sum(CAST(hashtextextended(CAST(t AS text), 0) AS numeric)), :now
FROM txn x JOIN transfer t USING (merchant_no, txn_id)
WHERE x.merchant_no = :merchant_no AND x.created_at < CAST(:before AS date)::timestamp AT TIME ZONE 'UTC'
    AND x.created_at >= COALESCE((SELECT max(day) + 1 FROM ledger_day WHERE merchant_no = :merchant_no)::timestamp
        AT TIME ZONE 'UTC', '-infinity')
GROUP BY 1, 2 ORDER BY 2 ON CONFLICT DO NOTHING
""")


class PostgresProofs:
    """The ledger of the transaction's merchant (row-level security sees to that)."""

    async def summary(self, transaction: Transaction, programme: Programme, as_of: datetime) -> Summary:
        ladder = programme.governing(as_of).rules.tiers
        values = {"as_of": as_of, "since": as_of - YEAR, "thresholds": [tier.threshold_minor for tier in ladder]}
        rows = await transaction.connection.execute(_MEMBERS, values)
        steps = {row.step: row.members for row in rows}
        by_step = [steps.get(step, 0) for step in range(len(ladder) + 1)]
        return Summary(
            as_of=as_of,
            members=sum(by_step),
            members_by_step=by_step,
            points=await self._points(transaction, as_of),
            orders=await self._orders(transaction, programme.newest.rules.currency, as_of),
        )

    async def findings(self, transaction: Transaction, now: datetime) -> Sequence[Finding]:
        found = []
        for invariant in INVARIANTS:
            values = {"now": now} if ":now" in invariant.query.text else {}
            checked, violations = (await transaction.connection.execute(invariant.query, values)).one()
            found.append(Finding(invariant.name, invariant.meaning, checked, violations))
        return found

    async def digest(self, transaction: Transaction) -> tuple[str, int]:
        digest, lines = (await transaction.connection.execute(_DIGEST)).one()
        return digest, lines

    async def _points(self, transaction: Transaction, as_of: datetime) -> PointsSummary:
        at = {"as_of": as_of}
        issued, net = (await transaction.connection.execute(_ISSUED, at)).one()
        adjusted, spent, expired, absorbed = (await transaction.connection.execute(_FLOWS)).one()
        usable, pending = (await transaction.connection.execute(_LOTS, at)).one()
        held, debt = (await transaction.connection.execute(_DEBTS)).one()
        return PointsSummary(
            issued=issued,
            reversed=issued - net,
            adjusted=adjusted,
            spent=spent,
            expired=expired,
            absorbed=absorbed,
            usable=usable,
            pending=pending,
            held=held,
            debt=debt,
        )

    async def _orders(self, transaction: Transaction, currency: str, as_of: datetime) -> OrdersSummary:
        values = {"currency": currency, "as_of": as_of}
        return OrdersSummary(*(await transaction.connection.execute(_ORDERS, values)).one())


class PostgresHousekeeping:
    """Work that is found by looking through tables (worker role)."""

    async def unjudged(
        self, transaction: Transaction, merchant_no: int, *, newest: int, after: UUID | None, limit: int
    ) -> Sequence[UUID]:
        values = {"merchant_no": merchant_no, "newest": newest, "after": after, "limit": limit}
        return [row[0] for row in await transaction.connection.execute(_UNJUDGED, values)]

    async def close_days(self, transaction: Transaction, merchant_no: int, *, before: date, now: datetime) -> None:
        await transaction.connection.execute(_CLOSE_DAYS, {"merchant_no": merchant_no, "before": before, "now": now})
