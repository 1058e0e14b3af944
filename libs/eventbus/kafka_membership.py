"""Belonging to a Kafka group: what is assigned, how it is handed over, and how a member leaves that cannot."""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Mapping
from typing import Any, Final

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from libs.eventbus.errors import BusError
from libs.eventbus.kafka_sending import end
from libs.eventbus.waiting import wait

_log = logging.getLogger(__name__)

HANDOVER_SECONDS: Final = 5.0
LEAVE_SECONDS: Final = 3.0
"""A member that is known by its instance tells nobody that it leaves: there is little to wait for."""
_TASKS: Final = ("_coordination_task", "_heartbeat_task", "_commit_refresh_task")


class WholeTopics(RoundRobinPartitionAssignor):  # type: ignore[misc]  # aiokafka ships no types
    """Round robin that fails while a topic is missing, as after a broker lost its disk, instead of assigning nothing.

    A static member that joins again is given the group's last assignment unseen. If that was an empty one, nobody
    would look at the topics any more, and it would stay empty for ever.
    """

    @classmethod
    def assign(cls, cluster: ClusterMetadata, members: Mapping[str, Any]) -> Any:
        """As aiokafka's own. Raises: BusError: a topic has no partitions; the session ends and makes it."""
        topics = {topic for member in members.values() for topic in member.subscription}
        missing = sorted(topic for topic in topics if not cluster.partitions_for_topic(topic))
        if missing:
            raise BusError(f"the cluster has no {', '.join(missing)}")
        return super().assign(cluster, members)


class BatchesOut:
    """How many fetched batches are still being applied; a rebalance waits for them, but not for long."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    def handed(self) -> None:
        """A fetch brought records."""
        self._count += 1
        self._none.clear()

    def returned(self) -> None:
        """A batch came to its end."""
        self._count = max(0, self._count - 1)
        if not self._count:
            self._none.set()

    async def returned_all(self) -> bool:
        """True once nothing is out, False if it takes longer than the group can wait."""
        return await wait(self._none, HANDOVER_SECONDS)


class ReadSince:
    """From where on each partition was read since the group assigned it last.

    A position from before is another owner's business: who slept through a rebalance and commits what it read before
    would set the group back behind what others committed, and nobody would read those records again to say so.
    """

    def __init__(self) -> None:
        self._first: dict[TopicPartition, int] = {}

    def forget(self) -> None:
        """The partitions are assigned anew."""
        self._first.clear()

    def read(self, place: TopicPartition, offset: int) -> None:
        """The record at the offset was read."""
        self._first[place] = min(offset, self._first.get(place, offset))

    def covers(self, place: TopicPartition, position: int) -> bool:
        """Whether something that lies before the position was read."""
        return place in self._first and position > self._first[place]


class Handover(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Gives a batch under way the time to commit before its partition goes to another member.

    Nothing is sought and nothing committed here: committed offsets are only where reading starts. Without this wait
    nothing would break either, the next owner would only read some records twice.
    """

    def __init__(self, group: str, out: BatchesOut, since: ReadSince) -> None:
        self._group = group
        self._out = out
        self._since = since

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Returns once the running batches ended, after 5 s at the latest."""
        if revoked and not await self._out.returned_all():
            _log.warning("eventbus_handover_unfinished", extra={"group": self._group})
        self._since.forget()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Reading starts where the group committed; marks judge."""
        self._since.forget()


async def leave(consumer: Any, *, for_good: bool) -> None:
    """The consumer is stopped. One that hangs is taken apart: its tasks would go on reading and asking for ever.

    `for_good`: the group need not wait for this member to come back, as it does for one that died.
    """
    if for_good:
        consumer._coordinator._group_instance_id = None  # the client leaves silently else, and others wait in vain
    await end(consumer.stop, LEAVE_SECONDS)
    coordinator = consumer._coordinator  # no public way leads to the tasks
    left = [getattr(coordinator, name, None) for name in _TASKS]
    running = [task for task in left if task is not None and not task.done()]
    if running:
        _log.warning("eventbus_consumer_taken_apart", extra={"count": len(running)})
        for task in running:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait(running, timeout=1)
        await end(consumer._fetcher.close, 1)
        await end(consumer._client.close, 1)
