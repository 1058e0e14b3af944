"""An order's goods on their way, as HTTP shows them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from services.order_ingest.domain.changes import Movement


class FulfilmentOut(BaseModel):
    """A parcel as all sightings together tell it."""

    external_id: str = Field(examples=["F-1"])
    shipped_at: datetime | None
    delivered_at: datetime | None
    lines: list[dict[str, Any]]

    @classmethod
    def of(cls, found: Movement) -> "FulfilmentOut":
        return cls(
            external_id=found.external_id,
            shipped_at=found.began_at,
            delivered_at=found.ended_at,
            lines=[line._asdict() for line in found.lines],
        )


class ReturnOut(BaseModel):
    """A return as all sightings together tell it."""

    external_id: str = Field(examples=["RT-5"])
    requested_at: datetime | None
    closed_at: datetime | None
    outcome: str | None = Field(examples=["closed"], description="closed, declined or cancelled, once it has ended.")
    reason: str | None = Field(examples=["damaged"])
    lines: list[dict[str, Any]]

    @classmethod
    def of(cls, found: Movement) -> "ReturnOut":
        return cls(
            external_id=found.external_id,
            requested_at=found.began_at,
            closed_at=found.ended_at,
            outcome=found.outcome,
            reason=found.reason,
            lines=[line._asdict() for line in found.lines],
        )
