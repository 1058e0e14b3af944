"""The documents that the API shows of programmes."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from libs.servicekit.instants import Instant
from services.loyalty.application.views import Summary, VersionView
from services.loyalty.domain.programmes import Rules
from services.loyalty.entrypoints.schemas import Document

_INSTANT = "2026-03-01T12:00:00Z"


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

    effective_at: Instant | None = Field(None, examples=["2025-01-01T00:00:00Z"])
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
