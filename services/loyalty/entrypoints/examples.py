"""One answer of each operation, as its OpenAPI example."""

from typing import Any, Final

from libs.servicekit.table import CSV_RESPONSE

MERCHANT_ID: Final = "0197a1c2-0000-7000-8000-000000000001"
CUSTOMER_ID: Final = "0197a1c2-7b1e-7c64-9f1a-3f0b6a6d2e11"
PROGRAMME_ID: Final = "94c92f4e-a854-5c88-841e-36d6f8347466"
ORDER_ID: Final = "0c8f3f0e-9d7a-5b53-8f6e-6a4f1f0f9a10"
FACT_ID: Final = "0197a1c2-8000-7000-8000-000000000001"
ENTRY_ID: Final = "8a5b8b1e-1f5d-5c0f-8c84-8f6f2f6d3c21"
INSTANT: Final = "2026-01-31T00:00:00Z"
_PLACED: Final = "2025-11-03T14:02:11Z"
_OPEN: Final = "2025-12-03T14:02:11Z"

Answers = dict[int | str, dict[str, Any]]

BALANCE: Final = {"usable": 612, "pending": 35, "held": 0, "debt": 0}
MEMBER: Final = {
    "customer_id": CUSTOMER_ID,
    "enrolled_at": _PLACED,
    "points": 647,
    "balance": BALANCE,
    "tier": "Silver",
}
ENTRY: Final = {
    "entry_id": ENTRY_ID,
    "kind": "earn",
    "points": 612,
    "occurred_at": _PLACED,
    "recorded_at": _PLACED,
    "cause": {"fact_id": FACT_ID, "order_id": ORDER_ID, "rule_version": 1},
    "actor": "loyalty",
    "reason": "order paid",
}
LOT: Final = {
    "lot_id": "b4f1a1d5-3c56-5a0e-9d61-0a7c8d1f2e33",
    "order_id": ORDER_ID,
    "granted": 612,
    "remaining": 612,
    "reserved": 0,
    "available_at": _OPEN,
    "expires_at": None,
    "state": "usable",
}
TIER: Final = {
    "customer_id": CUSTOMER_ID,
    "tier": "Silver",
    "since": _PLACED,
    "valid_until": "2026-11-03T14:02:11Z",
    "qualifying_spend": {"amount_minor": 64700, "currency": "USD"},
    "next_tier": "Gold",
    "missing": {"amount_minor": 135300, "currency": "USD"},
}
ADJUSTMENT_REQUEST: Final = {"customer_id": CUSTOMER_ID, "points": 50, "reason": "goodwill after a late parcel"}
ADJUSTMENT: Final = {
    "entry_id": "c1f0f6f4-67d5-5c1b-a0a2-51f6f6d0e0aa",
    "customer_id": CUSTOMER_ID,
    "points": 50,
    "balance": {**BALANCE, "usable": 662},
}
_RULES: Final = {
    "currency": "USD",
    "points_per_unit": 1,
    "expires_after_days": None,
    "debt_policy": "allow",
    "max_debt": 100000,
    "tiers": [
        {"name": "Silver", "threshold_minor": 50000},
        {"name": "Gold", "threshold_minor": 200000},
        {"name": "Diamond", "threshold_minor": 500000},
    ],
}
VERSION: Final = {
    "number": 1,
    "state": "published",
    "effective_at": _PLACED,
    "published_at": _PLACED,
    "rules": _RULES,
}
DRAFT_REQUEST: Final = {"effective_at": "2025-01-01T00:00:00Z", "points_per_unit": 2}
CHANGE_REQUEST: Final = {"expires_after_days": 365}
DRAFT: Final = {
    "number": 2,
    "state": "draft",
    "effective_at": "2025-01-01T00:00:00Z",
    "published_at": None,
    "rules": {**_RULES, "points_per_unit": 2},
}
PUBLISHED: Final = {**DRAFT, "state": "published", "published_at": INSTANT}
PROGRAMME: Final = {"programme_id": PROGRAMME_ID, "name": "Points", "versions": [VERSION]}
SUMMARY: Final = {
    "as_of": INSTANT,
    "members": 2469,
    "members_by_tier": {"none": 1180, "Silver": 920, "Gold": 310, "Diamond": 59},
    "points": {
        "issued": 2_104_311,
        "reversed": 8_120,
        "adjusted": 50,
        "spent": 0,
        "expired": 0,
        "absorbed": 0,
        "usable": 1_912_008,
        "pending": 184_233,
        "held": 0,
        "debt": 0,
    },
    "orders": {"known": 155_848, "paid": 155_848, "awarded": 155_848, "without_rate": 0},
}
PROOF: Final = {
    "at": INSTANT,
    "violations": 0,
    "findings": [
        {
            "invariant": "I2",
            "meaning": "a member's posted points are all credits less all debits",
            "checked": 2469,
            "violations": 0,
        }
    ],
}
HASH: Final = {"hash": "9f2c4f1c0d7e3a8b5f6e7d8c9b0a1f2e3d4c5b6a7f8e9d0c1b2a3f4e5d6c7b8a", "lines": 160_211}


def page(*items: object) -> dict[str, Any]:
    """A page of a list."""
    return {"items": list(items), "next_cursor": None}


def answer(example: object, *, status: int = 200) -> Answers:
    """What a route puts into `responses=`."""
    return {status: {"content": {"application/json": {"example": example}}}}


def table(example: object) -> Answers:
    """The same for a route that offers CSV too."""
    described = CSV_RESPONSE[200]
    content = {**described["content"], "application/json": {"example": example}}
    return {200: {**described, "content": content}}


def request(example: object) -> dict[str, Any]:
    """What a route with a body puts into `openapi_extra=`."""
    return {"requestBody": {"content": {"application/json": {"example": example}}}}
