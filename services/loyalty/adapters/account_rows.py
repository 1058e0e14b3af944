"""Members' account rows: found, added where missing, locked in one order."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.writes import Writes
from services.loyalty.adapters.columns import columns
from services.loyalty.adapters.errors import all_of
from services.loyalty.application.workspace import Member, MemberKey, OrderKey, Workspace
from services.loyalty.domain.accounts import Account
from services.loyalty.domain.book import Book
from services.loyalty.domain.tiers import Standing

_FIND = text("""
SELECT k.merchant_no, k.owner, a.account_id
FROM unnest(CAST(:merchants AS int4[]), CAST(:owners AS uuid[])) k(merchant_no, owner)
CROSS JOIN LATERAL (SELECT account_id FROM account WHERE merchant_no = k.merchant_no AND owner = k.owner
                    AND kind = 'member' AND wallet = 'points' OFFSET 0) a
UNION ALL
SELECT k.merchant_no, NULL, o.account_id
FROM unnest(CAST(:order_merchants AS int4[]), CAST(:orders AS uuid[])) k(merchant_no, order_id)
CROSS JOIN LATERAL (SELECT account_id FROM order_state
                    WHERE merchant_no = k.merchant_no AND order_id = k.order_id OFFSET 0) o
""")
# Sorted input: two transactions that add the same members meet them in the same order.
_ADD = text("""
INSERT INTO account (merchant_no, kind, owner)
SELECT merchant_no, 'member', owner
FROM unnest(CAST(:merchants AS int4[]), CAST(:owners AS uuid[])) WITH ORDINALITY k(merchant_no, owner, n) ORDER BY n
ON CONFLICT DO NOTHING RETURNING merchant_no, owner, account_id
""")
# The probe runs once per element, in the order of the arrays, and locks what it finds: one lock order for everybody.
_LOCK = text("""
SELECT a.* FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS int8[])) k(merchant_no, account_id)
CROSS JOIN LATERAL (
    SELECT merchant_no, account_id, owner, posted, held, debt, max_debt, next_expiry, alias_of, identity_version,
           enrolled_at, version, erased_at, step, step_since, spend, spend_as_of, spend_oldest, review_at
    FROM account WHERE merchant_no = k.merchant_no AND account_id = k.account_id OFFSET 0 FOR NO KEY UPDATE) a
""")
_UPDATE = text("""
UPDATE account a SET posted = k.posted, held = k.held, debt = k.debt, max_debt = k.max_debt,
    next_expiry = k.next_expiry, alias_of = k.alias_of, identity_version = k.identity_version,
    enrolled_at = k.enrolled_at, erased_at = k.erased_at, step = k.step, step_since = k.step_since, spend = k.spend,
    spend_as_of = k.spend_as_of, spend_oldest = k.spend_oldest, review_at = k.review_at, version = a.version + 1
FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS int8[]), CAST(:versions AS int8[]), CAST(:posted AS int8[]),
    CAST(:held AS int8[]), CAST(:debt AS int8[]), CAST(:max_debt AS int8[]), CAST(:next_expiry AS timestamptz[]),
    CAST(:alias_of AS int8[]), CAST(:identity_versions AS int8[]), CAST(:enrolled_at AS timestamptz[]),
    CAST(:erased_at AS timestamptz[]), CAST(:step AS int2[]), CAST(:step_since AS timestamptz[]),
    CAST(:spend AS int8[]), CAST(:spend_as_of AS timestamptz[]), CAST(:spend_oldest AS timestamptz[]),
    CAST(:review_at AS timestamptz[]))
    k(merchant_no, account_id, version, posted, held, debt, max_debt, next_expiry, alias_of, identity_version,
      enrolled_at, erased_at, step, step_since, spend, spend_as_of, spend_oldest, review_at)
WHERE a.merchant_no = k.merchant_no AND a.account_id = k.account_id AND a.version = k.version
""")
_UPDATED = """merchants ids versions posted held debt max_debt next_expiry alias_of identity_versions enrolled_at
    erased_at step step_since spend spend_as_of spend_oldest review_at"""

AccountKey = tuple[int, int]  # merchant_no, account_id


async def find_or_add(
    connection: AsyncConnection, owners: Collection[MemberKey], orders: Collection[OrderKey]
) -> tuple[dict[MemberKey, int], set[AccountKey]]:
    """The account of every owner, an empty one where there was none, and those that the known orders stand on now.

    Locks nothing that was there.
    """
    found, holders = await _find(connection, owners, orders)
    missing = sorted(set(owners) - set(found))
    if missing:
        added = await connection.execute(_ADD, columns("merchants owners", missing))
        found |= {(merchant_no, owner): account_id for merchant_no, owner, account_id in added}
        # Those that somebody else added meanwhile.
        found |= (await _find(connection, set(missing) - set(found), ()))[0]
    return found, holders


async def lock(connection: AsyncConnection, workspace: Workspace, wanted: Iterable[AccountKey]) -> None:
    """The accounts, and those that they are aliases of, are locked and in the workspace."""
    merchants = {merchant.merchant_no: merchant.merchant_id for merchant in workspace.merchants.values()}
    missing = sorted(key for key in set(wanted) if key[1] not in workspace.members)
    while missing:
        aliases: set[AccountKey] = set()
        for row in await connection.execute(_LOCK, columns("merchants ids", missing)):
            member = _member(tuple(row), workspace, merchants[row[0]])
            account = member.account
            workspace.members[account.account_id] = member
            workspace.accounts[account.merchant_no, account.customer_id] = account.account_id
            if account.alias_of is not None:
                aliases.add((account.merchant_no, account.alias_of))
        missing = sorted(key for key in aliases if key[1] not in workspace.members)


def store(writes: Writes, workspace: Workspace) -> None:
    """Every account that changed is stored with the writes."""
    touched = ((member, _row(member)) for member in workspace.members.values() if member.book.touched)
    rows = sorted((row for member, row in touched if row != member.loaded), key=lambda row: row[:2])
    if rows:
        writes.add(_UPDATE, columns(_UPDATED, rows), all_of(len(rows), "accounts"))


async def _find(
    connection: AsyncConnection, owners: Collection[MemberKey], orders: Collection[OrderKey]
) -> tuple[dict[MemberKey, int], set[AccountKey]]:
    found: dict[MemberKey, int] = {}
    holders: set[AccountKey] = set()
    if owners or orders:
        values = columns("merchants owners", sorted(owners)) | columns("order_merchants orders", sorted(orders))
        for merchant_no, owner, account_id in await connection.execute(_FIND, values):
            if owner is None:
                holders.add((merchant_no, account_id))
            else:
                found[merchant_no, owner] = account_id
    return found, holders


def _member(row: tuple[object, ...], workspace: Workspace, merchant_id: UUID) -> Member:
    account = Account(*row[:13])  # type: ignore[arg-type]  # the driver's row, in the order of the SELECT above
    standing = Standing(*row[13:])  # type: ignore[arg-type]
    book = Book(merchant_id, account, workspace.journal, whole=False)
    member = Member(book, standing, planned=standing.review_at)
    member.loaded = _row(member)
    return member


def _row(member: Member) -> tuple[object, ...]:
    account, standing = member.account, member.standing
    instants: tuple[datetime | None, ...] = (standing.as_of, standing.oldest, standing.review_at)
    return (
        account.merchant_no,
        account.account_id,
        account.version,
        account.posted,
        account.held,
        account.debt,
        account.max_debt,
        account.next_expiry,
        account.alias_of,
        account.identity_version,
        account.enrolled_at,
        account.erased_at,
        standing.step,
        standing.since,
        standing.spend,
        *instants,
    )
