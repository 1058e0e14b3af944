"""One answer of each operation, as its OpenAPI example."""

from collections.abc import Mapping
from typing import Any, Final

from libs.servicekit.table import CSV_RESPONSE

CUSTOMER_ID: Final = "0197a1c2-7b1e-7c64-9f1a-3f0b6a6d2e11"
SEGMENT_ID: Final = "b12d9422-ebc2-561a-9897-106e7aece9e1"
ORDER_ID: Final = "0c8f3f0e-9d7a-5b53-8f6e-6a4f1f0f9a10"
FACT_ID: Final = "0197a1c2-8000-7000-8000-000000000001"
INSTANT: Final = "2026-01-31T00:00:00Z"

_FIRST: Final = "2025-11-03T14:02:11Z"
_LAST: Final = "2026-01-12T09:30:00Z"
_SPEND: Final = {"amount_minor": 20980, "currency": "USD"}
_AVERAGE: Final = {"amount_minor": 5245, "currency": "USD"}
_REFUNDED: Final = {"amount_minor": 1990, "currency": "USD"}
_RATE: Final = {"value": 0.141, "low": 0.127742, "high": 0.155378, "n": 2447}

Answers = dict[int | str, dict[str, Any]]

PROFILE: Final = {
    "customer_id": CUSTOMER_ID,
    "anonymous": False,
    "store_id": "5f0c7a52-8a3e-5d0e-9c1b-2f5a0c7d4e33",
    "registered_at": _FIRST,
    "orders": 4,
    "items": 11,
    "spend": _SPEND,
    "average_order": _AVERAGE,
    "discounted_orders": 2,
    "refunds": 1,
    "refunded": _REFUNDED,
    "foreign_orders": 0,
    "first_order_at": _FIRST,
    "last_order_at": _LAST,
    "active_months": ["2025-11", "2026-01"],
    "segments": ["discount_regulars"],
}
TIMELINE: Final = {
    "items": [
        {
            "entry_id": "8a5b8b1e-1f5d-5c0f-8c84-8f6f2f6d3c21",
            "at": _LAST,
            "kind": "order.placed",
            "order_id": ORDER_ID,
            "details": {
                "external_order_id": "5678",
                "number": "#1005",
                "items": 3,
                "total_minor": 4990,
                "currency": "USD",
            },
        }
    ],
    "next_cursor": None,
}
SEGMENT: Final = {
    "segment_id": SEGMENT_ID,
    "name": "discount_regulars",
    "version": 1,
    "effective_at": _FIRST,
    "rule": {
        "all": [
            {"attribute": "discounted_orders", "op": ">=", "value": 1},
            {"attribute": "items", "op": ">", "value": 2},
            {"attribute": "orders", "op": ">=", "value": 2},
        ]
    },
    "members": 118,
}
SEGMENTS: Final = {"items": [SEGMENT], "next_cursor": None}
MEMBERS: Final = {
    "items": [
        {
            "customer_id": CUSTOMER_ID,
            "entered_at": _LAST,
            "cause_fact_id": FACT_ID,
            "segment_version": 1,
            "left_at": "2026-01-31T18:00:00Z",
        }
    ],
    "next_cursor": None,
}
REPURCHASE: Final = {
    "as_of": INSTANT,
    "cohort_from": "2025-08-04T00:00:00Z",
    "cohort_until": "2025-11-02T00:00:00Z",
    "window_days": 90,
    "rate": _RATE,
    "repurchased": 345,
    "mode": "acquisition",
    "advice": "Few customers come back yet: put most effort into winning new ones.",
    "bands": [
        {"mode": "acquisition", "starts_at_rate": 0.0},
        {"mode": "hybrid", "starts_at_rate": 0.15},
        {"mode": "loyalty", "starts_at_rate": 0.3},
    ],
    "anonymous_customers": 12,
}
RFM: Final = {
    "as_of": INSTANT,
    "groups": [
        {
            "group": "champions",
            "meaning": "bought lately, often and for much",
            "recency_scores": [4, 5],
            "value_scores": [4, 5],
            "customers": 301,
            "orders": 4120,
            "spend": {"amount_minor": 9_120_450, "currency": "USD"},
        }
    ],
    "boundaries": {
        "recency": ["2025-10-01T08:00:00Z", "2025-12-02T08:00:00Z", "2026-01-03T08:00:00Z", "2026-01-21T08:00:00Z"],
        "frequency": [1, 1, 2, 4],
        "monetary": [1000, 2500, 6100, 14000],
    },
    "customers": 2469,
    "anonymous_customers": 12,
}
_BUYER: Final = {
    "customer_id": CUSTOMER_ID,
    "orders": 4,
    "items": 11,
    "spend": _SPEND,
    "first_order_at": _FIRST,
    "last_order_at": _LAST,
}
RFM_CUSTOMERS: Final = {
    "items": [{**_BUYER, "recency": 4, "frequency": 5, "monetary": 5, "value": 5}],
    "next_cursor": None,
}
TOP: Final = {"as_of": INSTANT, "items": [_BUYER], "next_cursor": None}
_BUYERS: Final = {
    "customers": 2469,
    "repeat_customers": 2310,
    "orders": 155848,
    "items": 401233,
    "spend": {"amount_minor": 460_112_345, "currency": "USD"},
    "average_order": {"amount_minor": 2952, "currency": "USD"},
    "discounted_orders": 60123,
    "refunds": 84,
    "refunded": _REFUNDED,
    "foreign_orders": 0,
}
SUMMARY: Final = {
    "as_of": INSTANT,
    "identified": _BUYERS,
    "anonymous": {
        **_BUYERS,
        "customers": 12,
        "repeat_customers": 0,
        "orders": 12,
        "items": 30,
        "spend": _SPEND,
        "average_order": {"amount_minor": 1748, "currency": "USD"},
        "discounted_orders": 0,
        "refunds": 0,
        "refunded": {"amount_minor": 0, "currency": "USD"},
    },
}
REPEAT_SHARE: Final = {
    "as_of": INSTANT,
    "starts_at": "2025-01-31T00:00:00Z",
    "share_of_orders": {"value": 0.612, "low": 0.598, "high": 0.626, "n": 2469},
    "share_of_revenue": {"value": 0.655, "low": 0.639, "high": 0.671, "n": 2469},
    "orders": 5010,
    "repeat_orders": 3066,
    "revenue": {"amount_minor": 12_512_000, "currency": "USD"},
    "repeat_revenue": {"amount_minor": 8_195_360, "currency": "USD"},
    "anonymous_orders": 12,
}


def answer(example: Mapping[str, Any]) -> Answers:
    """`responses=` of an operation that answers like the example."""
    return {200: {"content": {"application/json": {"example": dict(example)}}}}


def table_answer(example: Mapping[str, Any]) -> Answers:
    """The same for an operation that offers CSV too."""
    both = CSV_RESPONSE[200]
    content = {**answer(example)[200]["content"], **both["content"]}
    return {200: {**both, "content": content}}
