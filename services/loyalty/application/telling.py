"""Entries and tier changes as facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.contracts.envelope import Cause, Origin, Said
from libs.contracts.fact import Fact
from libs.contracts.loyalty import (
    PointsActivatedV1,
    PointsAdjustedV1,
    PointsBalance,
    PointsCause,
    PointsClawedBackV1,
    PointsEarnedV1,
    PointsExpiredV1,
    PointsTransferredV1,
    TierDowngradedV1,
    TierMeasure,
    TierUpgradedV1,
)
from services.loyalty.application.workspace import Member, Merchant, Workspace
from services.loyalty.domain.accounts import WALLET, Lot
from services.loyalty.domain.book import Book
from services.loyalty.domain.earning import Clawback
from services.loyalty.domain.entries import Entry, EntryKind, Header
from services.loyalty.domain.programmes import Programme, Rules, Version
from services.loyalty.domain.tiers import TierChange


@dataclass(frozen=True, slots=True)
class Heard:
    """What this transaction answers: a fact from the bus (`cause`), or a timer or a person (`cause` is None)."""

    merchant: Merchant
    at: datetime
    cause: Cause | None = None
    origin: Origin | None = None  # None: the cause's, else live

    @property
    def fact_id(self) -> UUID | None:
        return self.cause.id if self.cause else None


def say(workspace: Workspace, heard: Heard, fact: Fact, *, key: str, at: datetime | None = None) -> None:
    """The fact is told with the transaction, under an id that follows from its cause, or from `key` without one."""
    said = Said(
        fact,
        heard.merchant.merchant_id,
        at or heard.at,
        cause=heard.cause,
        key=None if heard.cause else key,
        origin=heard.origin,
    )
    workspace.said.append(said)


def tell_earned(workspace: Workspace, heard: Heard, book: Book, entry: Entry, rule_version: int) -> None:
    """points.earned."""
    lot = entry.granted[0]
    fact = PointsEarnedV1(
        **_common(heard, book, entry.header, entry.entry_id, entry.header.at),
        points=entry.points,
        cause=_cause(heard, entry.header, rule_version),
        available_at=lot.available_at,
        expires_at=lot.expires_at,
    )
    say(workspace, heard, fact, key=str(entry.entry_id))


def tell_clawed_back(workspace: Workspace, heard: Heard, book: Book, back: Clawback, rule_version: int) -> None:
    """points.clawed_back."""
    header = back.entry.header
    fact = PointsClawedBackV1(
        **_common(heard, book, header, back.entry.entry_id, header.at),
        points=back.taken + back.debt + back.absorbed,
        cause=_cause(heard, header, rule_version),
        taken=back.taken,
        debt_added=back.debt,
        absorbed=back.absorbed,
        reason=header.reason,
    )
    say(workspace, heard, fact, key=str(back.entry.entry_id))


def tell_expired(workspace: Workspace, heard: Heard, book: Book, entries: Sequence[Entry]) -> None:
    """points.expired for each expiry among the entries."""
    for entry in entries:
        if entry.kind is not EntryKind.EXPIRE or entry.account_id != book.account.account_id:
            continue
        fact = PointsExpiredV1(
            **_common(heard, book, entry.header, entry.entry_id, entry.header.at),
            points=-entry.points,
            cause=_cause(heard, entry.header, None),
        )
        say(workspace, heard, fact, key=str(entry.entry_id), at=entry.header.at)


def tell_activated(workspace: Workspace, heard: Heard, book: Book, lot: Lot) -> None:
    """points.activated: what is left of the lot became usable at its instant."""
    header = Header(key="", at=lot.available_at, order_id=lot.order_id)
    fact = PointsActivatedV1(
        **_common(heard, book, header, lot.grant_id, lot.available_at),
        points=lot.remaining,
        cause=_cause(heard, header, None),
        expires_at=lot.expires_at,
    )
    say(workspace, heard, fact, key=str(lot.grant_id), at=lot.available_at)


def tell_adjusted(workspace: Workspace, heard: Heard, book: Book, entry: Entry) -> None:
    """points.adjusted, signed."""
    fact = PointsAdjustedV1(
        **_common(heard, book, entry.header, entry.entry_id, entry.header.at),
        points=entry.points,
        cause=_cause(heard, entry.header, None),
        reason=entry.header.reason or "",
        actor=entry.header.actor,
    )
    say(workspace, heard, fact, key=str(entry.entry_id))


def tell_transferred(
    workspace: Workspace, heard: Heard, entry: Entry, *, giver: Book, taker: Book, points: int
) -> None:
    """points.transferred on the giver's key."""
    fact = PointsTransferredV1(
        **_common(heard, giver, entry.header, entry.entry_id, entry.header.at),
        points=points,
        cause=_cause(heard, entry.header, None),
        to_customer_id=taker.account.customer_id,
        to_balance=_balance(taker, entry.header.at),
        reason=entry.header.reason,
    )
    say(workspace, heard, fact, key=str(entry.entry_id))


def tell_tiers(
    workspace: Workspace, heard: Heard, member: Member, version: Version, changes: Sequence[TierChange]
) -> None:
    """tier.upgraded or tier.downgraded for each change, at its own instant."""
    for change in changes:
        kind = TierUpgradedV1 if change.after > change.before else TierDowngradedV1
        fact = kind(
            customer_id=member.account.customer_id,
            programme_id=programme_of(heard).programme_id,
            programme_version=version.number,
            from_tier=tier_name(version.rules, change.before),
            to_tier=tier_name(version.rules, change.after),
            since=change.at,
            measure=_measure(version.rules, change),
        )
        key = f"{member.account.customer_id}:{change.at.isoformat()}:{change.before}:{change.after}"
        say(workspace, heard, fact, key=key, at=change.at)


def programme_of(heard: Heard) -> Programme:
    """The programme that the entries belong to; nothing is told before there is one."""
    programme = heard.merchant.programme
    assert programme is not None, "points move only under a programme"
    return programme


def tier_name(rules: Rules, step: int) -> str | None:
    """The name of a step of the ladder; None is no tier yet."""
    return rules.tiers[step - 1].name if 0 < step <= len(rules.tiers) else None


def _common(heard: Heard, book: Book, header: Header, entry_id: UUID, at: datetime) -> dict[str, object]:
    return {
        "customer_id": book.account.customer_id,
        "programme_id": programme_of(heard).programme_id,
        "entry_id": entry_id,
        "wallet": WALLET,
        "balance": _balance(book, header.at),
        "at": at,
    }


def _balance(book: Book, at: datetime) -> PointsBalance:
    balance = book.balance(at)
    return PointsBalance(usable=balance.usable, pending=balance.pending, held=balance.held, debt=balance.debt)


def _cause(heard: Heard, header: Header, rule_version: int | None) -> PointsCause:
    return PointsCause(
        fact_id=heard.fact_id,
        order_id=header.order_id,
        rule_id=programme_of(heard).rule_id if rule_version is not None else None,
        rule_version=rule_version,
    )


def _measure(rules: Rules, change: TierChange) -> TierMeasure:
    ahead = rules.tiers[change.after] if change.after < len(rules.tiers) else None
    return TierMeasure(
        qualifying_minor=change.spend,
        currency=rules.currency,
        next_tier=ahead.name if ahead else None,
        missing_minor=ahead.threshold_minor - change.spend if ahead else None,
    )
