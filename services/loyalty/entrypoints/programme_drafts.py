"""What a request says about a draft, and the tag that says which state of it the caller saw."""

from typing import Any

from libs.servicekit.problems import Flaw, invalid
from services.loyalty.application.edit_programme import Changes
from services.loyalty.application.views import VersionView
from services.loyalty.domain.accounts import DebtPolicy
from services.loyalty.domain.programmes import Tier
from services.loyalty.entrypoints.programme_schemas import TierStepDocument, VersionRequest


def etag_of(version: VersionView) -> str:
    return f'"{version.revision}"'


def revision_of(if_match: str) -> int:
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise invalid("See errors.", [Flaw(pointer="/header/if-match", detail="not an ETag of a draft")])
    return int(text)


def changes_of(wanted: VersionRequest) -> Changes:
    said = wanted.model_dump(exclude_unset=True, exclude={"effective_at", "tiers", "debt_policy"})
    nullable = {"expires_after_days"}
    rules: dict[str, Any] = {name: value for name, value in said.items() if value is not None or name in nullable}
    if wanted.debt_policy is not None:
        rules["debt_policy"] = DebtPolicy(wanted.debt_policy)
    if wanted.tiers is not None:
        rules["tiers"] = _ladder(wanted.tiers)
    return Changes(wanted.effective_at, rules)


def _ladder(steps: list[TierStepDocument]) -> tuple[Tier, ...]:
    """The tiers, each harder to reach than the one before and called differently from all."""
    thresholds = [step.threshold_minor for step in steps]
    names = {step.name for step in steps} - {"none"}
    if thresholds != sorted(set(thresholds)) or len(names) != len(steps):
        raise invalid("See errors.", [Flaw(pointer="/tiers", detail="rising thresholds, different names, none 'none'")])
    return tuple(Tier(step.name, step.threshold_minor) for step in steps)
