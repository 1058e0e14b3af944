"""Lots, holds and the shares of the rolling year: the rows below an account, read after it is locked."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.writes import Writes
from services.loyalty.adapters.columns import columns
from services.loyalty.adapters.errors import all_of
from services.loyalty.application.needs import ALWAYS, FOR_EVER, Scope
from services.loyalty.application.workspace import Member, Workspace
from services.loyalty.domain.accounts import Hold, HoldState, Lot
from services.loyalty.domain.tiers import YEAR, Share

_LOTS = text("""
SELECT l.* FROM unnest(CAST(:merchants AS int4[]), CAST(:accounts AS int8[]), CAST(:since AS timestamptz[]))
    k(merchant_no, account_id, since)
CROSS JOIN LATERAL (
    SELECT lot_id, grant_id, account_id, order_id, origin_lot, granted, remaining, reserved, available_at, expires_at,
           activated
    FROM lot WHERE merchant_no = k.merchant_no AND account_id = k.account_id AND remaining > 0
        AND available_at > k.since OFFSET 0) l
""")
_HOLDS = text("""
SELECT h.*, p.lots, p.amounts
FROM unnest(CAST(:merchants AS int4[]), CAST(:accounts AS int8[])) k(merchant_no, account_id)
CROSS JOIN LATERAL (
    SELECT hold_id, account_id, amount, expires_at, state, captured FROM hold
    WHERE merchant_no = k.merchant_no AND account_id = k.account_id AND state = 'open' OFFSET 0) h
CROSS JOIN LATERAL (
    SELECT array_agg(lot_id) AS lots, array_agg(amount) AS amounts FROM hold_lot
    WHERE merchant_no = k.merchant_no AND hold_id = h.hold_id OFFSET 0) p
""")
_SHARES = text("""
SELECT k.account_id, o.order_id, o.placed_at, o.counted
FROM unnest(CAST(:merchants AS int4[]), CAST(:accounts AS int8[]), CAST(:since AS timestamptz[]),
            CAST(:until AS timestamptz[])) k(merchant_no, account_id, since, until)
CROSS JOIN LATERAL (
    SELECT order_id, placed_at, counted FROM order_state WHERE merchant_no = k.merchant_no
        AND account_id = k.account_id AND placed_at > k.since AND placed_at <= k.until AND counted > 0 OFFSET 0) o
""")
_UPDATE_LOTS = text("""
UPDATE lot l SET remaining = k.remaining, reserved = k.reserved, activated = k.activated
FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS int8[]), CAST(:remaining AS int8[]), CAST(:reserved AS int8[]),
    CAST(:activated AS bool[]), CAST(:was_remaining AS int8[]), CAST(:was_reserved AS int8[]))
    k(merchant_no, lot_id, remaining, reserved, activated, was_remaining, was_reserved)
WHERE l.merchant_no = k.merchant_no AND l.lot_id = k.lot_id AND l.remaining = k.was_remaining
    AND l.reserved = k.was_reserved
""")
_INSERT_HOLDS = text("""
INSERT INTO hold (merchant_no, hold_id, account_id, amount, state, captured, expires_at)
SELECT * FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[]), CAST(:accounts AS int8[]),
    CAST(:amounts AS int8[]), CAST(:states AS text[]), CAST(:captured AS int8[]), CAST(:expires_at AS timestamptz[]))
""")
_UPDATE_HOLDS = text("""
UPDATE hold h SET account_id = k.account_id, state = k.state, captured = k.captured
FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[]), CAST(:accounts AS int8[]), CAST(:states AS text[]),
    CAST(:captured AS int8[]), CAST(:was AS int8[])) k(merchant_no, hold_id, account_id, state, captured, was)
WHERE h.merchant_no = k.merchant_no AND h.hold_id = k.hold_id AND h.account_id = k.was
""")
_CLEAR_PARTS = text("""
DELETE FROM hold_lot p USING unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[])) k(merchant_no, hold_id)
WHERE p.merchant_no = k.merchant_no AND p.hold_id = k.hold_id
""")
_INSERT_PARTS = text("""
INSERT INTO hold_lot (merchant_no, hold_id, lot_id, amount)
SELECT * FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[]), CAST(:lots AS int8[]), CAST(:amounts AS int8[]))
""")


async def load(connection: AsyncConnection, workspace: Workspace, scopes: Mapping[int, Scope]) -> None:
    """Each member's book and year hold what its scope asks for."""
    members = {account_id: workspace.members[account_id] for account_id in sorted(scopes)}
    await _load_lots(connection, members, scopes)
    await _load_holds(connection, members, scopes)
    await _load_shares(connection, members, scopes)


def store(writes: Writes, workspace: Workspace) -> None:
    """Lots that were loaded are stored as the workspace has them, with the writes."""
    lots = [
        (book.account.merchant_no, lot.lot_id, lot.remaining, lot.reserved, lot.activated, lot.loaded[0], lot.loaded[1])
        for book in workspace.books()
        for lot in book.lots.values()
        if lot.loaded is not None and lot.changed
    ]
    if lots:
        names = "merchants ids remaining reserved activated was_remaining was_reserved"
        writes.add(_UPDATE_LOTS, columns(names, sorted(lots)), all_of(len(lots), "lots"))


async def _load_lots(connection: AsyncConnection, members: Mapping[int, Member], scopes: Mapping[int, Scope]) -> None:
    keys = [
        (member.account.merchant_no, account_id, ALWAYS if scopes[account_id].whole else scopes[account_id].since)
        for account_id, member in members.items()
        if scopes[account_id].lots
    ]
    if not keys:
        return
    for account_id, scope in scopes.items():
        members[account_id].book.whole = scope.whole
    for row in await connection.execute(_LOTS, columns("merchants accounts since", keys)):
        lot = Lot(*row)
        lot.loaded = (lot.remaining, lot.reserved, lot.activated)
        members[lot.account_id].book.lots[lot.lot_id] = lot


async def _load_holds(connection: AsyncConnection, members: Mapping[int, Member], scopes: Mapping[int, Scope]) -> None:
    keys = [
        (member.account.merchant_no, account_id)
        for account_id, member in members.items()
        if scopes[account_id].whole and member.account.held
    ]
    if not keys:
        return
    for row in await connection.execute(_HOLDS, columns("merchants accounts", keys)):
        hold_id, account_id, amount, expires_at, state, captured, lots, amounts = row
        parts = dict(zip(lots, amounts, strict=True))
        state = HoldState(state)
        hold = Hold(hold_id, account_id, amount, expires_at, state, captured, parts, loaded=(state, account_id))
        members[account_id].book.holds[hold_id] = hold


async def _load_shares(connection: AsyncConnection, members: Mapping[int, Member], scopes: Mapping[int, Scope]) -> None:
    keys = [key for account_id, member in members.items() if (key := _year_of(member, scopes[account_id]))]
    if not keys:
        return
    for account_id, order_id, placed_at, counted in await connection.execute(
        _SHARES, columns("merchants accounts since until", keys)
    ):
        members[account_id].standing.shares[order_id] = Share(placed_at, counted)


def _year_of(member: Member, scope: Scope) -> tuple[Any, ...] | None:
    """The orders that may leave the year within the scope, or all of it; None where there are none."""
    standing, account = member.standing, member.account
    if standing.oldest is None or standing.as_of is None:
        return None
    since = standing.as_of - YEAR
    if scope.year:
        return account.merchant_no, account.account_id, since, FOR_EVER
    edge = scope.until - YEAR
    return (account.merchant_no, account.account_id, since, edge) if standing.oldest <= edge else None


async def store_holds(connection: AsyncConnection, workspace: Workspace, stored_as: Mapping[int, int]) -> None:
    """Holds stand as the workspace has them; `stored_as` are the numbers of lots granted in it.

    Raises: ChangedMeanwhile.
    """
    merchants = {book.account.account_id: book.account.merchant_no for book in workspace.books()}
    holds = sorted(
        (hold for book in workspace.books() for hold in book.holds.values() if hold.loaded is None or hold.changed),
        key=lambda hold: (merchants[hold.account_id], hold.hold_id),
    )
    fresh = [hold for hold in holds if hold.loaded is None]
    moved = [hold for hold in holds if hold.loaded is not None and hold.loaded[1] != hold.account_id]
    await _insert_holds(connection, merchants, fresh)
    await _update_holds(connection, merchants, holds)
    await _write_parts(connection, merchants, stored_as, moved=moved, fresh=fresh)


async def _insert_holds(connection: AsyncConnection, merchants: Mapping[int, int], holds: list[Hold]) -> None:
    rows = [
        (merchants[h.account_id], h.hold_id, h.account_id, h.amount, h.state.value, h.captured, h.expires_at)
        for h in holds
    ]
    if rows:
        names = "merchants ids accounts amounts states captured expires_at"
        await connection.execute(_INSERT_HOLDS, columns(names, rows))


async def _update_holds(connection: AsyncConnection, merchants: Mapping[int, int], holds: list[Hold]) -> None:
    rows = [
        (merchants[h.account_id], h.hold_id, h.account_id, h.state.value, h.captured, h.loaded[1])
        for h in holds
        if h.loaded is not None
    ]
    if not rows:
        return
    done = await connection.execute(_UPDATE_HOLDS, columns("merchants ids accounts states captured was", rows))
    all_of(len(rows), "holds")(done.rowcount)


async def _write_parts(
    connection: AsyncConnection,
    merchants: Mapping[int, int],
    stored_as: Mapping[int, int],
    *,
    moved: list[Hold],
    fresh: list[Hold],
) -> None:
    if moved:
        keys: list[tuple[int, UUID]] = [(merchants[hold.account_id], hold.hold_id) for hold in moved]
        await connection.execute(_CLEAR_PARTS, columns("merchants ids", keys))
    rows = sorted(
        (merchants[hold.account_id], hold.hold_id, stored_as.get(lot_id, lot_id), points)
        for hold in (*moved, *fresh)
        for lot_id, points in hold.parts.items()
    )
    if rows:
        await connection.execute(_INSERT_PARTS, columns("merchants ids lots amounts", rows))
