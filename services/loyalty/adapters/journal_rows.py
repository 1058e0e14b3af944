"""What a transaction wrote into the ledger, appended and never changed."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.writes import Writes
from services.loyalty.adapters.columns import columns
from services.loyalty.application.workspace import Done, Workspace
from services.loyalty.domain.entries import Entry, Journal

_PROBE = text("""
SELECT t.entry_id, t.request_hash
FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[])) k(merchant_no, entry_id)
CROSS JOIN LATERAL (SELECT entry_id, request_hash FROM txn
                    WHERE merchant_no = k.merchant_no AND entry_id = k.entry_id OFFSET 0) t
""")
_NUMBERS = text("SELECT nextval('ledger_no') FROM generate_series(1, CAST(:n AS int4))")
_INSERT_TXNS = text("""
INSERT INTO txn (txn_id, merchant_no, entry_id, kind, account_id, points, order_id, reverses, cause, actor, reason,
    request_hash, occurred_at)
SELECT * FROM unnest(CAST(:ids AS int8[]), CAST(:merchants AS int4[]), CAST(:entries AS uuid[]), CAST(:kinds AS text[]),
    CAST(:accounts AS int8[]), CAST(:points AS int8[]), CAST(:orders AS uuid[]), CAST(:reverses AS uuid[]),
    CAST(:causes AS uuid[]), CAST(:actors AS text[]), CAST(:reasons AS text[]), CAST(:hashes AS bytea[]),
    CAST(:occurred AS timestamptz[]))
""")
_INSERT_TRANSFERS = text("""
INSERT INTO transfer (merchant_no, txn_id, line, debit, credit, amount)
SELECT * FROM unnest(CAST(:merchants AS int4[]), CAST(:txns AS int8[]), CAST(:lines AS int2[]), CAST(:debits AS int8[]),
    CAST(:credits AS int8[]), CAST(:amounts AS int8[]))
""")
_INSERT_LOTS = text("""
INSERT INTO lot (lot_id, merchant_no, grant_id, account_id, earn_txn, origin_lot, order_id, granted, remaining,
    reserved, available_at, expires_at, activated)
SELECT * FROM unnest(CAST(:ids AS int8[]), CAST(:merchants AS int4[]), CAST(:grants AS uuid[]),
    CAST(:accounts AS int8[]), CAST(:txns AS int8[]), CAST(:origins AS int8[]), CAST(:orders AS uuid[]),
    CAST(:granted AS int8[]), CAST(:remaining AS int8[]), CAST(:reserved AS int8[]),
    CAST(:available_at AS timestamptz[]), CAST(:expires_at AS timestamptz[]), CAST(:activated AS bool[]))
""")
_INSERT_MOVES = text("""
INSERT INTO lot_move (merchant_no, txn_id, lot_id, delta)
SELECT * FROM unnest(CAST(:merchants AS int4[]), CAST(:txns AS int8[]), CAST(:lots AS int8[]), CAST(:deltas AS int8[]))
""")
# Entries stay under the account that they were written for, so those of absorbed accounts are looked for as well.
# Only people write reasons of their own: the others are this service's fixed words.
_FORGET_WORDS = text("""
WITH RECURSIVE lives(merchant_no, account_id) AS (
    SELECT * FROM unnest(CAST(:merchants AS int4[]), CAST(:accounts AS int8[]))
    UNION
    SELECT l.merchant_no, a.account_id FROM lives l CROSS JOIN LATERAL (
        SELECT account_id FROM account WHERE alias_of = l.account_id AND merchant_no = l.merchant_no OFFSET 0) a)
UPDATE txn SET reason = NULL WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM lives l CROSS JOIN LATERAL (
        SELECT ctid FROM txn WHERE account_id = l.account_id AND merchant_no = l.merchant_no AND kind = 'adjust'
            AND reason IS NOT NULL OFFSET 0) t))
""")


async def probe(connection: AsyncConnection, workspace: Workspace, keys: Collection[tuple[int, UUID]]) -> None:
    """Entries that stand under these ids are in the workspace; call it under the accounts' locks."""
    if not keys:
        return
    for entry_id, request_hash in await connection.execute(_PROBE, columns("merchants ids", sorted(keys))):
        workspace.done[entry_id] = Done(entry_id, bytes(request_hash) if request_hash is not None else None)


async def store(connection: AsyncConnection, writes: Writes, journal: Journal) -> dict[int, int]:
    """Entries, transfers, lots and moves are appended with the writes; returns the numbers that the new lots got.

    Numbers grow within an account, since they are taken under its lock: the spending order relies on it.
    """
    if not journal.entries:
        return {}
    numbers = await connection.execute(_NUMBERS, {"n": len(journal.entries) + len(journal.lots)})
    fresh = list(numbers.scalars())
    txns = dict(zip(map(id, journal.entries), fresh, strict=False))
    lots = dict(zip((lot.lot_id for lot in journal.lots), fresh[len(journal.entries) :], strict=True))
    _insert_txns(writes, journal, txns)
    _insert_transfers(writes, journal, txns)
    _insert_lots(writes, journal, txns, lots)
    _insert_moves(writes, journal, txns, lots)
    return lots


async def forget_words(connection: AsyncConnection, accounts: Collection[tuple[int, int]]) -> None:
    """What people wrote about these members (merchant_no, account_id), and about whom they absorbed, is gone.

    Call it after the accounts were stored: a merge of this transaction counts.
    """
    if accounts:
        await connection.execute(_FORGET_WORDS, columns("merchants accounts", sorted(accounts)))


def _insert_txns(writes: Writes, journal: Journal, txns: dict[int, int]) -> None:
    names = "ids merchants entries kinds accounts points orders reverses causes actors reasons hashes occurred"
    writes.add(_INSERT_TXNS, columns(names, (_txn(entry, txns[id(entry)]) for entry in journal.entries)))


def _txn(entry: Entry, txn_id: int) -> tuple[object, ...]:
    header = entry.header
    return (
        txn_id,
        entry.merchant_no,
        entry.entry_id,
        entry.kind.value,
        entry.account_id,
        entry.points,
        header.order_id,
        header.reverses,
        header.cause,
        header.actor,
        header.reason,
        header.fingerprint,
        header.at,
    )


def _insert_transfers(writes: Writes, journal: Journal, txns: dict[int, int]) -> None:
    rows = [
        (entry.merchant_no, txns[id(entry)], line, int(each.debit), int(each.credit), each.amount)
        for entry in journal.entries
        for line, each in enumerate(entry.transfers)
    ]
    if rows:
        writes.add(_INSERT_TRANSFERS, columns("merchants txns lines debits credits amounts", rows))


def _insert_lots(writes: Writes, journal: Journal, txns: dict[int, int], lots: dict[int, int]) -> None:
    rows = [
        (
            lots[lot.lot_id],
            entry.merchant_no,
            lot.grant_id,
            lot.account_id,
            txns[id(entry)],
            lots.get(lot.origin_lot, lot.origin_lot) if lot.origin_lot is not None else None,
            lot.order_id,
            lot.granted,
            lot.remaining,
            lot.reserved,
            lot.available_at,
            lot.expires_at,
            lot.activated,
        )
        for entry in journal.entries
        for lot in entry.granted
    ]
    if rows:
        names = """ids merchants grants accounts txns origins orders granted remaining reserved available_at expires_at
            activated"""
        writes.add(_INSERT_LOTS, columns(names, rows))


def _insert_moves(writes: Writes, journal: Journal, txns: dict[int, int], lots: dict[int, int]) -> None:
    rows = [
        (entry.merchant_no, txns[id(entry)], lots.get(lot_id, lot_id), delta)
        for entry in journal.entries
        for lot_id, delta in entry.moves.items()
    ]
    if rows:
        writes.add(_INSERT_MOVES, columns("merchants txns lots deltas", rows))
