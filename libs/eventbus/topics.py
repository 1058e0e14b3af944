"""What a topic must be like on a transport that others could set up wrongly: Kafka."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from libs.contracts.registry import TOPICS

DAY_SECONDS: Final = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be. `min_isr` is for three brokers and more; fewer cannot keep that many copies in step.

    `retention_seconds`: how long a record stays at least.
    """

    name: str
    partitions: int
    retention_seconds: int
    min_isr: int


KAFKA_TOPICS: Final[Sequence[TopicSpec]] = tuple(
    TopicSpec(name, partitions=1, retention_seconds=DAY_SECONDS, min_isr=2)
    if name == "control"
    else TopicSpec(name, partitions=12, retention_seconds=7 * DAY_SECONDS, min_isr=2)
    for name in TOPICS
)
"""Every topic of the contracts. The same as deploy/topics.yaml says, where a container's service cannot read it: who
meets a wiped cluster makes it anew by this list (a test compares the two)."""


def prefixed(topics: Sequence[TopicSpec], prefix: str) -> Sequence[TopicSpec]:
    """The same topics, by their names on a cluster that several systems share."""
    return [replace(topic, name=f"{prefix}.{topic.name}") for topic in topics] if prefix else topics
