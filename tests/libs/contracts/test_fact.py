"""What every fact can do."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from libs.contracts.commerce import OrderPaidV1, OrderPlacedV1
from tests.libs.contracts.examples import AT, CUSTOMER, ORDER, STORE, examples

PAID = OrderPaidV1(customer_id=CUSTOMER, order_id=ORDER, store_id=STORE, currency="CNY", at=AT, version=1)


def test_subject_is_the_key_as_text() -> None:
    assert PAID.subject == str(CUSTOMER)


def test_fact_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        PAID.version = 2  # type: ignore[misc]


def test_instants_are_told_in_utc_with_z() -> None:
    shanghai = timezone(timedelta(hours=8))

    paid = PAID.model_copy(update={"at": datetime(2026, 3, 9, 20, 30, tzinfo=shanghai)})

    assert b'"at":"2026-03-09T12:30:00Z"' in paid.to_bytes()
    assert OrderPaidV1.from_bytes(paid.to_bytes()).at == datetime(2026, 3, 9, 12, 30, tzinfo=UTC)


def test_instant_without_a_time_zone_is_refused() -> None:
    told = PAID.to_bytes().replace(b"15.250000Z", b"15")

    with pytest.raises(ValidationError):
        OrderPaidV1.from_bytes(told)


def test_error_of_a_malformed_fact_shows_no_personal_data() -> None:
    order = examples()["order.placed.v1"].to_bytes()

    with pytest.raises(ValidationError) as malformed:
        OrderPlacedV1.from_bytes(order.replace(b'"version":', b'"version":"ada@example.com","was":'))

    assert "ada@example.com" not in str(malformed.value)
