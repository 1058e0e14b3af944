"""The ledger's invariants as queries: each counts the rows that it checked and those that break it."""

from typing import Final, NamedTuple

from sqlalchemy import TextClause, text


class Invariant(NamedTuple):
    name: str
    meaning: str
    query: TextClause


_WORTH = """
CASE WHEN o.version IS NOT NULL AND o.paid_at IS NOT NULL AND o.cancelled_at IS NULL AND o.deleted_at IS NULL
     THEN div((o.eligible - o.refunded) * t.numerator, t.denominator) ELSE 0 END
"""


def _invariant(name: str, meaning: str, query: str) -> Invariant:
    return Invariant(name, meaning, text(query))


INVARIANTS: Final = (
    _invariant(
        "I1",
        "each transfer moves a positive amount between two accounts of one merchant and wallet; nothing is orphaned",
        """
        SELECT count(*), count(*) FILTER (WHERE t.amount <= 0 OR x.txn_id IS NULL OR d.account_id IS NULL
            OR c.account_id IS NULL OR d.wallet <> c.wallet)
            + (SELECT count(*) FROM lot_move m WHERE NOT EXISTS (SELECT 1 FROM lot l WHERE l.lot_id = m.lot_id
                AND l.merchant_no = m.merchant_no) OR NOT EXISTS (SELECT 1 FROM txn y WHERE y.txn_id = m.txn_id
                AND y.merchant_no = m.merchant_no))
            + (SELECT count(*) FROM lot l WHERE NOT EXISTS (SELECT 1 FROM txn y WHERE y.txn_id = l.earn_txn
                AND y.merchant_no = l.merchant_no))
        FROM transfer t LEFT JOIN txn x ON (x.txn_id, x.merchant_no) = (t.txn_id, t.merchant_no)
        LEFT JOIN account d ON (d.account_id, d.merchant_no) = (t.debit, t.merchant_no)
        LEFT JOIN account c ON (c.account_id, c.merchant_no) = (t.credit, t.merchant_no)
        """,
    ),
    _invariant(
        "I2",
        "a member's posted points are all credits less all debits",
        """
        WITH sums AS (SELECT merchant_no, account_id, sum(amount) AS points FROM (
            SELECT merchant_no, credit AS account_id, amount FROM transfer
            UNION ALL SELECT merchant_no, debit, -amount FROM transfer) both_sides GROUP BY 1, 2)
        SELECT count(*), count(*) FILTER (WHERE a.posted <> coalesce(s.points, 0))
        FROM account a LEFT JOIN sums s USING (merchant_no, account_id) WHERE a.kind = 'member'
        """,
    ),
    _invariant(
        "I3",
        "a member's posted points are what remains in all lots less the debt",
        """
        WITH sums AS (SELECT merchant_no, account_id, sum(remaining) AS points FROM lot GROUP BY 1, 2)
        SELECT count(*), count(*) FILTER (WHERE a.posted <> coalesce(s.points, 0) - a.debt)
        FROM account a LEFT JOIN sums s USING (merchant_no, account_id) WHERE a.kind = 'member'
        """,
    ),
    _invariant(
        "I4",
        "what remains in a lot is what was granted and all moves since",
        """
        WITH sums AS (SELECT merchant_no, lot_id, sum(delta) AS moved FROM lot_move GROUP BY 1, 2)
        SELECT count(*), count(*) FILTER (WHERE l.granted + coalesce(s.moved, 0) <> l.remaining)
        FROM lot l LEFT JOIN sums s USING (merchant_no, lot_id)
        """,
    ),
    _invariant(
        "I5",
        "an idempotency key stands for one entry",
        "SELECT count(*), count(*) - count(DISTINCT (merchant_no, entry_id)) FROM txn",
    ),
    _invariant(
        "I6",
        "held points are those of open holds, and those reserved in lots",
        """
        WITH holds AS (SELECT h.merchant_no, h.account_id, sum(p.amount) AS points FROM hold h
                JOIN hold_lot p USING (merchant_no, hold_id) WHERE h.state = 'open' GROUP BY 1, 2),
             lots AS (SELECT merchant_no, account_id, sum(reserved) AS points FROM lot GROUP BY 1, 2)
        SELECT count(*), count(*) FILTER (
            WHERE a.held <> coalesce(h.points, 0) OR a.held <> coalesce(l.points, 0))
        FROM account a LEFT JOIN holds h USING (merchant_no, account_id)
        LEFT JOIN lots l USING (merchant_no, account_id) WHERE a.kind = 'member'
        """,
    ),
    _invariant(
        "I7",
        "no lot holds unreserved points later than 26 hours after its end",
        """
        SELECT count(*), count(*) FILTER (
            WHERE remaining > reserved AND expires_at < CAST(:now AS timestamptz) - interval '26 hours')
        FROM lot WHERE expires_at IS NOT NULL
        """,
    ),
    _invariant(
        "I8",
        "all accounts together hold nothing: members' points are what the system accounts owe",
        """
        SELECT count(*), CAST(coalesce(sum(points), 0) <> 0 AS int) FROM (
            SELECT posted AS points FROM account WHERE kind = 'member'
            UNION ALL
            SELECT coalesce((SELECT sum(amount) FROM transfer t WHERE (t.credit, t.merchant_no)
                        = (a.account_id, a.merchant_no)), 0)
                 - coalesce((SELECT sum(amount) FROM transfer t WHERE (t.debit, t.merchant_no)
                        = (a.account_id, a.merchant_no)), 0)
            FROM account a WHERE a.kind <> 'member') world
        """,
    ),
    _invariant(
        "I9",
        "each award is worth what its order is worth, and its entries add up to it",
        f"""
        WITH entries AS (SELECT x.merchant_no, x.order_id,
                sum(t.amount) FILTER (WHERE t.debit = 1) AS earned,
                sum(t.amount) FILTER (WHERE t.credit = 1) AS reversed
            FROM txn x JOIN transfer t USING (merchant_no, txn_id)
            WHERE x.kind IN ('earn', 'clawback') GROUP BY 1, 2)
        SELECT count(*), count(*) FILTER (WHERE o.order_id IS NULL OR t.terms_id IS NULL
            OR w.earned - w.reversed <> {_WORTH}
            OR w.earned <> coalesce(e.earned, 0) OR w.reversed <> coalesce(e.reversed, 0))
        FROM award w LEFT JOIN order_state o USING (merchant_no, order_id)
        LEFT JOIN terms t USING (merchant_no, terms_id)
        LEFT JOIN entries e ON (e.merchant_no, e.order_id) = (w.merchant_no, w.order_id)
        """,  # noqa: S608  # a constant of this module
    ),
    _invariant(
        "I10",
        "transfers of a closed day are as they were when it was closed",
        """
        SELECT count(*), count(*) FILTER (
            WHERE d.transfers <> coalesce(n.transfers, 0) OR d.digest <> coalesce(n.digest, 0))
        FROM ledger_day d LEFT JOIN (
            SELECT t.merchant_no, CAST(x.created_at AT TIME ZONE 'UTC' AS date) AS day, count(*) AS transfers,
                   sum(CAST(hashtextextended(CAST(t AS text), 0) AS numeric)) AS digest
            FROM transfer t JOIN txn x USING (merchant_no, txn_id) GROUP BY 1, 2) n USING (merchant_no, day)
        """,
    ),
    _invariant(
        "I11",
        "every order that was paid 5 minutes ago or earlier has its award",
        """
        SELECT count(*), count(*) FILTER (WHERE w.order_id IS NULL AND o.placed_at >= v.since
            AND (o.currency = m.currency OR o.fx_to = m.currency))
        FROM order_state o JOIN merchant m USING (merchant_no)
        JOIN (SELECT merchant_no, min(effective_at) AS since FROM programme_version
              WHERE published_at < CAST(:now AS timestamptz) - interval '5 minutes' GROUP BY 1) v USING (merchant_no)
        LEFT JOIN award w USING (merchant_no, order_id)
        WHERE o.version IS NOT NULL AND o.paid_at < CAST(:now AS timestamptz) - interval '5 minutes'
        """,
    ),
    _invariant(
        "I12",
        "no debt stands beside unreserved points that are alive",
        """
        SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT 1 FROM lot l WHERE l.account_id = a.account_id
            AND l.merchant_no = a.merchant_no AND l.remaining > l.reserved
            AND (l.expires_at IS NULL OR l.expires_at > :now)))
        FROM account a WHERE a.kind = 'member' AND a.debt > 0
        """,
    ),
)
