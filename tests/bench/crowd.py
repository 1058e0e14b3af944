"""Customers whom nobody talks about: they fill loyalty's tables until they are a hundred times as large."""

from typing import Final

import asyncpg

_FILL: Final = (
    """
    INSERT INTO account (merchant_no, kind, owner, posted, max_debt, enrolled_at, spend, spend_as_of, spend_oldest)
    SELECT m.merchant_no, 'member', gen_random_uuid(), 200, 100000, now(), 20000, now(), now()
    FROM (SELECT merchant_no FROM merchant LIMIT 1) m, generate_series(1, $1::int4)
    """,
    """
    INSERT INTO order_state (merchant_no, order_id, account_id, version, placed_at, currency, eligible, counted,
        window_ends_at, paid_at, judged)
    SELECT merchant_no, gen_random_uuid(), account_id, 1, now(), 'USD', 2500, 2500, now(), now(), 1
    FROM account, generate_series(1, 8) WHERE kind = 'member'
    """,
    """
    INSERT INTO txn (txn_id, merchant_no, entry_id, kind, account_id, points, order_id, actor, occurred_at)
    SELECT nextval('ledger_no'), merchant_no, gen_random_uuid(), 'earn', account_id, 25, order_id, 'loyalty', now()
    FROM order_state
    """,
    """
    INSERT INTO transfer (merchant_no, txn_id, line, debit, credit, amount)
    SELECT merchant_no, txn_id, 1, 1, account_id, 25 FROM txn
    """,
    """
    INSERT INTO lot (lot_id, merchant_no, grant_id, account_id, earn_txn, order_id, granted, remaining, available_at,
        activated)
    SELECT nextval('ledger_no'), merchant_no, gen_random_uuid(), account_id, txn_id, order_id, 25, 25, now(), true
    FROM txn
    """,
    """
    INSERT INTO award (merchant_no, order_id, programme_no, rule_no, rule_version, terms_id, eligible, earned)
    SELECT merchant_no, order_id, 1, 1, 1, decode(md5('terms'), 'hex'), 2500, 25 FROM order_state
    """,
)


async def fill_with_members(url: str, members: int) -> None:
    """So many members with eight orders each stand in the tables. Needs a superuser's URL and a known merchant."""
    connection = await asyncpg.connect(url, server_settings={"synchronous_commit": "off"})
    try:
        for statement in _FILL:
            await connection.execute(statement, *([members] if "$1" in statement else []))
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def count_of(url: str, table: str) -> int:
    """How many rows the table has."""
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))
    finally:
        await connection.close()
