"""What the ops routes take and give."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from libs.eventbus.lanes import LANES
from libs.eventbus.parked import ParkedEvent, Place

Told = dict[int | str, dict[str, Any]]
"""FastAPI's type for answers that a route describes beside its success."""

_NOT_PARKED: Final[Told] = {404: {"description": "`not-found`: no such parked event, or another merchant's"}}
_NOT_THE_PLATFORM: Final[Told] = {
    403: {"description": "`missing-scope`; `platform-required`: the token has a merchant"}
}
SHOW_PROBLEMS: Final[Told] = {**_NOT_PARKED}
RESOLVE_PROBLEMS: Final[Told] = {
    **_NOT_PARKED,
    409: {
        "description": "`already-resolved`: it was replayed or discarded meanwhile; `no-merchant`: it names none, "
        "so only a skip lets its lane go on"
    },
}
SKIP_PROBLEMS: Final[Told] = {
    **_NOT_THE_PLATFORM,
    404: {"description": "`not-found`: this service does not read such a lane"},
    409: {"description": "`not-the-next`: the lane waits for another event; the detail says where it stands"},
}
REWIND_PROBLEMS: Final[Told] = {
    **_NOT_THE_PLATFORM,
    404: {"description": "`not-found`: this service tells no such topic or lane"},
}

Reason = Annotated[str, Field(min_length=3, max_length=500, examples=["the product was deleted on purpose"])]
LaneNumber = Annotated[int, Field(ge=0, lt=LANES)]
HIGHEST_SEQUENCE = 2**63 - 1


class UntoldOut(BaseModel):
    """Facts committed here that the relay has not handed to the bus yet."""

    bus: str = Field(examples=["postgres"])
    topic: str = Field(examples=["commerce"])
    lanes_behind: int = Field(description="Lanes with such facts.")
    unpublished: int = Field(description="How many facts wait.")
    oldest_seconds: float | None = Field(description="How long the oldest has waited; null if none waits.")


class ReadingOut(BaseModel):
    """How far this service has read a topic; `unread` is null where the bus cannot be asked."""

    source: str = Field(examples=["order-ingest"])
    topic: str = Field(examples=["commerce"])
    unread: int | None = Field(description="Records on the bus that were not read yet.")
    lanes_with_gap: int = Field(
        description="Lanes that wait for an event that the bus has not brought. The source is asked for it by itself; "
        "one that stays for minutes needs a person."
    )
    last_applied_at: datetime | None
    parked: int = Field(description="Events that failed or wait behind one that did.")


class Lag(BaseModel):
    """Both sides of the bus as this service sees them."""

    telling: list[UntoldOut]
    reading: list[ReadingOut]


class ParkedOut(BaseModel):
    """An event that failed, or one that waits behind a failed one of the same subject."""

    id: str = Field(examples=["order-ingest.commerce.12.345"])
    source: str = Field(examples=["order-ingest"])
    topic: str = Field(examples=["commerce"])
    lane: int = Field(examples=[12])
    sequence: int = Field(examples=[345])
    merchant_id: UUID | None
    subject: str = Field(
        description="Events of one subject keep their order: behind a failed one they wait.",
        examples=["0190a5b0-7c1e-7c3a-9d0e-3b8f6f1f2a10:0c8f3f0e-9d7a-5b53-8f6e-6a4f1f0f9a10"],
    )
    error: str | None = Field(description="Why it failed, without personal data.")
    failed: bool = Field(description="False: it was never tried, it waits behind a failed one.")
    status: Literal["parked", "replayed", "discarded"]
    parked_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    reason: str | None

    @classmethod
    def of(cls, event: ParkedEvent) -> "ParkedOut":
        return cls.model_validate(_columns(event))


class ParkedDetail(ParkedOut):
    """The same with the event itself; personal data in it stays sealed."""

    event: Any

    @classmethod
    def of(cls, event: ParkedEvent) -> "ParkedDetail":
        return cls.model_validate({**_columns(event), "event": event.event})


class Discard(BaseModel):
    reason: Reason


class Skip(BaseModel):
    """A lane that cannot go on: `sequence` is the event that it waits for, and will not get."""

    source: str = Field(examples=["order-ingest"])
    topic: str = Field(examples=["commerce"])
    lane: LaneNumber
    sequence: int = Field(ge=1, le=HIGHEST_SEQUENCE, examples=[345])
    reason: Reason


class Rewind(BaseModel):
    """Hand everything after `published` to the bus again: of one lane, or of all where `lane` is null."""

    topic: str = Field(examples=["loyalty"])
    lane: LaneNumber | None = Field(None, description="null: every lane of the topic.")
    published: int = Field(
        0,
        ge=0,
        le=HIGHEST_SEQUENCE,
        description="The last event of the lane that is not handed over again; 0: all are.",
    )
    reason: Reason


class Done(BaseModel):
    """How many lanes were changed."""

    lanes: int


class Accepted(BaseModel):
    """The work goes on as this job."""

    job_id: UUID


def place_id(place: Place) -> str:
    """The name of a parked event over HTTP: `order-ingest.commerce.12.345`."""
    return f"{place.source}.{place.topic}.{place.lane}.{place.sequence}"


def place_of(parked_id: str) -> Place:
    """The place that the name names.

    Raises:
        ValueError: it names none.
    """
    source, topic, lane, sequence = parked_id.split(".")
    return Place(source, topic, int(lane), int(sequence))


def _columns(event: ParkedEvent) -> dict[str, Any]:
    return {
        "id": place_id(event.place),
        "source": event.place.source,
        "topic": event.place.topic,
        "lane": event.place.lane,
        "sequence": event.place.sequence,
        "merchant_id": event.merchant_id,
        "subject": event.subject,
        "error": event.error,
        "failed": event.failed,
        "status": event.status,
        "parked_at": event.parked_at,
        "resolved_at": event.resolved_at,
        "resolved_by": event.resolved_by,
        "reason": event.reason,
    }
