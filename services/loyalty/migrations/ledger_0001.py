"""The tables of the ledger itself: entries, transfers, lots, holds."""

from collections.abc import Sequence

# No row foreign keys from here on: what an append-only row names was locked by the transaction that wrote it, and
# the ledger proof counts orphans. A foreign key would cost as much as everything else that an event does.
ENTRIES: Sequence[str] = (
    "CREATE SEQUENCE ledger_no",
    """
    CREATE TABLE txn (
        txn_id int8 NOT NULL,
        merchant_no int4 NOT NULL,
        entry_id uuid NOT NULL,                          -- hash of merchant and idempotency key
        kind text NOT NULL CHECK (kind IN ('earn', 'clawback', 'hold', 'capture', 'release', 'spend', 'return',
                                           'expire', 'adjust', 'merge', 'move')),
        account_id int8 NOT NULL,
        points int8 NOT NULL,                            -- net effect on the account
        order_id uuid,
        reverses uuid,
        cause uuid,
        actor text NOT NULL,
        reason text,
        request_hash bytea,
        occurred_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (txn_id, merchant_no),
        UNIQUE (entry_id, merchant_no)
    )
    """,
    "CREATE INDEX txn_of_account ON txn (account_id, txn_id)",
    "CREATE INDEX txn_by_day ON txn USING brin (created_at)",
    """
    CREATE TABLE transfer (
        merchant_no int4 NOT NULL,
        txn_id int8 NOT NULL,
        line int2 NOT NULL,
        debit int8 NOT NULL,
        credit int8 NOT NULL CHECK (credit <> debit),
        amount int8 NOT NULL CHECK (amount > 0),
        PRIMARY KEY (txn_id, line, merchant_no)
    )
    """,
    """
    CREATE TABLE lot (
        lot_id int8 NOT NULL,
        merchant_no int4 NOT NULL,
        grant_id uuid NOT NULL,
        account_id int8 NOT NULL,
        earn_txn int8 NOT NULL,
        origin_lot int8,
        order_id uuid,
        granted int8 NOT NULL CHECK (granted > 0),
        remaining int8 NOT NULL CHECK (remaining BETWEEN 0 AND granted),
        reserved int8 NOT NULL DEFAULT 0 CHECK (reserved BETWEEN 0 AND remaining),
        available_at timestamptz NOT NULL,
        expires_at timestamptz,
        activated boolean NOT NULL,
        PRIMARY KEY (lot_id, merchant_no)
    ) WITH (fillfactor = 90)
    """,
    "CREATE INDEX lot_live ON lot (account_id, available_at) WHERE remaining > 0",
    """
    CREATE TABLE lot_move (
        merchant_no int4 NOT NULL,
        txn_id int8 NOT NULL,
        lot_id int8 NOT NULL,
        delta int8 NOT NULL CHECK (delta <> 0),
        PRIMARY KEY (txn_id, lot_id, merchant_no)
    )
    """,
)

HOLDS: Sequence[str] = (
    """
    CREATE TABLE hold (
        merchant_no int4 NOT NULL,
        hold_id uuid NOT NULL,
        account_id int8 NOT NULL,
        amount int8 NOT NULL CHECK (amount > 0),
        state text NOT NULL CHECK (state IN ('open', 'captured', 'released', 'expired')),
        captured int8 NOT NULL DEFAULT 0 CHECK (captured BETWEEN 0 AND amount),
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (hold_id, merchant_no)
    )
    """,
    "CREATE INDEX hold_open ON hold (account_id) WHERE state = 'open'",
    """
    CREATE TABLE hold_lot (
        merchant_no int4 NOT NULL,
        hold_id uuid NOT NULL,
        lot_id int8 NOT NULL,
        amount int8 NOT NULL CHECK (amount > 0),
        PRIMARY KEY (hold_id, lot_id, merchant_no)
    )
    """,
)
