"""Facts of segmentation: who belongs where."""

from typing import ClassVar
from uuid import UUID

from libs.contracts.fact import Fact, Instant


class _SegmentMove(Fact):
    """What both moves tell; `cause_fact_ids` are the facts that the decision was taken on."""

    customer_id: UUID
    segment_id: UUID
    segment_version: int
    name: str
    at: Instant
    cause_fact_ids: tuple[UUID, ...] = ()
    author: str | None = None


class SegmentEnteredV1(_SegmentMove):
    """The customer fits the segment's rule now."""

    TYPE: ClassVar[str] = "segment.entered.v1"
    TOPIC: ClassVar[str] = "segmentation"
    SUBJECT: ClassVar[str] = "customer_id"


class SegmentLeftV1(_SegmentMove):
    """The customer no longer fits the segment's rule."""

    TYPE: ClassVar[str] = "segment.left.v1"
    TOPIC: ClassVar[str] = "segmentation"
    SUBJECT: ClassVar[str] = "customer_id"


FACTS: tuple[type[Fact], ...] = (SegmentEnteredV1, SegmentLeftV1)
