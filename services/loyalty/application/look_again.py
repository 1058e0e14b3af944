"""What becomes due by itself: pending points, dying points, ending holds, tiers, orders not judged yet."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from services.loyalty.application.settle_order import settle
from services.loyalty.application.telling import Heard, tell_activated, tell_expired, tell_tiers
from services.loyalty.application.workspace import Member, Merchant, Timer, Workspace
from services.loyalty.domain.accounts import spending_order
from services.loyalty.domain.orders import Order
from services.loyalty.domain.tiers import review
from services.loyalty.domain.upkeep import sweep

ACTIVATION = "activation"
EXPIRY = "expiry"
TIER_REVIEW = "tier_review"
CLOSE_DAYS = "close_days"

_CLOSING_HOUR = time(1, tzinfo=UTC)
"""A day is closed an hour after it ended: no transaction that began in it is still open."""


def activate_lots(workspace: Workspace, merchant: Merchant, member: Member, now: datetime) -> None:
    """What is left of lots that were pending when granted is told to be usable, once per lot."""
    for lot in sorted(member.book.lots.values(), key=spending_order):
        if lot.activated or lot.pending(now):
            continue
        lot.activated = True
        if lot.remaining and not lot.dead(lot.available_at):
            tell_activated(workspace, Heard(merchant, lot.available_at), member.book, lot)


def expire_lots(workspace: Workspace, merchant: Merchant, member: Member, now: datetime) -> None:
    """What died, lots and holds, is written down at its own instant."""
    before = len(workspace.journal.entries)
    sweep(member.book, now)
    tell_expired(workspace, Heard(merchant, now), member.book, workspace.journal.entries[before:])


def review_tier(workspace: Workspace, merchant: Merchant, member: Member, now: datetime) -> None:
    """The tier is what the year that ends now is worth; the next review is planned."""
    if merchant.programme is None:
        return
    if member.account.alias_of is not None:
        return
    version = merchant.programme.governing(now)
    changes = review(member.standing, version.rules.tiers, now)
    member.planned = None  # its note is being used up, so the next one is written even for the same instant
    member.book.touched = True
    tell_tiers(workspace, Heard(merchant, now), member, version, changes)


def judge_orders(workspace: Workspace, merchant: Merchant, order_ids: Sequence[UUID], now: datetime) -> None:
    """Each order that was heard of before the programme, or before its newest version, is settled under it.

    What that earns is told as a correction: nobody is written to about orders of long ago.
    """
    for order_id in order_ids:
        order = workspace.orders[merchant.merchant_no, order_id]
        order.touched = True
        heard = Heard(merchant, _instant_of(order, now), origin="correction")
        settle(workspace, heard, order, reason="programme published")


def plan_timers(workspace: Workspace) -> None:
    """Every lot granted and every tier changed in this transaction is looked at again when its time comes."""
    for lot in workspace.journal.lots:
        merchant_no = workspace.members[lot.account_id].account.merchant_no
        payload: dict[str, str | int] = {"account": lot.account_id}
        lot.activated = lot.available_at <= workspace.now
        if not lot.activated:
            workspace.timers.append(Timer(merchant_no, ACTIVATION, str(lot.grant_id), lot.available_at, payload))
        if lot.expires_at is not None:
            workspace.timers.append(Timer(merchant_no, EXPIRY, str(lot.grant_id), lot.expires_at, payload))
    for account_id, member in workspace.members.items():
        at = member.standing.review_at
        if at is not None and at != member.planned:
            note: dict[str, str | int] = {"account": account_id}
            workspace.timers.append(Timer(member.account.merchant_no, TIER_REVIEW, str(account_id), at, note))
    for hold in (hold for book in workspace.books() for hold in book.open_holds() if hold.loaded is None):
        merchant_no = workspace.members[hold.account_id].account.merchant_no
        payload = {"account": hold.account_id}
        workspace.timers.append(Timer(merchant_no, EXPIRY, f"hold:{hold.hold_id}", hold.expires_at, payload))


def plan_next_close(workspace: Workspace, merchant_no: int, now: datetime) -> None:
    """The days of the merchant's ledger are closed again tomorrow."""
    at = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), _CLOSING_HOUR)
    workspace.timers.append(Timer(merchant_no, CLOSE_DAYS, "ledger", at))


def _instant_of(order: Order, now: datetime) -> datetime:
    """What a late judgement tells happened when the order was paid."""
    return order.paid_at or now
