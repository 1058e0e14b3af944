"""What the routes about epochs take and give: positions, kinds and ids of events, never what they say."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from libs.eventbus.acceptance import Forgotten
from libs.eventbus.answers import Acceptance
from libs.eventbus.identity import Identity
from libs.eventbus.new_epoch import Ended
from libs.servicekit.ops_documents import LaneNumber, Reason

LISTED_EVENTS: Final = 200


class EpochStart(BaseModel):
    reason: Reason


class EpochStarted(BaseModel):
    """Every lane's next event belongs to this epoch."""

    epoch: int = Field(examples=[48_132])
    lanes: int = Field(examples=[64])


class EndedEpoch(BaseModel):
    """An epoch of this service's own facts that a new one followed."""

    topic: str = Field(examples=["commerce"])
    epoch: int = Field(examples=[0])
    ended_at: datetime
    ended_by: str = Field(examples=["operator-7"])
    reason: str = Field(examples=["restored from last night's backup"])

    @classmethod
    def of(cls, ended: Ended) -> "EndedEpoch":
        return cls.model_validate(ended, from_attributes=True)


class ForgottenEvent(BaseModel):
    """An event that this service passed and its source does not know any more."""

    sequence: int = Field(examples=[345])
    type: str = Field(examples=["order.placed.v1"])
    event_id: UUID


class HaltedLane(BaseModel):
    """A lane that waits for an operator.

    `waits_for`: the source's new epoch, an acceptance of it, or a snapshot where no place is remembered that both
    share. `resumes_after`: where an acceptance would go on. The first 200 forgotten events are listed.
    """

    source: str = Field(examples=["order-ingest"])
    topic: str = Field(examples=["commerce"])
    lane: int = Field(examples=[12])
    mark: int = Field(examples=[345])
    reason: str = Field(examples=["the source does not know sequence 345: was it restored?"])
    halted_at: datetime
    waits_for: Literal["epoch", "acceptance", "snapshot"]
    resumes_after: int | None
    forgotten: int
    events: list[ForgottenEvent]

    @classmethod
    def of(cls, found: Forgotten) -> "HaltedLane":
        plan = found.plan if isinstance(found.plan, Acceptance) else None
        events = (*plan.unsure, *plan.forgotten) if plan else ()
        return cls(
            source=found.halted.lane.source,
            topic=found.halted.lane.topic,
            lane=found.halted.lane.number,
            mark=found.mark,
            reason=found.halted.reason,
            halted_at=found.halted.halted_at,
            waits_for="acceptance" if plan else ("epoch" if found.plan is None else "snapshot"),
            resumes_after=plan.resume.sequence if plan else None,
            forgotten=len(events),
            events=[
                ForgottenEvent(sequence=one.sequence, type=one.type, event_id=one.event_id)
                for one in events[:LISTED_EVENTS]
            ],
        )


class DatabaseIdentity(BaseModel):
    """Which database this is and which one spoke last; where they differ, nothing is said before a new epoch."""

    may_speak: bool
    present: str = Field(examples=["7446251843046129131/00000001/16412"])
    stored: str | None = Field(examples=["7446251843046129131/00000001/16389"])

    @classmethod
    def of(cls, identity: Identity) -> "DatabaseIdentity":
        return cls.model_validate(identity, from_attributes=True)


class Epochs(BaseModel):
    """Both sides: how this service's own facts are numbered, and which lanes of others stand still here."""

    identity: DatabaseIdentity
    ended: list[EndedEpoch]
    halted: list[HaltedLane]


class EpochAcceptance(BaseModel):
    """Of one halted lane, or of all lanes of the topic where `lane` is null."""

    source: str = Field(examples=["order-ingest"])
    topic: str = Field(examples=["commerce"])
    lane: LaneNumber | None = Field(None, examples=[None])
    reason: Reason


class EpochAccepted(BaseModel):
    """`lanes` go on; of `forgotten` events the effects stay; `waiting` lanes cannot be accepted yet."""

    lanes: int
    forgotten: int
    waiting: int
