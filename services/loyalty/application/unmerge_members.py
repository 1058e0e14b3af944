"""Two customers were not one after all: the restored one's account lives again, with what is left of its orders."""

from collections.abc import Sequence
from uuid import UUID

from services.loyalty.application.settle_order import settle, uncount
from services.loyalty.application.telling import Heard, tell_expired, tell_transferred
from services.loyalty.application.workspace import Member, Workspace
from services.loyalty.domain.entries import Header
from services.loyalty.domain.merging import move_orders, restore
from services.loyalty.domain.orders import Order


def unmerge_members(
    workspace: Workspace,
    heard: Heard,
    *,
    told_under: UUID,
    restored_id: UUID,
    order_ids: Sequence[UUID],
    identity_version: int,
) -> None:
    """The orders belong to whoever the restored customer is now; told under two ids, and right after either.

    An order not heard of yet is left alone: what was told of it under the survivor's id comes before the fact that is
    told under that id, and what is told later names its owner.
    """
    merchant_no = heard.merchant.merchant_no
    restored = workspace.members[workspace.accounts[merchant_no, restored_id]]
    if identity_version > restored.account.identity_version:
        restore(restored.book, identity_version=identity_version)
        _stay(workspace, restored)
    owner = workspace.member(merchant_no, restored_id)
    for order in filter(None, (workspace.orders.get((merchant_no, order_id)) for order_id in order_ids)):
        _return(workspace, heard, order, owner, key=f"unmerge:{order.order_id}:{identity_version}:{told_under}")


def _stay(workspace: Workspace, restored: Member) -> None:
    """Orders that would have followed a merge of this very batch stay."""
    account_id = restored.account.account_id
    workspace.absorbed = [each for each in workspace.absorbed if each[1] != account_id]


def _return(workspace: Workspace, heard: Heard, order: Order, owner: Member, *, key: str) -> None:
    holder = workspace.survivor(order.account_id)
    if holder is owner:
        return
    order.account_id, order.touched = owner.account.account_id, True
    header = Header(key=key, at=heard.at, cause=heard.fact_id, order_id=order.order_id, reason="customers unmerged")
    before = len(workspace.journal.entries)
    if heard.merchant.programme is not None:
        owner.obey(heard.merchant.programme.governing(heard.at).rules)
    entry = move_orders(holder.book, owner.book, header, order_ids=[order.order_id])
    uncount(workspace, heard, order, holder)
    points = sum(lot.granted for lot in entry.granted)
    if heard.merchant.programme is not None:
        for book in (holder.book, owner.book):
            tell_expired(workspace, heard, book, workspace.journal.entries[before:])
        if points:
            tell_transferred(workspace, heard, entry, giver=holder.book, taker=owner.book, points=points)
    settle(workspace, heard, order, reason="customers unmerged")
