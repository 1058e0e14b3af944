"""Fulfilments and returns in our own JSON, translated."""

from services.order_ingest.domain.canonical import RETURN_OUTCOMES
from services.order_ingest.domain.changes import LineQuantity, Movement
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.reading import Object, each, instant, integer, own_id, text


def fulfilment(source: Object) -> Movement:
    """One parcel; either time may still be unknown, but not both."""
    shipped_at, delivered_at = instant(source, "shipped_at"), instant(source, "delivered_at")
    if shipped_at is None and delivered_at is None:
        raise Malformed("is missing, and so is delivered_at", "/shipped_at")
    return Movement(
        external_id=own_id(source, "id"),
        began_at=shipped_at,
        ended_at=delivered_at,
        lines=tuple(each(source, "lines", _line)),
    )


def returned(source: Object) -> Movement:
    """One return. Without `outcome`, one that has ended was dealt with."""
    requested_at, closed_at = instant(source, "requested_at"), instant(source, "closed_at")
    if requested_at is None and closed_at is None:
        raise Malformed("is missing, and so is closed_at", "/requested_at")
    outcome = text(source, "outcome")
    if outcome is not None and outcome not in RETURN_OUTCOMES:
        raise Malformed(f"must be one of {', '.join(sorted(RETURN_OUTCOMES))}", "/outcome")
    return Movement(
        external_id=own_id(source, "id"),
        began_at=requested_at,
        ended_at=closed_at,
        lines=tuple(each(source, "lines", _line)),
        reason=text(source, "reason", length=100),
        outcome=outcome if closed_at else None,
    )


def _line(source: Object) -> LineQuantity:
    return LineQuantity(own_id(source, "line_id"), integer(source, "quantity", least=0))
