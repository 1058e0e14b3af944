"""The canonical order: the one JSON shape of our own hook (`/v1/hooks/standard/...`) and of history imports.

One object is one *version of the whole order*: state, not a delta. Versions may come in any order and any number
of times; the highest `updated_at` wins. Rules that hold for every field:

- money is an integer in minor units of the order's `currency` (`*_minor`); floats are refused;
- instants are RFC 3339 with an offset (`*_at`); `birth_on` is a local date;
- ids are the sender's own, as strings;
- what is unknown is left out or null; unknown fields are ignored.

`lines[].total_minor` is what was paid for that line's goods after its discounts (tax inside only if `tax_included`).
The order's total is the sum of its lines, plus `shipping_minor`, plus `tax_minor` unless `tax_included`. A
`total_minor` beside that is optional and then checked.
"""

from collections.abc import Mapping
from typing import Any, Final

ORDER_TYPES: Final = frozenset({"order.created", "order.updated", "order.paid", "order.cancelled"})
"""Event types whose `data` is a whole order."""

ORDER_DELETED: Final = "order.deleted"
REFUND_CREATED: Final = "refund.created"
CUSTOMER_TYPES: Final = frozenset({"customer.created", "customer.updated"})
PRODUCT_TYPES: Final = frozenset({"product.created", "product.updated"})
CONSENT_CAPTURED: Final = "consent.captured"
DEPENDANT_RECORDED: Final = "dependant.recorded"
FULFILMENT_TYPES: Final = frozenset({"fulfilment.created", "fulfilment.updated"})
RETURN_TYPES: Final = frozenset({"return.requested", "return.updated", "return.closed"})
RETURN_OUTCOMES: Final = frozenset({"closed", "declined", "cancelled"})

FINANCIAL_STATUSES: Final = frozenset(
    {"pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided"}
)
PAID_STATUSES: Final = frozenset({"paid", "partially_refunded", "refunded"})
"""An order in one of these was paid in full at some time."""

EXAMPLE_REFUND: Final[Mapping[str, Any]] = {
    "id": "R-77",
    "at": "2026-05-09T12:00:00Z",
    "reason": "damaged",
    "lines": [{"line_id": "1", "quantity": 1, "amount_minor": 1799, "tax_minor": 0}],
    "shipping_minor": 0,
    "amount_minor": 1799,
}

EXAMPLE_FULFILMENT: Final[Mapping[str, Any]] = {
    "id": "F-1",
    "shipped_at": "2026-05-03T08:00:00Z",
    "delivered_at": "2026-05-05T14:20:00Z",
    "lines": [{"line_id": "1", "quantity": 2}],
}

EXAMPLE_RETURN: Final[Mapping[str, Any]] = {
    "id": "RT-5",
    "requested_at": "2026-05-07T09:00:00Z",
    "closed_at": "2026-05-09T11:58:00Z",
    "outcome": "closed",
    "reason": "damaged",
    "lines": [{"line_id": "1", "quantity": 1}],
}

EXAMPLE_PRODUCT: Final[Mapping[str, Any]] = {
    "id": "P-7",
    "updated_at": "2026-05-01T08:00:00Z",
    "title": "Mug",
    "brand": "Acme",
    "category_path": ["Kitchen", "Mugs"],
    "material": "stoneware",
    "category_type": "durable",
    "units": 1,
    "daily_use": None,
    "care_tips": ["Dishwasher safe"],
    "price_minor": 1999,
    "currency": "USD",
}
"""`daily_use`: how much of one piece a day takes, as text: "0.02" of a 500 g pack."""

EXAMPLE_CUSTOMER: Final[Mapping[str, Any]] = {
    "id": "C-9",
    "email": "ann@example.com",
    "phone": "+12125550123",
    "given_name": "Ann",
    "family_name": "Smith",
    "locale": "en-US",
    "time_zone": "America/New_York",
    "birth_on": "1990-02-28",
    "accepts_marketing": True,
    "consents": [{"channel": "email", "state": "subscribed", "at": "2026-05-01T09:00:00Z", "source": "checkout"}],
}

EXAMPLE_ORDER: Final[Mapping[str, Any]] = {
    "id": "A-1001",
    "number": "#1001",
    "updated_at": "2026-05-09T12:00:00Z",
    "placed_at": "2026-05-02T10:15:00Z",
    "paid_at": "2026-05-02T10:15:03Z",
    "cancelled_at": None,
    "cancel_reason": None,
    "financial_status": "partially_refunded",
    "currency": "USD",
    "tax_included": False,
    "test": False,
    "channel": "online_store",
    "acquisition": {"source": "newsletter", "cost_minor": 120},
    "discount_codes": ["SPRING"],
    "shipping_minor": 500,
    "tax_minor": 320,
    "total_minor": 4418,
    "points_used": 0,
    "customer": EXAMPLE_CUSTOMER,
    "lines": [
        {
            "id": "1",
            "product_id": "P-7",
            "variant": "blue",
            "title": "Mug",
            "quantity": 2,
            "unit_price_minor": 1999,
            "discount_minor": 400,
            "tax_minor": 320,
            "total_minor": 3598,
            "gift_card": False,
            "unit_cost_minor": 800,
            "brand": "Acme",
            "category_path": ["Kitchen", "Mugs"],
            "material": "stoneware",
            "category_type": "durable",
            "units": 1,
        }
    ],
    "refunds": [EXAMPLE_REFUND],
    "fulfilments": [EXAMPLE_FULFILMENT],
    "returns": [EXAMPLE_RETURN],
}
"""Every field there is. The least that is accepted: id, updated_at, placed_at, currency, and of each line id,
title, quantity and total_minor."""
