"""Records that the bus writes about itself: markers inside data topics, requests on `control`."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from libs.contracts.envelope import NO_MERCHANT, Envelope, record_key
from libs.contracts.fact import Fact
from libs.eventbus.outbox import headers_text
from libs.eventbus.port import Outgoing

CONTROL = "control"


def bus_record(
    fact: Fact, *, source: str, topic: str, lane: int, now: datetime, new_id: Callable[[], UUID]
) -> Outgoing:
    """The fact as a record of `source` behind the data of that lane; it has no place in the lane itself."""
    envelope = bus_envelope(fact, event_id=new_id(), source=source, now=now)
    return Outgoing(topic, lane, record_key(NO_MERCHANT, fact.subject), headers_text(envelope, None), fact.to_bytes())


def bus_envelope(fact: Fact, *, event_id: UUID, source: str, now: datetime) -> Envelope:
    """Around what a bus says of itself: no merchant's, and nobody's answer."""
    return Envelope(
        id=event_id,
        source=source,
        type=fact.TYPE,
        subject=fact.subject,
        merchant_id=NO_MERCHANT,
        occurred_at=now,
        recorded_at=now,
        origin="live",
        correlation_id=str(event_id),
    )
