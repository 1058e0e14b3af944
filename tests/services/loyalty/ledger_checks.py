"""The ledger's invariants over a world in memory: counted from entries and lots, not from what commands claim."""

from collections import Counter

from services.loyalty.application.workspace import Workspace
from services.loyalty.domain.accounts import FIRST_MEMBER, HoldState
from services.loyalty.domain.awards import target
from services.loyalty.domain.entries import EntryKind


def violations(workspace: Workspace) -> list[str]:
    """Names of the invariants that do not hold, with what breaks them."""
    return [
        *_transfers(workspace),
        *_lots(workspace),
        *_holds(workspace),
        *_keys(workspace),
        *_awards(workspace),
        *_debts(workspace),
    ]


def _transfers(workspace: Workspace) -> list[str]:
    sums: Counter[int] = Counter()
    found = []
    for entry in workspace.journal.entries:
        for transfer in entry.transfers:
            if transfer.amount <= 0 or transfer.debit == transfer.credit:
                found.append(f"I1 {entry.kind} {transfer}")
            sums[int(transfer.debit)] -= transfer.amount
            sums[int(transfer.credit)] += transfer.amount
    for account_id, member in workspace.members.items():
        if member.account.posted != sums[account_id]:
            found.append(f"I2 account {account_id}: posted {member.account.posted}, transfers {sums[account_id]}")
    members = sum(member.account.posted for member in workspace.members.values())
    system = sum(points for account_id, points in sums.items() if account_id < FIRST_MEMBER)
    return [*found, *([f"I8 {members} and {system}"] if members + system else [])]


def _lots(workspace: Workspace) -> list[str]:
    moves: Counter[int] = Counter()
    for entry in workspace.journal.entries:
        moves.update(entry.moves)
    found = []
    for lot in workspace.journal.lots:
        if not 0 <= lot.reserved <= lot.remaining <= lot.granted:
            found.append(f"bounds of {lot}")
        if lot.granted + moves[lot.lot_id] != lot.remaining:
            found.append(f"I4 lot {lot.lot_id}: granted {lot.granted}, moved {moves[lot.lot_id]}, has {lot.remaining}")
    for account_id, member in workspace.members.items():
        remaining = sum(lot.remaining for lot in workspace.journal.lots if lot.account_id == account_id)
        if member.account.posted != remaining - member.account.debt:
            found.append(f"I3 account {account_id}: {member.account}, lots hold {remaining}")
    return found


def _holds(workspace: Workspace) -> list[str]:
    found = []
    for account_id, member in workspace.members.items():
        reserved = sum(lot.reserved for lot in member.book.lots.values())
        parts = sum(sum(hold.parts.values()) for hold in member.book.holds.values() if hold.state is HoldState.OPEN)
        if not member.account.held == reserved == parts:
            found.append(f"I6 account {account_id}: held {member.account.held}, lots {reserved}, holds {parts}")
    return found


def _keys(workspace: Workspace) -> list[str]:
    keys = Counter(entry.entry_id for entry in workspace.journal.entries)
    return [f"I5 {entry_id} x {times}" for entry_id, times in keys.items() if times > 1]


def _awards(workspace: Workspace) -> list[str]:
    posted: Counter[object] = Counter()
    for entry in workspace.journal.entries:
        if entry.kind in (EntryKind.EARN, EntryKind.CLAWBACK):
            minted = sum(t.amount for t in entry.transfers if t.debit == 1)
            melted = sum(t.amount for t in entry.transfers if t.credit == 1)
            posted[entry.header.order_id] += minted - melted
    found = []
    for key, award in workspace.awards.items():
        net, wanted = award.earned - award.reversed, target(workspace.orders[key], award.terms)
        if not net == wanted == posted[award.order_id]:
            found.append(f"I9 {award}: worth {wanted}, posted {posted[award.order_id]}")
    return found


def _debts(workspace: Workspace) -> list[str]:
    return [
        f"I12 account {account_id} owes {member.account.debt}"
        for account_id, member in workspace.members.items()
        if member.account.debt and any(lot.free and not lot.dead(workspace.now) for lot in member.book.lots.values())
    ]
