"""The bus in Apache Kafka: a relay appends, groups read. aiokafka's traps and their answers stand where they are met.

| trap | answer |
|---|---|
| the leader alone acknowledges | `acks="all"`, two in-sync replicas where there are three brokers |
| idempotent producers never give up; a refused batch spoils the next | not idempotent; any failure = a new producer |
| a batch behind one that expired is delivered without it | one unacknowledged batch per partition |
| `commit()` may commit what was not processed | explicit offsets of owned partitions, after the database's COMMIT |
| a rebalance begins while a batch is applied | partitions are given up after the batch, within 5 s |
| busy for minutes = out of the group, and never back | never for being busy: heartbeats and the watchdog judge |
| a fetcher that died says nothing | an end counts only if told within 5 s: the watchdog sees what is unread |
| half-open connections are noticed one by one | who hears nothing while others are answered starts anew |
| `stop()` may hang, and what it should have stopped goes on | taken apart after 3 s |
| a restart moves all partitions twice | static membership by instance; only who ends in order says so |
| a wiped broker has no topics, auto-creation makes wrong ones | off; whoever connects makes what is missing |
| a leader assigns nothing while topics are missing, and restarted static members keep that | it fails instead |
| a static leader that restarted does not learn that topics grew | members join again when they did |
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from libs.eventbus.errors import BusError, DeafConnection, UnknownPartition
from libs.eventbus.kafka_address import KafkaAddress
from libs.eventbus.kafka_membership import BatchesOut, Handover, ReadSince, WholeTopics, leave
from libs.eventbus.kafka_metadata import describe
from libs.eventbus.kafka_observing import KafkaObserving
from libs.eventbus.kafka_reading import KafkaSubscription
from libs.eventbus.kafka_sending import KafkaSending
from libs.eventbus.kafka_topics import ensure_topics
from libs.eventbus.port import Outgoing, Partition
from libs.eventbus.topics import KAFKA_TOPICS, TopicSpec, prefixed

JOIN_SECONDS: Final = 45.0
"""Longer than a rebalance takes, and than a silent member is waited for."""
PROBE_SECONDS: Final = 2.0
METADATA_MS: Final = 5_000
"""How soon readers learn of topics and partitions that were made anew; every half minute would be too late."""
_FOLLOWED_RECORDS: Final = 1000
_NEVER_MS: Final = 2**31 - 1


@dataclass(slots=True)
class KafkaBus:
    """A transport over one Kafka cluster. `instance` names this process among its groups' members, after restarts too.

    Without an instance, members are dynamic: a restart moves partitions.
    """

    address: KafkaAddress
    sending: KafkaSending
    observing: KafkaObserving
    instance: str | None = None
    name: str = "kafka"

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        instance: str | None = None,
        topics: Sequence[TopicSpec] = KAFKA_TOPICS,
        name: str = "kafka",
    ) -> AsyncIterator[Self]:
        """A bus on `url` that is disconnected when the block ends; it connects when first used.

        Whoever connects makes those of the `topics` that are missing: a broker that lost its disk heals itself.
        Raises: UnknownTransport.
        """
        address = KafkaAddress.parse(url)
        missing = partial(ensure_topics, address.servers, prefixed(topics, address.prefix))
        sending, observing = KafkaSending(address, missing), KafkaObserving(address)
        try:
            yield cls(address, sending, observing, instance, name)
        finally:
            await sending.close()
            await observing.close()

    async def append(self, records: Sequence[Outgoing]) -> None:
        """All records are acknowledged by every in-sync replica, each partition's in the order given.

        Raises: UnknownPartition: the topic was not set up. Whatever the client raises: nothing is known then.
        """
        counts = {topic: await self.partitions(topic) for topic in {record.topic for record in records}}
        batches: dict[Partition, list[Outgoing]] = {}
        for record in records:
            batches.setdefault(Partition(record.topic, record.lane % counts[record.topic]), []).append(record)
        if batches:
            await self.sending.send(
                [(self.address.named(place.topic), place.number, some) for place, some in batches.items()]
            )

    @asynccontextmanager
    async def subscribe(self, group: str, topics: Sequence[str]) -> AsyncIterator[KafkaSubscription]:
        """Reads the partitions that the group's coordinator assigns to this member."""
        await self._present(topics)
        out, since = BatchesOut(), ReadSince()
        consumer = self._consumer(self.address.named(group))
        join = partial(
            consumer.subscribe, [self.address.named(topic) for topic in topics], listener=Handover(group, out, since)
        )
        join()
        async with _started(consumer):
            try:
                yield KafkaSubscription(consumer, self.address, out, since, join=join, answers=self._answers)
            except DeafConnection:
                self.sending.renew()  # its connections are as old
                raise

    @asynccontextmanager
    async def follow(self, topic: str) -> AsyncIterator[KafkaSubscription]:
        """Reads every partition of the topic, from its last 1,000 records on: older requests have expired anyway."""
        count = (await self._present([topic]))[topic]
        consumer = self._consumer(None)
        async with _started(consumer):
            places = [TopicPartition(self.address.named(topic), number) for number in range(count)]
            consumer.assign(places)
            ends, starts = await consumer.end_offsets(places), await consumer.beginning_offsets(places)
            for place in places:
                consumer.seek(place, max(starts[place], ends[place] - _FOLLOWED_RECORDS))
            yield KafkaSubscription(consumer, self.address, BatchesOut(), ReadSince())

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[Partition, int]:
        """Records of each partition that the group has not committed."""
        counts = {self.address.named(topic): await self.partitions(topic) for topic in topics}
        unread = await self.observing.unread(self.address.named(group), counts)
        return {Partition(self.address.ours(place.topic), place.partition): count for place, count in unread.items()}

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has."""
        return self._known(topic, await self.sending.partitions(self.address.named(topic)))

    async def maintain(self, now: datetime) -> None:
        """Retention is the brokers' own business."""

    async def _present(self, topics: Sequence[str]) -> Mapping[str, int]:
        """The topics' partitions as a broker says at this moment, over a connection of its own; what is missing was
        made. Raises: UnknownPartition, BusError, TimeoutError.
        """
        found = await self._described(topics)
        if not all(found.values()):
            await self.sending.make_missing()
            found = await self._described(topics)
        return {topic: self._known(topic, count) for topic, count in found.items()}

    async def _described(self, topics: Sequence[str]) -> Mapping[str, int]:
        async with asyncio.timeout(PROBE_SECONDS):
            told = (await describe(self.address.servers)).topics
        return {topic: len(told.get(self.address.named(topic), ())) for topic in topics}

    def _known(self, topic: str, count: int) -> int:
        if not count:
            raise UnknownPartition(f"the bus has no topic {topic}")
        return count

    async def _answers(self) -> bool:
        """Whether a broker answers somebody who connects now."""
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await describe(self.address.servers)
        except (BusError, TimeoutError):
            return False
        return True

    def _consumer(self, group: str | None) -> Any:  # aiokafka ships no types
        session_ms = int(self.address.session_seconds * 1000)
        return AIOKafkaConsumer(
            bootstrap_servers=self.address.servers,
            group_id=group,
            group_instance_id=f"{group}-{self.instance}" if group and self.instance is not None else None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(WholeTopics,),
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=1_048_576,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=min(3_000, session_ms // 3),
            # A connection that is half open is noticed when a request times out. Joining is a request too, and must
            # be allowed to take as long as the slowest member, which gives its partitions up within 5 s.
            rebalance_timeout_ms=8_000,
            request_timeout_ms=12_000,
            # Retrying through a long outage of the database is no reason to leave: others have the same database.
            max_poll_interval_ms=_NEVER_MS,
            metadata_max_age_ms=METADATA_MS,
            check_crcs=True,
        )


@asynccontextmanager
async def _started(consumer: Any) -> AsyncIterator[None]:
    for_good = False
    try:
        async with asyncio.timeout(JOIN_SECONDS):
            await consumer.start()
        yield
        for_good = True
    finally:
        await leave(consumer, for_good=for_good)
