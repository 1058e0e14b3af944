"""Two customers turned out to be one: the absorbed one's account is an alias of the survivor's."""

from uuid import UUID

from services.loyalty.application.erase_member import forget
from services.loyalty.application.telling import Heard, tell_expired, tell_tiers, tell_transferred
from services.loyalty.application.workspace import Member, Workspace
from services.loyalty.domain.entries import Entry, Header
from services.loyalty.domain.merging import merge
from services.loyalty.domain.tiers import join


def merge_members(
    workspace: Workspace, heard: Heard, *, absorbed_id: UUID, survivor_id: UUID, identity_version: int
) -> None:
    """Points, holds, debt, orders and spend are the survivor's; an older or repeated merge changes nothing."""
    merchant_no = heard.merchant.merchant_no
    absorbed = workspace.members[workspace.accounts[merchant_no, absorbed_id]]
    survivor = workspace.member(merchant_no, survivor_id)
    if identity_version <= absorbed.account.identity_version or survivor is absorbed:
        return
    _forget_both(workspace, absorbed, survivor)
    if absorbed.account.alias_of is not None:
        _repoint(absorbed, survivor, identity_version)
        return
    header = Header(
        key=f"merge:{absorbed_id}:{identity_version}", at=heard.at, cause=heard.fact_id, reason="customers merged"
    )
    before = len(workspace.journal.entries)
    if heard.merchant.programme is not None:
        survivor.obey(heard.merchant.programme.governing(heard.at).rules)
    entry = merge(survivor.book, absorbed.book, header, identity_version=identity_version)
    _follow(workspace, absorbed, survivor)
    _tell(workspace, heard, absorbed, survivor, entry, before)


def _repoint(absorbed: Member, survivor: Member, identity_version: int) -> None:
    """An account at zero that is an alias already follows the newer word on whom it belongs to."""
    absorbed.account.alias_of = survivor.account.account_id
    absorbed.account.identity_version = identity_version
    absorbed.book.touched = True


def _forget_both(workspace: Workspace, absorbed: Member, survivor: Member) -> None:
    """They are one person: whoever of the two asked to be forgotten, it holds for all that they have together."""
    for at in (absorbed.account.erased_at, survivor.account.erased_at):
        if at is not None:
            forget(workspace, survivor, at)


def _follow(workspace: Workspace, absorbed: Member, survivor: Member) -> None:
    """Orders and membership go along; orders not in memory follow when the workspace is stored."""
    source, target = absorbed.account.account_id, survivor.account.account_id
    workspace.absorbed.append((absorbed.account.merchant_no, source, target))
    for order in workspace.orders.values():
        if order.account_id == source:
            order.account_id, order.touched = target, True
    enrolled = [at for at in (survivor.account.enrolled_at, absorbed.account.enrolled_at) if at is not None]
    survivor.account.enrolled_at = min(enrolled, default=None)


def _tell(workspace: Workspace, heard: Heard, absorbed: Member, survivor: Member, entry: Entry, before: int) -> None:
    programme = heard.merchant.programme
    if programme is None:
        return
    version = programme.governing(heard.at)
    written = workspace.journal.entries[before:]
    tell_expired(workspace, heard, absorbed.book, written)
    tell_expired(workspace, heard, survivor.book, written)
    points = sum(lot.granted for lot in entry.granted)
    if points:
        tell_transferred(workspace, heard, entry, giver=absorbed.book, taker=survivor.book, points=points)
    changes = join(survivor.standing, absorbed.standing, version.rules.tiers, heard.at)
    tell_tiers(workspace, heard, survivor, version, changes)
