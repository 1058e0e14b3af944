"""A customer is in the segments that its counters fit, and every move is told once."""

from datetime import datetime
from uuid import UUID

from libs.contracts.envelope import Event, Said
from libs.contracts.fact import Fact
from libs.contracts.segmentation import SegmentEnteredV1, SegmentLeftV1
from services.segmentation.application.workspace import Shop, Workspace
from services.segmentation.domain.segment import Segment, Stay
from services.segmentation.domain.timeline import Entry, entry_id


def keep_segments(workspace: Workspace, shop: Shop, customer_id: UUID, event: Event[Fact]) -> None:
    """The customer's stays fit its counters after `event`; an absorbed customer is in no segment."""
    customer = shop.customers[customer_id]
    for segment in shop.segments.values():
        fits = customer.merged_into is None and segment.fits(customer.counters)
        stay = shop.stays.get((segment.segment_id, customer_id))
        if fits and stay is None:
            _enter(workspace, shop, segment, customer_id, event)
        elif not fits and stay is not None:
            _leave(workspace, shop, segment, stay, event)


def _enter(workspace: Workspace, shop: Shop, segment: Segment, customer_id: UUID, event: Event[Fact]) -> None:
    at = event.envelope.occurred_at
    stay = Stay(segment.segment_id, customer_id, segment.version, at, event.id)
    shop.stays[segment.segment_id, customer_id] = stay
    workspace.said.append(
        Said(
            SegmentEnteredV1(
                customer_id=customer_id,
                segment_id=segment.segment_id,
                segment_version=segment.version,
                name=segment.name,
                at=at,
                cause_fact_ids=(event.id,),
            ),
            shop.merchant_id,
            at,
            cause=event.as_cause(),
        )
    )
    shop.note(_entry(segment, customer_id, "segment.entered", at, event.id))


def _leave(workspace: Workspace, shop: Shop, segment: Segment, stay: Stay, event: Event[Fact]) -> None:
    # History may be told out of order: an interval never ends before it began.
    at = max(stay.entered_at, event.envelope.occurred_at)
    del shop.stays[segment.segment_id, stay.customer_id]
    shop.ended.append(
        Stay(stay.segment_id, stay.customer_id, stay.version, stay.entered_at, stay.entered_by, at, event.id)
    )
    workspace.said.append(
        Said(
            SegmentLeftV1(
                customer_id=stay.customer_id,
                segment_id=segment.segment_id,
                segment_version=segment.version,
                name=segment.name,
                at=at,
                cause_fact_ids=(event.id,),
            ),
            shop.merchant_id,
            at,
            cause=event.as_cause(),
        )
    )
    shop.note(_entry(segment, stay.customer_id, "segment.left", at, event.id))


def _entry(segment: Segment, customer_id: UUID, kind: str, at: datetime, cause: UUID) -> Entry:
    about = entry_id(segment.segment_id, kind, str(customer_id), str(cause))
    details = {"segment_id": str(segment.segment_id), "name": segment.name, "version": segment.version}
    return Entry(about, customer_id, at, kind, None, details)
