"""A loyalty programme: versions of rules, each in force from its effective date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from libs.kernel.identifiers import derived_id
from libs.kernel.money import exponent
from services.loyalty.domain.accounts import DebtPolicy


@dataclass(frozen=True, slots=True)
class Tier:
    """A step of the ladder, reached by spending `threshold_minor` within a rolling year."""

    name: str
    threshold_minor: int


@dataclass(frozen=True, slots=True)
class Rules:
    """What one version says. Points are earned per whole unit of `currency` on what was paid for goods."""

    currency: str
    points_per_unit: int = 1
    expires_after_days: int | None = None
    debt_policy: DebtPolicy = DebtPolicy.ALLOW
    max_debt: int = 100_000
    tiers: tuple[Tier, ...] = ()

    def lifetime(self) -> timedelta | None:
        return None if self.expires_after_days is None else timedelta(days=self.expires_after_days)


@dataclass(frozen=True, slots=True)
class Version:
    """Rules with the instant from which orders count under them."""

    number: int
    effective_at: datetime
    rules: Rules


@dataclass(frozen=True, slots=True)
class Programme:
    """A merchant's programme with its published versions, lowest number first."""

    programme_no: int
    programme_id: UUID
    merchant_id: UUID
    name: str
    versions: Sequence[Version]

    @property
    def rule_id(self) -> UUID:
        """Identity of the one earning rule; it outlives every edit, so that an edit never pays twice."""
        return derived_id(self.programme_id, "rule", "order_paid")

    @property
    def newest(self) -> Version:
        return self.versions[-1]

    def in_force(self, at: datetime) -> Version | None:
        """The newest version whose effective date had come at `at`; None: history earns nothing."""
        return next((v for v in reversed(self.versions) if v.effective_at <= at), None)

    def governing(self, at: datetime) -> Version:
        """The version whose ladder and debt policy apply at `at`: before the first effective date, the first."""
        return self.in_force(at) or self.versions[0]


RULE_NO = 1
"""Local number of the one earning rule."""

_LADDER = (("Silver", 500), ("Gold", 2000), ("Diamond", 5000))


def default_programme_id(merchant_id: UUID) -> UUID:
    """The id of the programme that every merchant starts with."""
    return derived_id(merchant_id, "programme", "default")


def default_rules(currency: str) -> Rules:
    """One point per unit, three tiers, no expiry: a programme that works before anybody edits it."""
    unit = 10 ** exponent(currency)
    return Rules(currency=currency, tiers=tuple(Tier(name, units * unit) for name, units in _LADDER))
