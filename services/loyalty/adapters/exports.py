"""All that loyalty keeps about a customer, under every id that was merged with theirs.

Not in it: notes of the timers, which follow from lots and tiers, and the audit log, which is about those who wrote.
"""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text

from libs.servicekit.data_export import Kept, rows_of
from libs.servicekit.unit_of_work import UnitOfWork

# Whose alias an account is, is asked behind OFFSET 0: else the index of aliases would be walked through for it.
_FAMILY = text("""
WITH RECURSIVE family(account_id) AS (
    SELECT account_id FROM account WHERE owner = :customer_id AND kind = 'member' AND merchant_no = :merchant_no
    UNION
    SELECT n.account_id FROM family f CROSS JOIN LATERAL (
        SELECT alias_of AS account_id FROM account
        WHERE account_id = f.account_id AND merchant_no = :merchant_no
        UNION ALL
        SELECT account_id FROM account WHERE alias_of = f.account_id AND merchant_no = :merchant_no
        OFFSET 0) n WHERE n.account_id IS NOT NULL)
SELECT account_id FROM family ORDER BY account_id
""")
_ACCOUNTS = text("""
SELECT a.owner AS customer_id, s.owner AS merged_into, a.wallet, a.posted AS points, a.held, a.debt, a.max_debt,
       a.next_expiry AS next_expiry_at, a.identity_version, a.enrolled_at, a.erased_at
FROM account a LEFT JOIN account s ON s.account_id = a.alias_of AND s.merchant_no = a.merchant_no
WHERE a.account_id = ANY (CAST(:accounts AS int8[])) AND a.merchant_no = :merchant_no ORDER BY a.account_id
""")
# The name is that of the programme under which the tier was judged last.
_TIERS = text("""
SELECT a.owner AS customer_id, a.step, v.name AS tier, a.step_since AS since, a.spend AS spend_of_year_minor,
       a.spend_as_of, a.spend_oldest AS oldest_order_at, a.review_at AS next_review_at
FROM account a LEFT JOIN LATERAL (
    SELECT v.rules -> 'tiers' -> (a.step - 1) ->> 'name' AS name FROM programme_version v
    WHERE v.merchant_no = a.merchant_no AND v.state = 'published' AND v.effective_at <= a.spend_as_of AND a.step > 0
    ORDER BY v.version DESC LIMIT 1) v ON true
WHERE a.account_id = ANY (CAST(:accounts AS int8[])) AND a.merchant_no = :merchant_no
    AND (a.step > 0 OR a.spend_as_of IS NOT NULL) ORDER BY a.account_id
""")
# From here on the accounts are given one by one: each is probed for, whatever the statistics say.
_EACH = """unnest(CAST(:accounts AS int8[])) k(account_id) CROSS JOIN LATERAL (
    SELECT owner FROM account WHERE account_id = k.account_id AND merchant_no = :merchant_no OFFSET 0) a"""
_ENTRIES = text(f"""
SELECT a.owner AS customer_id, t.* FROM {_EACH} CROSS JOIN LATERAL (
    SELECT entry_id, kind, points, order_id, reverses, cause AS cause_fact_id, actor, reason, occurred_at,
           created_at AS recorded_at
    FROM txn WHERE account_id = k.account_id AND merchant_no = :merchant_no ORDER BY txn_id OFFSET 0) t
""")  # noqa: S608  # a constant of this module
# The merchant's own accounts stand on the other side of most movements, other customers on that of a few.
_MOVEMENTS = text(f"""
SELECT t.entry_id, r.line, r.amount AS points, d.name AS taken_from, c.name AS given_to
FROM {_EACH} CROSS JOIN LATERAL (
    SELECT entry_id, txn_id FROM txn WHERE account_id = k.account_id AND merchant_no = :merchant_no
    ORDER BY txn_id OFFSET 0) t
CROSS JOIN LATERAL (
    SELECT line, debit, credit, amount FROM transfer WHERE txn_id = t.txn_id AND merchant_no = :merchant_no
    ORDER BY line OFFSET 0) r
CROSS JOIN LATERAL (
    SELECT CASE WHEN kind = 'member' THEN CAST(owner AS text) ELSE kind END AS name FROM account
    WHERE account_id = r.debit AND merchant_no = :merchant_no OFFSET 0) d
CROSS JOIN LATERAL (
    SELECT CASE WHEN kind = 'member' THEN CAST(owner AS text) ELSE kind END AS name FROM account
    WHERE account_id = r.credit AND merchant_no = :merchant_no OFFSET 0) c
""")  # noqa: S608
_LOTS = text(f"""
SELECT a.owner AS customer_id, l.* FROM {_EACH} CROSS JOIN LATERAL (
    SELECT grant_id, order_id, granted, remaining, reserved, available_at, expires_at FROM (
        SELECT * FROM lot WHERE account_id = k.account_id AND merchant_no = :merchant_no AND remaining > 0
        UNION ALL
        SELECT * FROM lot WHERE account_id = k.account_id AND merchant_no = :merchant_no AND remaining = 0) b
    ORDER BY lot_id OFFSET 0) l
""")  # noqa: S608
_LOT_CHANGES = text(f"""
SELECT t.entry_id, l.grant_id, m.delta AS points FROM {_EACH} CROSS JOIN LATERAL (
    SELECT entry_id, txn_id FROM txn WHERE account_id = k.account_id AND merchant_no = :merchant_no
    ORDER BY txn_id OFFSET 0) t
CROSS JOIN LATERAL (
    SELECT lot_id, delta FROM lot_move WHERE txn_id = t.txn_id AND merchant_no = :merchant_no
    ORDER BY lot_id OFFSET 0) m
CROSS JOIN LATERAL (SELECT grant_id FROM lot WHERE lot_id = m.lot_id AND merchant_no = :merchant_no OFFSET 0) l
""")  # noqa: S608
_BOTH_HOLDS = """SELECT * FROM hold WHERE account_id = k.account_id AND merchant_no = :merchant_no AND state = 'open'
        UNION ALL
        SELECT * FROM hold WHERE account_id = k.account_id AND merchant_no = :merchant_no AND state <> 'open'"""
_HOLDS = text(f"""
SELECT a.owner AS customer_id, h.* FROM {_EACH} CROSS JOIN LATERAL (
    SELECT hold_id, amount AS points, state, captured, expires_at FROM ({_BOTH_HOLDS}) b ORDER BY hold_id OFFSET 0) h
""")  # noqa: S608
_HELD_LOTS = text(f"""
SELECT h.hold_id, l.grant_id, p.amount AS points FROM {_EACH} CROSS JOIN LATERAL (
    SELECT hold_id FROM ({_BOTH_HOLDS}) b ORDER BY hold_id OFFSET 0) h
CROSS JOIN LATERAL (
    SELECT lot_id, amount FROM hold_lot WHERE hold_id = h.hold_id AND merchant_no = :merchant_no
    ORDER BY lot_id OFFSET 0) p
CROSS JOIN LATERAL (SELECT grant_id FROM lot WHERE lot_id = p.lot_id AND merchant_no = :merchant_no OFFSET 0) l
""")  # noqa: S608
_ORDERS = text(f"""
SELECT a.owner AS customer_id, o.* FROM {_EACH} CROSS JOIN LATERAL (
    SELECT order_id, version, placed_at, currency, eligible AS goods_minor, refunded AS refunded_minor,
           counted AS counted_for_tier_minor, window_ends_at AS return_window_ends_at, fx_to, fx_rate, gift_lines,
           line_refunds, paid_at, cancelled_at, deleted_at
    FROM order_state WHERE account_id = k.account_id AND merchant_no = :merchant_no
    ORDER BY placed_at, order_id OFFSET 0) o
""")  # noqa: S608
_AWARDS = text(f"""
SELECT w.order_id, w.line, w.rule_version, w.eligible AS goods_minor, w.refunded AS refunded_minor,
       w.earned AS points_earned, w.reversed AS points_reversed, t.terms
FROM {_EACH} CROSS JOIN LATERAL (
    SELECT order_id FROM order_state WHERE account_id = k.account_id AND merchant_no = :merchant_no
    ORDER BY placed_at, order_id OFFSET 0) o
CROSS JOIN LATERAL (
    SELECT * FROM award WHERE order_id = o.order_id AND merchant_no = :merchant_no
    ORDER BY programme_no, line, rule_no OFFSET 0) w
CROSS JOIN LATERAL (
    SELECT CAST(content AS jsonb) AS terms FROM terms
    WHERE terms_id = w.terms_id AND merchant_no = :merchant_no OFFSET 0) t
""")  # noqa: S608
_THINGS: Final[dict[str, TextClause]] = {
    "accounts": _ACCOUNTS,
    "tiers": _TIERS,
    "entries": _ENTRIES,
    "movements": _MOVEMENTS,
    "lots": _LOTS,
    "lot_changes": _LOT_CHANGES,
    "holds": _HOLDS,
    "held_lots": _HELD_LOTS,
    "orders": _ORDERS,
    "awards": _AWARDS,
}


async def gather(snapshot: UnitOfWork, merchant_no: int, customer_id: UUID) -> Kept:
    """What is kept, by the names of its things; nothing about a customer never heard of."""
    keys: dict[str, Any] = {"merchant_no": merchant_no}
    family = await snapshot.connection.scalars(_FAMILY, {**keys, "customer_id": customer_id})
    accounts = list(family)
    return await rows_of(snapshot, _THINGS, {**keys, "accounts": accounts}) if accounts else {}
