"""The documents that the API shows."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.loyalty.application.views import EntryView, Finding, LotView, MemberView, Summary, VersionView
from services.loyalty.domain.accounts import Balance
from services.loyalty.domain.programmes import Rules

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
    expires_at: datetime | None = Field(None, examples=[None])


class AdjustmentDocument(Document):
    """The entry that the adjustment wrote."""

    entry_id: UUID
    customer_id: UUID = Field(examples=[_CUSTOMER])
    points: int = Field(examples=[50])
    balance: BalanceDocument


class TierStepDocument(Document):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)] = Field(
        examples=["Silver"]
    )
    threshold_minor: int = Field(gt=0, le=10**15, examples=[50000])


class RulesDocument(Document):
    """What a version says; amounts are minor units of `currency`."""

    currency: str = Field(examples=["USD"])
    points_per_unit: int = Field(examples=[1])
    expires_after_days: int | None = Field(examples=[365])
    debt_policy: str = Field(examples=["allow"])
    max_debt: int = Field(examples=[100000])
    tiers: list[TierStepDocument]

    @classmethod
    def of(cls, rules: Rules) -> "RulesDocument":
        return cls(
            currency=rules.currency,
            points_per_unit=rules.points_per_unit,
            expires_after_days=rules.expires_after_days,
            debt_policy=rules.debt_policy.value,
            max_debt=rules.max_debt,
            tiers=[TierStepDocument(name=tier.name, threshold_minor=tier.threshold_minor) for tier in rules.tiers],
        )


class VersionDocument(Document):
    """A version; drafts carry an ETag header, published versions never change."""

    number: int = Field(examples=[2])
    state: str = Field(examples=["draft"])
    effective_at: datetime = Field(examples=[_INSTANT])
    published_at: datetime | None
    rules: RulesDocument

    @classmethod
    def of(cls, version: VersionView) -> "VersionDocument":
        return cls(
            number=version.number,
            state=version.state,
            effective_at=version.effective_at,
            published_at=version.published_at,
            rules=RulesDocument.of(version.rules),
        )


class ProgrammeDocument(Document):
    """A programme with all its versions."""

    programme_id: UUID
    name: str = Field(examples=["Points"])
    versions: list[VersionDocument]


class VersionRequest(Document):
    """What the draft shall say; what is left out stays as it is. The currency is the merchant's for ever."""

    effective_at: datetime | None = Field(None, examples=["2025-01-01T00:00:00Z"])
    points_per_unit: int | None = Field(None, ge=1, le=1_000, examples=[1])
    expires_after_days: int | None = Field(None, ge=1, le=36_500, examples=[365])
    debt_policy: Literal["block", "allow", "absorb"] | None = None
    max_debt: int | None = Field(None, ge=0, le=10**12)
    tiers: list[TierStepDocument] | None = Field(None, max_length=20)


class PointsDocument(Document):
    """`issued`: worth of all awarded orders when paid; `reversed`: what refunds and cancellations took of it."""

    issued: int = Field(examples=[1000])
    reversed: int = Field(examples=[20])
    adjusted: int = Field(examples=[0])
    spent: int = Field(examples=[0])
    expired: int = Field(examples=[0])
    absorbed: int = Field(examples=[0])
    usable: int = Field(examples=[900])
    pending: int = Field(examples=[80])
    held: int = Field(examples=[0])
    debt: int = Field(examples=[0])


class OrdersDocument(Document):
    known: int = Field(examples=[40])
    paid: int = Field(examples=[40])
    awarded: int = Field(examples=[38])
    without_rate: int = Field(examples=[0], description="orders in another currency with no rate pinned: no points")


class SummaryDocument(Document):
    """A programme in figures; tiers are counted from the orders of the year that ends at `as_of`."""

    as_of: datetime = Field(examples=[_INSTANT])
    members: int = Field(examples=[12])
    members_by_tier: dict[str, int] = Field(examples=[{"none": 9, "Silver": 2, "Gold": 1, "Diamond": 0}])
    points: PointsDocument
    orders: OrdersDocument

    @classmethod
    def of(cls, summary: Summary, tiers: list[str]) -> "SummaryDocument":
        points, orders = summary.points, summary.orders
        return cls(
            as_of=summary.as_of,
            members=summary.members,
            members_by_tier=dict(zip(["none", *tiers], summary.members_by_step, strict=True)),
            points=PointsDocument(**{name: getattr(points, name) for name in PointsDocument.model_fields}),
            orders=OrdersDocument(**{name: getattr(orders, name) for name in OrdersDocument.model_fields}),
        )


class FindingDocument(Document):
    invariant: str = Field(examples=["I2"])
    meaning: str = Field(examples=["entries of a lot never take more than it held"])
    checked: int = Field(examples=[2469])
    violations: int = Field(examples=[0])

    @classmethod
    def of(cls, finding: Finding) -> "FindingDocument":
        return cls(
            invariant=finding.name, meaning=finding.meaning, checked=finding.checked, violations=finding.violations
        )


class ProofDocument(Document):
    """The ledger's invariants, all examined on one snapshot."""

    at: datetime = Field(examples=[_INSTANT])
    violations: int = Field(examples=[0])
    findings: list[FindingDocument]


class HashDocument(Document):
    """Equal for two ledgers with the same entries, whatever their local numbers and clocks."""

    hash: str = Field(examples=["5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"])
    lines: int = Field(examples=[155848])
