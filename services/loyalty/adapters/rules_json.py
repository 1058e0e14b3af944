"""A programme's rules as the JSON that is stored."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from services.loyalty.domain.accounts import DebtPolicy
from services.loyalty.domain.programmes import Rules, Tier
from services.loyalty.domain.terms import Terms


def rules_to_json(rules: Rules) -> str:
    """The rules, one JSON object."""
    return json.dumps(asdict(rules))


def rules_from_json(stored: Mapping[str, Any]) -> Rules:
    """The rules that `rules_to_json` wrote."""
    return Rules(
        currency=stored["currency"],
        points_per_unit=stored["points_per_unit"],
        expires_after_days=stored["expires_after_days"],
        debt_policy=DebtPolicy(stored["debt_policy"]),
        max_debt=stored["max_debt"],
        tiers=tuple(Tier(each["name"], each["threshold_minor"]) for each in stored["tiers"]),
    )


def terms_from_json(content: str) -> Terms:
    """The terms whose canonical content this is."""
    return Terms(**json.loads(content))
