"""Tiers by what a member spent within a rolling year, kept as orders come, change, and grow older than a year."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.loyalty.domain.programmes import Tier

YEAR = timedelta(days=365)
NO_TIER = 0


@dataclass(frozen=True, slots=True)
class Share:
    """What one order counts for, in minor units of the programme's currency."""

    placed_at: datetime
    counted: int


@dataclass(frozen=True, slots=True)
class TierChange:
    """The member's tier became another at `at`; steps are numbers in the ladder, 0 is none."""

    before: int
    after: int
    at: datetime
    spend: int


@dataclass(slots=True)
class Standing:
    """`spend` is the sum of the shares placed within (as_of - YEAR, as_of].

    `oldest`: no share within the year was placed before it. `review_at`: when to look again, since the tier cannot
    fall earlier by itself. `shares` holds those orders that may leave the year or change now, not all of them.
    """

    step: int = NO_TIER
    since: datetime | None = None
    spend: int = 0
    as_of: datetime | None = None
    oldest: datetime | None = None
    review_at: datetime | None = None
    shares: dict[UUID, Share] = field(default_factory=dict)

    def counts(self, share: Share) -> bool:
        """True if the share lies within the year that `spend` covers."""
        return self.as_of is None or share.placed_at > self.as_of - YEAR


def step_for(spend: int, ladder: Sequence[Tier]) -> int:
    """The highest step whose threshold the spend reaches."""
    return sum(1 for tier in ladder if spend >= tier.threshold_minor)


def roll(standing: Standing, ladder: Sequence[Tier], until: datetime) -> list[TierChange]:
    """The year ends at `until`: orders that grew older left it, each change told at the instant it happened."""
    if standing.as_of is not None and until <= standing.as_of:
        return []
    changes: list[TierChange] = []
    edge = until - YEAR
    if standing.oldest is not None and standing.oldest <= edge:
        for share in sorted(_leaving(standing, edge), key=lambda share: share.placed_at):
            standing.spend -= share.counted
            changes += _judge(standing, ladder, share.placed_at + YEAR)
        standing.oldest = edge
    standing.as_of = until
    return changes


def weigh(
    standing: Standing, ladder: Sequence[Tier], order_id: UUID, *, was: int, share: Share, at: datetime
) -> list[TierChange]:
    """The order counts for `share` where it counted for `was`; call it after `roll`."""
    if standing.as_of is None:
        standing.as_of = at
    standing.shares[order_id] = share
    if was == share.counted or not standing.counts(share):
        return []
    standing.spend += share.counted - was
    standing.oldest = share.placed_at if standing.oldest is None else min(standing.oldest, share.placed_at)
    changes = _judge(standing, ladder, at)
    # More spend in the same tier never brings its fall nearer.
    if changes or share.counted < was or standing.review_at is None:
        _plan_review(standing)
    return changes


def join(survivor: Standing, absorbed: Standing, ladder: Sequence[Tier], at: datetime) -> list[TierChange]:
    """The survivor's year holds both members' orders; the absorbed one's is empty."""
    until = max(instant for instant in (survivor.as_of, absorbed.as_of, at) if instant is not None)
    changes = roll(survivor, ladder, until)
    roll(absorbed, ladder, until)
    survivor.spend += absorbed.spend
    survivor.shares |= absorbed.shares
    survivor.oldest = min((o for o in (survivor.oldest, absorbed.oldest) if o is not None), default=None)
    absorbed.step, absorbed.spend, absorbed.oldest, absorbed.review_at = NO_TIER, 0, None, None
    absorbed.since, absorbed.shares = None, {}
    changes += _judge(survivor, ladder, at)
    _plan_review(survivor)
    return changes


def review(standing: Standing, ladder: Sequence[Tier], now: datetime) -> list[TierChange]:
    """The year ends at `now` and the next review stands at the exact instant of the next fall.

    All shares of the year are loaded.
    """
    changes = roll(standing, ladder, now)
    within = [share.placed_at for share in standing.shares.values() if share.counted and standing.counts(share)]
    standing.oldest = min(within, default=None)
    standing.review_at = next_fall(standing, ladder)
    return changes


def next_fall(standing: Standing, ladder: Sequence[Tier]) -> datetime | None:
    """When the tier falls if nothing more is bought; all shares of the year are loaded."""
    if standing.step == NO_TIER:
        return None
    spend = standing.spend
    within = (share for share in standing.shares.values() if standing.counts(share))
    for share in sorted(within, key=lambda share: share.placed_at):
        spend -= share.counted
        if step_for(spend, ladder) < standing.step:
            return share.placed_at + YEAR
    return None


def _leaving(standing: Standing, edge: datetime) -> list[Share]:
    return [s for s in standing.shares.values() if standing.counts(s) and s.placed_at <= edge and s.counted]


def _judge(standing: Standing, ladder: Sequence[Tier], at: datetime) -> list[TierChange]:
    step = step_for(standing.spend, ladder)
    if step == standing.step:
        return []
    change = TierChange(standing.step, step, at, standing.spend)
    standing.step, standing.since = step, at
    return [change]


def _plan_review(standing: Standing) -> None:
    """The earliest instant at which the tier can fall, not the exact one: that would need all orders of the year."""
    if standing.step == NO_TIER or standing.oldest is None:
        standing.review_at = None
        return
    bound = standing.oldest + YEAR
    standing.review_at = bound if standing.review_at is None else min(standing.review_at, bound)
