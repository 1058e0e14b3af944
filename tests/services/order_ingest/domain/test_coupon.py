"""Which coupons can be made at a store, and what keeps the others from it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.order_ingest.domain.coupon import Coupon, objection, without_codes

NOW = datetime(2026, 5, 2, 10, 15, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def coupon(**changes: Any) -> Coupon:
    stated = {
        "coupon_id": UUID(int=7),
        "kind": "amount",
        "amount_minor": 500,
        "percent": None,
        "currency": "EUR",
        "minimum_minor": None,
        "starts_at": NOW,
        "ends_at": None,
    }
    return Coupon(**{**stated, **changes})


PERCENT: dict[str, Any] = {"kind": "percentage", "amount_minor": None, "percent": Decimal(10)}
FREE: dict[str, Any] = {"kind": "free_shipping", "amount_minor": None}


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "EUR"},
        {**PERCENT, "currency": "JPY"},
        {**FREE, "currency": "JPY"},
        {**PERCENT, "percent": Decimal(100)},
        {**PERCENT, "percent": Decimal("0.5")},
        {"ends_at": NOW + SECOND},
        {"starts_at": NOW + SECOND},
        {**FREE, "minimum_minor": 0, "currency": "JPY"},
        {"minimum_minor": 1},
    ],
)
def test_what_can_be_made(changes: dict[str, Any]) -> None:
    assert objection(coupon(**changes), store_currency="EUR", now=NOW) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"currency": "USD"}, "the coupon is in USD, and the store sells in EUR"),
        ({**PERCENT, "minimum_minor": 1, "currency": "USD"}, "the coupon is in USD, and the store sells in EUR"),
        ({**FREE, "minimum_minor": 1, "currency": "USD"}, "the coupon is in USD, and the store sells in EUR"),
        ({"amount_minor": 0}, "the coupon has no amount"),
        ({"amount_minor": None}, "the coupon has no amount"),
        ({"amount_minor": -5}, "the coupon has no amount"),
        ({**PERCENT, "percent": Decimal(0)}, "the coupon's percentage is not above 0 and up to 100"),
        ({**PERCENT, "percent": Decimal("100.1")}, "the coupon's percentage is not above 0 and up to 100"),
        ({**PERCENT, "percent": None}, "the coupon's percentage is not above 0 and up to 100"),
        ({"minimum_minor": -1}, "the coupon's minimum is negative"),
        ({"ends_at": NOW}, "the coupon has ended"),
        ({"starts_at": NOW + 2 * SECOND, "ends_at": NOW + SECOND}, "the coupon has ended"),
    ],
)
def test_what_cannot_and_why(changes: dict[str, Any], reason: str) -> None:
    assert objection(coupon(**changes), store_currency="EUR", now=NOW) == reason


def test_amounts_have_the_currencys_own_decimals() -> None:
    assert [str(coupon(currency=currency).amount) for currency in ("EUR", "JPY", "KWD")] == ["5.00", "500", "0.500"]
    assert str(coupon(minimum_minor=1999).minimum) == "19.99"
    assert coupon(**PERCENT).share == Decimal("0.1")


def test_platforms_without_codes_say_why() -> None:
    assert without_codes("magento") == "codes can be made at Shopify and WooCommerce only"
    assert without_codes("shoplazza").startswith("Shoplazza's API ")
