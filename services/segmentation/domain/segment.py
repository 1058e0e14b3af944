"""A segment, the version of its rule that is in force, and a customer's stay in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.kernel.identifiers import derived_id
from services.segmentation.domain.segment_rule import DISCOUNT_REGULARS, Predicate, predicate

DEFAULT_NAME = "discount_regulars"


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment by the version in force; `fits` is its rule as a function."""

    segment_id: UUID
    name: str
    version: int
    rule: Mapping[str, Any]
    fits: Predicate


@dataclass(frozen=True, slots=True)
class Stay:
    """One customer's interval in one segment, [entered_at, left_at); the causes are the facts that decided.

    `entered_by` names the interval: one fact lets a customer into a segment at most once.
    """

    segment_id: UUID
    customer_id: UUID
    version: int
    entered_at: datetime
    entered_by: UUID
    left_at: datetime | None = None
    left_by: UUID | None = None


def segment(segment_id: UUID, name: str, version: int, rule: Mapping[str, Any]) -> Segment:
    """The segment with its rule checked.

    Raises: InvalidRule.
    """
    return Segment(segment_id, name, version, rule, predicate(rule))


def default_segment(merchant_id: UUID) -> Segment:
    """The segment that every merchant starts with."""
    return segment(derived_id(merchant_id, "segment", DEFAULT_NAME), DEFAULT_NAME, 1, DISCOUNT_REGULARS)
