"""What the bus says about itself: requests on `control`, and records inside every data topic.

None of them concerns a merchant and, epoch.started apart, none counts in a lane: requests are soft state,
records speak about the lane that they stand in. Chains are hexadecimal.
"""

from typing import ClassVar, NamedTuple
from uuid import UUID

from libs.contracts.fact import DATA_TOPICS, Fact, Instant


class RewindRequestedV1(Fact):
    """A consumer group misses records of a lane: `to` is the last sequence that it applied."""

    TYPE: ClassVar[str] = "rewind.requested.v1"
    TOPIC: ClassVar[str] = "control"
    SUBJECT: ClassVar[str] = "source"

    source: str
    topic: str
    lane: int
    to: int
    group: str
    requested_at: Instant


class LaneVerifyV1(Fact):
    """A consumer group asks the source whether it ever said this position of a lane."""

    TYPE: ClassVar[str] = "lane.verify.v1"
    TOPIC: ClassVar[str] = "control"
    SUBJECT: ClassVar[str] = "source"

    source: str
    topic: str
    lane: int
    sequence: int
    chain: str
    nonce: str
    group: str
    requested_at: Instant


class GroupReportedV1(Fact):
    """A consumer group's marks on one source and topic: lane -> last sequence applied."""

    TYPE: ClassVar[str] = "group.reported.v1"
    TOPIC: ClassVar[str] = "control"
    SUBJECT: ClassVar[str] = "source"

    source: str
    topic: str
    group: str
    marks: dict[int, int]
    reported_at: Instant


class LaneHead(NamedTuple):
    """A lane as its source holds it: what the outbox still has (`floor`) and what it said last (`head`)."""

    epoch: int
    floor: int
    head: int
    chain: str


class BusWatermarkV1(Fact):
    """How far the lanes of one partition reach: a lost tail is found even when nothing follows it."""

    TYPE: ClassVar[str] = "bus.watermark.v1"
    TOPIC: ClassVar[str] = DATA_TOPICS
    SUBJECT: ClassVar[str] = "partition"

    source: str
    topic: str
    partition: int
    lanes: dict[int, LaneHead]
    at: Instant


class BusRewoundV1(Fact):
    """The relay went back: what follows in this lane starts right after `to`."""

    TYPE: ClassVar[str] = "bus.rewound.v1"
    TOPIC: ClassVar[str] = DATA_TOPICS
    SUBJECT: ClassVar[str] = "lane"

    source: str
    topic: str
    lane: int
    to: int
    at: Instant


class BusRefusedV1(Fact):
    """The source cannot go back that far: it holds nothing below `floor`."""

    TYPE: ClassVar[str] = "bus.refused.v1"
    TOPIC: ClassVar[str] = DATA_TOPICS
    SUBJECT: ClassVar[str] = "lane"

    source: str
    topic: str
    lane: int
    floor: int
    at: Instant


class BusVerifiedV1(Fact):
    """The source's answer to lane.verify: `known` says whether it stands by that position."""

    TYPE: ClassVar[str] = "bus.verified.v1"
    TOPIC: ClassVar[str] = DATA_TOPICS
    SUBJECT: ClassVar[str] = "lane"

    source: str
    topic: str
    lane: int
    sequence: int
    nonce: str
    known: bool
    at: Instant


class Ancestor(NamedTuple):
    """Where an earlier epoch of the lane ended."""

    epoch: int
    last_sequence: int
    chain: str


class EpochStartedV1(Fact):
    """The source was restored: the lane goes on in a new epoch, descended from `lineage`.

    `waypoints`: places on the way, the newest without a gap and older ones ever sparser. A reader that went on along
    another branch finds there the last place that both share.
    """

    TYPE: ClassVar[str] = "epoch.started.v1"
    TOPIC: ClassVar[str] = DATA_TOPICS
    SUBJECT: ClassVar[str] = "lane"

    source: str
    topic: str
    lane: int
    epoch: int
    lineage: tuple[Ancestor, ...]
    waypoints: tuple[Ancestor, ...] = ()
    incarnation: UUID | None = None
    at: Instant


FACTS: tuple[type[Fact], ...] = (
    RewindRequestedV1,
    LaneVerifyV1,
    GroupReportedV1,
    BusWatermarkV1,
    BusRewoundV1,
    BusRefusedV1,
    BusVerifiedV1,
    EpochStartedV1,
)
