"""Facts of loyalty: membership, points, tiers, programmes."""

from typing import ClassVar
from uuid import UUID

from libs.contracts import coupons
from libs.contracts.fact import Currency, Fact, Instant, Part


class PointsBalance(Part):
    """A wallet right after the entry: all four are points, `debt` is what a clawback could not take back."""

    usable: int
    pending: int
    held: int
    debt: int


class PointsCause(Part):
    """Why the entry exists: the fact that was heard, and the rule that answered it."""

    fact_id: UUID | None = None
    order_id: UUID | None = None
    line_id: UUID | None = None
    rule_id: UUID | None = None
    rule_version: int | None = None


class MemberEnrolledV1(Fact):
    """A customer belongs to a programme."""

    TYPE: ClassVar[str] = "member.enrolled.v1"
    TOPIC: ClassVar[str] = "loyalty"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    programme_id: UUID
    programme_version: int
    source: str
    enrolled_at: Instant


class _PointsEntry(Fact):
    """What every ledger entry tells; `points` is always positive, the fact's name gives the direction."""

    customer_id: UUID
    programme_id: UUID
    entry_id: UUID
    wallet: str
    points: int
    balance: PointsBalance
    cause: PointsCause
    at: Instant


class PointsEarnedV1(_PointsEntry):
    """Points were granted: pending until `available_at`, gone at `expires_at` (null: never)."""

    TYPE: ClassVar[str] = "points.earned.v1"
    TOPIC: ClassVar[str] = "loyalty"
    SUBJECT: ClassVar[str] = "customer_id"

    available_at: Instant
    expires_at: Instant | None = None


class PointsActivatedV1(_PointsEntry):
    """Pending points became usable."""

    TYPE: ClassVar[str] = "points.activated.v1"
    TOPIC: ClassVar[str] = "loyalty"
    SUBJECT: ClassVar[str] = "customer_id"

    expires_at: Instant | None = None


class PointsSpentV1(_PointsEntry):
    """Points were given for something."""

    TYPE: ClassVar[str] = "points.spent.v1"
    TOPIC: ClassVar[str] = "loyalty"
    SUBJECT: ClassVar[str] = "customer_id"

    reason: str | None = None


class PointsReturnedV1(_PointsEntry):
    """Spent points came back."""

    TYPE: ClassVar[str] = "points.returned.v1"
    TOPIC: ClassVar[str] = "loyalty"
    SUBJECT: ClassVar[str] = "customer_id"

    available_at: Instant | None = None
    expires_at: Instant | None = None
    reason: str | None = None


class PointsClawedBackV1(_PointsEntry):
    """Granted points were reversed: `points` = taken + debt_added + absorbed."""

    TYPE: ClassVar[str] = "points.clawed_back.v1"
    TOPIC: ClassVar[str] = "loyalty"
    SUBJECT: ClassVar[str] = "customer_id"

    taken: int
    debt_added: int = 0
    absorbed: int = 0
    reason: str | None = None


class PointsExpiredV1(_PointsEntry):
    """Points reached the end of their life unspent."""

    TYPE: ClassVar[str] = "points.expired.v1"
    TOPIC: ClassVar[str] = "loyalty"
    SUBJECT: ClassVar[str] = "customer_id"


class PointsAdjustedV1(_PointsEntry):
    """A person corrected a balance: the one entry whose `points` carry a sign."""

    TYPE: ClassVar[str] = "points.adjusted.v1"
    TOPIC: ClassVar[str] = "loyalty"
    SUBJECT: ClassVar[str] = "customer_id"

    reason: str
    actor: str | None = None


class PointsTransferredV1(_PointsEntry):
    """Points moved to another customer, as after a merge; told on the giver's key."""

    TYPE: ClassVar[str] = "points.transferred.v1"
    TOPIC: ClassVar[str] = "loyalty"
    SUBJECT: ClassVar[str] = "customer_id"

    to_customer_id: UUID
    to_balance: PointsBalance
    reason: str | None = None


class TierMeasure(Part):
    """What the tier was decided on, and what is missing to the next one."""

    qualifying_minor: int
    currency: Currency
    next_tier: str | None = None
    missing_minor: int | None = None


class _TierDecision(Fact):
    """What every tier decision tells; a tier of null is 'none yet'."""

    customer_id: UUID
    programme_id: UUID
    programme_version: int
    from_tier: str | None
    to_tier: str | None
    since: Instant
    valid_until: Instant | None = None
    measure: TierMeasure


class TierUpgradedV1(_TierDecision):
    """The member climbed."""

    TYPE: ClassVar[str] = "tier.upgraded.v1"
    TOPIC: ClassVar[str] = "loyalty"
    SUBJECT: ClassVar[str] = "customer_id"


class TierDowngradedV1(_TierDecision):
    """The member fell."""

    TYPE: ClassVar[str] = "tier.downgraded.v1"
    TOPIC: ClassVar[str] = "loyalty"
    SUBJECT: ClassVar[str] = "customer_id"


class TierRetainedV1(_TierDecision):
    """The tier was due for review and holds on."""

    TYPE: ClassVar[str] = "tier.retained.v1"
    TOPIC: ClassVar[str] = "loyalty"
    SUBJECT: ClassVar[str] = "customer_id"


class ProgrammePublishedV1(Fact):
    """A programme version is in force from `effective_at`."""

    TYPE: ClassVar[str] = "programme.published.v1"
    TOPIC: ClassVar[str] = "loyalty"
    SUBJECT: ClassVar[str] = "programme_id"

    programme_id: UUID
    name: str
    version: int
    currency: Currency
    effective_at: Instant
    published_at: Instant


FACTS: tuple[type[Fact], ...] = (
    MemberEnrolledV1,
    PointsEarnedV1,
    PointsActivatedV1,
    PointsSpentV1,
    PointsReturnedV1,
    PointsClawedBackV1,
    PointsExpiredV1,
    PointsAdjustedV1,
    PointsTransferredV1,
    TierUpgradedV1,
    TierDowngradedV1,
    TierRetainedV1,
    ProgrammePublishedV1,
    *coupons.LOYALTY_FACTS,
)
