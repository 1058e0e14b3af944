"""An order's worth stands in the ledger and in the member's tier, whatever was heard of it and in which order."""

from collections.abc import Callable
from uuid import UUID

from services.loyalty.application.telling import (
    Heard,
    tell_clawed_back,
    tell_earned,
    tell_expired,
    tell_tiers,
)
from services.loyalty.application.workspace import Member, Workspace
from services.loyalty.domain.awards import Award, Occasion, award_for, converge
from services.loyalty.domain.earning import Clawback
from services.loyalty.domain.entries import Header
from services.loyalty.domain.merging import move_orders
from services.loyalty.domain.orders import Order, OrderTerms
from services.loyalty.domain.programmes import Programme
from services.loyalty.domain.tiers import Share, roll, weigh


def tell_order(
    workspace: Workspace, heard: Heard, *, customer_id: UUID, order_id: UUID, terms: OrderTerms, reason: str
) -> None:
    """The order's state is known in its newest version; it belongs to the customer which that version names."""
    merchant_no = heard.merchant.merchant_no
    owner = workspace.member(merchant_no, customer_id)
    order = workspace.order(merchant_no, order_id, owner.account.account_id)
    shell = order.told is None
    if order.told is not None and order.told.placed_at != terms.placed_at:
        # It leaves its old place in the year; below it counts at the new one, or at the old again if this is no news.
        uncount(workspace, heard, order, workspace.survivor(order.account_id))
    if order.tell(terms):
        _belong(workspace, heard, order, owner, shell=shell)
    settle(workspace, heard, order, reason=reason)


def hear_of_order(
    workspace: Workspace,
    heard: Heard,
    *,
    customer_id: UUID,
    order_id: UUID,
    reason: str,
    change: Callable[[Order], None],
) -> None:
    """What was heard of the order counts; if the order itself is not known yet, a shell keeps it until then.

    The order's own account is the one that is settled, not the fact's customer: a refund may name the survivor of
    a merge that is still on its way.
    """
    merchant_no = heard.merchant.merchant_no
    owner = workspace.member(merchant_no, customer_id)
    order = workspace.order(merchant_no, order_id, owner.account.account_id)
    change(order)
    settle(workspace, heard, order, reason=reason)


def settle(workspace: Workspace, heard: Heard, order: Order, *, reason: str) -> None:
    """The award and the member's yearly spend are what the order is worth now."""
    programme = heard.merchant.programme
    if programme is None:
        return  # judged when the programme is laid down
    member = workspace.survivor(order.account_id)
    member.obey(programme.governing(heard.at).rules)
    _award(workspace, heard, programme, order, member, reason)
    _count(workspace, heard, programme, order, member)
    order.judged = programme.newest.number


def uncount(workspace: Workspace, heard: Heard, order: Order, holder: Member) -> None:
    """The order no longer counts in the former holder's year."""
    programme = heard.merchant.programme
    if programme is None or order.told is None:
        return
    version = programme.governing(heard.at)
    changes = roll(holder.standing, version.rules.tiers, heard.at)
    gone = Share(order.told.placed_at, 0)
    changes += weigh(holder.standing, version.rules.tiers, order.order_id, was=order.counted, share=gone, at=heard.at)
    order.counted = 0
    tell_tiers(workspace, heard, holder, version, changes)


def _award(workspace: Workspace, heard: Heard, programme: Programme, order: Order, member: Member, reason: str) -> None:
    key = (order.merchant_no, order.order_id)
    award = workspace.awards.get(key) or award_for(programme, order)
    if award is None:
        return
    workspace.awards[key] = award
    before = len(workspace.journal.entries)
    outcome = converge(member.book, programme, order, award, Occasion(heard.at, heard.fact_id, reason))
    tell_expired(workspace, heard, member.book, workspace.journal.entries[before:])
    _tell(workspace, heard, member, award, outcome)


def _tell(workspace: Workspace, heard: Heard, member: Member, award: Award, outcome: object) -> None:
    version = award.terms.rule_version
    if isinstance(outcome, Clawback):
        tell_clawed_back(workspace, heard, member.book, outcome, version)
    elif outcome is not None:
        tell_earned(workspace, heard, member.book, workspace.journal.entries[-1], version)


def _count(workspace: Workspace, heard: Heard, programme: Programme, order: Order, member: Member) -> None:
    if order.told is None:
        return
    version = programme.governing(heard.at)
    rate = order.rate_to(version.rules.currency)
    share = Share(order.told.placed_at, 0 if rate is None else int(order.net * rate))
    was, order.counted = order.counted, share.counted
    changes = roll(member.standing, version.rules.tiers, heard.at)
    changes += weigh(member.standing, version.rules.tiers, order.order_id, was=was, share=share, at=heard.at)
    member.book.touched = True
    tell_tiers(workspace, heard, member, version, changes)


def _belong(workspace: Workspace, heard: Heard, order: Order, owner: Member, *, shell: bool) -> None:
    """The order is the owner's. Where it earned for somebody else, what is left of it moves along."""
    holder = workspace.survivor(order.account_id)
    order.account_id = owner.account.account_id
    if shell or holder is owner:
        return
    header = Header(
        key=f"move:{order.order_id}:{order.told.version if order.told else 0}",
        at=heard.at,
        cause=heard.fact_id,
        order_id=order.order_id,
        reason="order belongs to another customer",
    )
    move_orders(holder.book, owner.book, header, order_ids=[order.order_id])
    uncount(workspace, heard, order, holder)
