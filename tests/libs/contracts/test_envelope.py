"""Headers say everything that the envelope says, and refuse to be garbage."""

from dataclasses import replace
from uuid import UUID

import pytest

from libs.contracts.commerce import OrderPaidV1
from libs.contracts.envelope import (
    Cause,
    Envelope,
    EnvelopeError,
    Event,
    Position,
    from_headers,
    record_key,
    to_headers,
)
from tests.libs.contracts.examples import AT, CUSTOMER, FACT, LATER, MERCHANT, examples

POSITION = Position(source="order-ingest", topic="commerce", lane=7, sequence=42, chain=bytes(range(16)))
ENVELOPE = Envelope(
    id=FACT,
    source="order-ingest",
    type="order.paid.v1",
    subject=str(CUSTOMER),
    merchant_id=MERCHANT,
    occurred_at=AT,
    recorded_at=LATER,
    origin="backfill",
    correlation_id="request-1",
    causation_id=UUID(int=9),
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
)
BARE = replace(ENVELOPE, causation_id=None, traceparent=None)


@pytest.mark.parametrize("envelope", [ENVELOPE, BARE], ids=["full", "bare"])
@pytest.mark.parametrize("position", [POSITION, None], ids=["in a lane", "soft"])
def test_headers_round_trip(envelope: Envelope, position: Position | None) -> None:
    headers = to_headers(envelope, position)

    assert from_headers(headers) == (envelope, position)


def test_headers_have_cloudevents_names() -> None:
    headers = to_headers(ENVELOPE, POSITION)

    assert headers["ce_specversion"] == "1.0"
    assert headers["ce_time"] == "2026-03-09T12:30:15.250000Z"
    assert headers["ce_sequence"] == "42"
    assert headers["ce_chain"] == "000102030405060708090a0b0c0d0e0f"


@pytest.mark.parametrize("header", [name for name in to_headers(BARE, POSITION) if name.startswith("ce_")])
def test_missing_header_is_an_envelope_error(header: str) -> None:
    headers = to_headers(BARE, POSITION)
    del headers[header]

    if header in {"ce_specversion", "ce_sequence"}:
        assert from_headers(headers)[0] == BARE
    else:
        with pytest.raises(EnvelopeError, match=header):
            from_headers(headers)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("ce_id", "not-a-uuid"),
        ("ce_merchantid", ""),
        ("ce_time", "2026-03-09T12:30:15"),
        ("ce_recordedtime", "yesterday"),
        ("ce_origin", "guess"),
        ("ce_lane", "seven"),
        ("ce_sequence", "4.2"),
        ("ce_chain", "xyz"),
        ("ce_causationid", "42"),
    ],
)
def test_unreadable_header_is_an_envelope_error(header: str, value: str) -> None:
    with pytest.raises(EnvelopeError):
        from_headers(to_headers(ENVELOPE, POSITION) | {header: value})


def test_event_becomes_the_cause_of_its_answers() -> None:
    fact = examples()["order.paid.v1"]
    assert isinstance(fact, OrderPaidV1)

    event = Event(envelope=ENVELOPE, fact=fact, position=POSITION)

    assert (event.id, event.merchant_id, event.origin) == (FACT, MERCHANT, "backfill")
    assert event.as_cause() == Cause(
        id=FACT, origin="backfill", correlation_id="request-1", traceparent=ENVELOPE.traceparent
    )


def test_record_key_names_merchant_and_subject() -> None:
    assert record_key(MERCHANT, "p-1") == f"{MERCHANT}:p-1"
