"""The documents that the API shows of members."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.servicekit.instants import Instant
from services.loyalty.application.views import EntryView, LotView, MemberView
from services.loyalty.domain.accounts import Balance

_CUSTOMER = "018f3c1e-6b7a-7c3d-9a51-2f4e8d9c0b11"
_INSTANT = "2026-03-01T12:00:00Z"


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class MoneyDocument(Document):
    amount_minor: int = Field(examples=[50000])
    currency: str = Field(examples=["USD"])


class BalanceDocument(Document):
    """Points by state: usable now, pending until the return window ends, held by a checkout, owed."""

    usable: int = Field(examples=[120])
    pending: int = Field(examples=[35])
    held: int = Field(examples=[0])
    debt: int = Field(examples=[0])

    @classmethod
    def of(cls, balance: Balance) -> "BalanceDocument":
        return cls(usable=balance.usable, pending=balance.pending, held=balance.held, debt=balance.debt)


class MemberDocument(Document):
    """A member; `points` is what stands in the ledger: usable + pending + held - debt."""

    customer_id: UUID = Field(examples=[_CUSTOMER])
    enrolled_at: datetime | None = Field(examples=[_INSTANT])
    points: int = Field(examples=[155])
    balance: BalanceDocument
    tier: str | None = Field(examples=["Silver"])

    @classmethod
    def of(cls, member: MemberView, tier: str | None) -> "MemberDocument":
        return cls(
            customer_id=member.customer_id,
            enrolled_at=member.enrolled_at,
            points=member.points,
            balance=BalanceDocument.of(member.balance),
            tier=tier,
        )


class EntryCauseDocument(Document):
    """Why the entry exists: the fact that was heard, and the rule that answered it."""

    fact_id: UUID | None
    order_id: UUID | None
    rule_version: int | None = Field(examples=[1])


class EntryDocument(Document):
    """One line of the statement; `points` is its effect on the balance (a hold moves none)."""

    entry_id: UUID
    kind: str = Field(examples=["earn"])
    points: int = Field(examples=[35])
    occurred_at: datetime = Field(examples=[_INSTANT])
    recorded_at: datetime = Field(examples=[_INSTANT])
    cause: EntryCauseDocument
    actor: str = Field(examples=["loyalty"])
    reason: str | None = Field(examples=["order paid"])

    @classmethod
    def of(cls, entry: EntryView) -> "EntryDocument":
        return cls(
            entry_id=entry.entry_id,
            kind=entry.kind,
            points=entry.points,
            occurred_at=entry.occurred_at,
            recorded_at=entry.created_at,
            cause=EntryCauseDocument(fact_id=entry.cause, order_id=entry.order_id, rule_version=entry.rule_version),
            actor=entry.actor,
            reason=entry.reason,
        )


class LotDocument(Document):
    """Points granted together; spent in the order of `expires_at`, then age."""

    lot_id: UUID
    order_id: UUID | None
    granted: int = Field(examples=[35])
    remaining: int = Field(examples=[35])
    reserved: int = Field(examples=[0])
    available_at: datetime = Field(examples=[_INSTANT])
    expires_at: datetime | None
    state: Literal["usable", "pending", "expired"]

    @classmethod
    def of(cls, lot: LotView, at: datetime) -> "LotDocument":
        dead = lot.expires_at is not None and lot.expires_at <= at
        return cls(
            lot_id=lot.grant_id,
            order_id=lot.order_id,
            granted=lot.granted,
            remaining=lot.remaining,
            reserved=lot.reserved,
            available_at=lot.available_at,
            expires_at=lot.expires_at,
            state="expired" if dead else "pending" if lot.available_at > at else "usable",
        )


class TierDocument(Document):
    """The member's tier now; `valid_until` is when it falls if nothing more is bought."""

    customer_id: UUID
    tier: str | None = Field(examples=["Silver"])
    since: datetime | None = Field(examples=[_INSTANT])
    valid_until: datetime | None
    qualifying_spend: MoneyDocument
    next_tier: str | None = Field(examples=["Gold"])
    missing: MoneyDocument | None


Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class AdjustmentRequest(Document):
    """Signed points for a member; the reason stands in the ledger and the audit log."""

    customer_id: UUID = Field(examples=[_CUSTOMER])
    points: int = Field(ge=-1_000_000_000, le=1_000_000_000, examples=[50])
    reason: Reason = Field(examples=["goodwill after a late parcel"])
    expires_at: Instant | None = Field(None, examples=[None])


class AdjustmentDocument(Document):
    """The entry that the adjustment wrote."""

    entry_id: UUID
    customer_id: UUID = Field(examples=[_CUSTOMER])
    points: int = Field(examples=[50])
    balance: BalanceDocument
