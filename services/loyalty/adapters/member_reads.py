"""Members, statements and lots as the screens show them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.loyalty.application.ports import Ranking, Transaction
from services.loyalty.application.views import EntryView, LotView, MemberView, YearView
from services.loyalty.domain.accounts import Balance
from services.loyalty.domain.tiers import YEAR, Share, Standing

# A lot that died but is not buried yet counts for nothing: its points are taken out of the sums here.
_SUMS = """
CROSS JOIN LATERAL (
    SELECT coalesce(sum(l.remaining - l.reserved) FILTER (WHERE l.available_at <= :at), 0)::int8 AS usable,
           coalesce(sum(l.remaining) FILTER (WHERE l.available_at > :at), 0)::int8 AS pending
    FROM lot l WHERE l.merchant_no = a.merchant_no AND l.account_id = a.account_id AND l.remaining > 0
        AND (l.expires_at IS NULL OR l.expires_at > :at)) s
"""
_COLUMNS = """a.account_id, a.owner, a.enrolled_at, a.posted, s.usable, s.pending, a.held, a.debt, a.step,
    a.step_since, a.spend"""
_PAGE = text(f"""
SELECT {_COLUMNS} FROM (
    SELECT * FROM account WHERE kind = 'member' AND alias_of IS NULL AND enrolled_at IS NOT NULL
        AND (CAST(:step AS int2) IS NULL OR step = :step)
        AND (CAST(:points AS int8) IS NULL OR (posted, -account_id) < (:points, -CAST(:after AS int8)))
    ORDER BY posted DESC, account_id LIMIT :limit) a {_SUMS}
ORDER BY a.posted DESC, a.account_id
""")  # noqa: S608  # constants of this module
_SURVIVOR = """
WITH RECURSIVE chain(account_id, alias_of, path) AS (
    SELECT account_id, alias_of, ARRAY[account_id] FROM account
    WHERE owner = :customer_id AND kind = 'member' AND wallet = 'points'
    UNION ALL
    SELECT n.account_id, n.alias_of, c.path || n.account_id FROM chain c JOIN account n ON n.account_id = c.alias_of
    WHERE n.account_id <> ALL (c.path))
"""
_FIND = text(f"""
{_SURVIVOR}
SELECT {_COLUMNS} FROM chain c JOIN account a USING (account_id) {_SUMS} ORDER BY cardinality(c.path) DESC LIMIT 1
""")  # noqa: S608
_ENTRIES = text("""
WITH RECURSIVE lives(account_id) AS (
    SELECT CAST(:account_id AS int8)
    UNION SELECT a.account_id FROM lives l JOIN account a ON a.alias_of = l.account_id)
SELECT t.txn_id, t.entry_id, t.kind, t.points, t.occurred_at, t.created_at, t.order_id, t.cause,
       w.rule_version, t.actor, t.reason
FROM lives l JOIN txn t USING (account_id)
LEFT JOIN award w ON t.kind IN ('earn', 'clawback') AND w.order_id = t.order_id AND w.merchant_no = t.merchant_no
WHERE CAST(:before AS int8) IS NULL OR t.txn_id < :before
ORDER BY t.txn_id DESC LIMIT :limit
""")
_LOTS = text("""
SELECT lot_id, grant_id, order_id, granted, remaining, reserved, available_at, expires_at FROM lot
WHERE account_id = :account_id AND remaining > 0 AND (CAST(:after AS int8) IS NULL OR lot_id > :after)
ORDER BY lot_id LIMIT :limit
""")
_STANDING = text("""
SELECT owner, step, step_since, spend, spend_as_of, spend_oldest, review_at FROM account WHERE account_id = :account_id
""")
_YEAR = text("""
SELECT order_id, placed_at, counted FROM order_state
WHERE account_id = :account_id AND counted > 0 AND placed_at > :since
""")


class PostgresMembers:
    """Reads about the members of the transaction's merchant (row-level security sees to that)."""

    async def page(
        self, transaction: Transaction, *, step: int | None, after: Ranking | None, limit: int, at: datetime
    ) -> Sequence[MemberView]:
        values = {
            "step": step,
            "points": after.points if after else None,
            "after": after.account_id if after else None,
            "limit": limit,
            "at": at,
        }
        return [_member(row) for row in await transaction.connection.execute(_PAGE, values)]

    async def find(self, transaction: Transaction, customer_id: UUID, at: datetime) -> MemberView | None:
        rows = await transaction.connection.execute(_FIND, {"customer_id": customer_id, "at": at})
        row = rows.one_or_none()
        return _member(row) if row else None

    async def entries(
        self, transaction: Transaction, account_id: int, *, before: int | None, limit: int
    ) -> Sequence[EntryView]:
        values = {"account_id": account_id, "before": before, "limit": limit}
        return [EntryView(*row) for row in await transaction.connection.execute(_ENTRIES, values)]

    async def lots(
        self, transaction: Transaction, account_id: int, *, after: int | None, limit: int
    ) -> Sequence[LotView]:
        values = {"account_id": account_id, "after": after, "limit": limit}
        return [LotView(*row) for row in await transaction.connection.execute(_LOTS, values)]

    async def year(self, transaction: Transaction, account_id: int) -> YearView:
        row = (await transaction.connection.execute(_STANDING, {"account_id": account_id})).one()
        standing = Standing(*row[1:])
        since = standing.as_of - YEAR if standing.as_of else None
        if since is not None:
            shares = await transaction.connection.execute(_YEAR, {"account_id": account_id, "since": since})
            standing.shares = {order_id: Share(placed_at, counted) for order_id, placed_at, counted in shares}
        return YearView(row[0], standing)


def _member(row: Any) -> MemberView:  # the driver's row, in the order of _COLUMNS
    account_id, customer_id, enrolled_at, posted, usable, pending, held, debt, step, since, spend = row
    balance = Balance(usable=usable, pending=pending, held=held, debt=debt)
    return MemberView(account_id, customer_id, enrolled_at, posted, balance, step, since, spend)
