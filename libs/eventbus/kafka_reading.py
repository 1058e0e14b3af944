"""Reading Kafka: records of the partitions that a member owns, and which of them have nothing left unread."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from libs.eventbus.kafka_address import KafkaAddress
from libs.eventbus.kafka_membership import BatchesOut, ReadSince
from libs.eventbus.kafka_silence import Silence
from libs.eventbus.port import Arrived, Fetched, Partition

_log = logging.getLogger(__name__)

IDLE_SECONDS: Final = 0.25
HEARD_SECONDS: Final = 5.0
"""How old a broker's word about the end of a partition may be. A fetcher that died silently says nothing more."""
COMMIT_SECONDS: Final = 5.0


class KafkaSubscription:
    """Implements port.Subscription over a started aiokafka consumer."""

    def __init__(
        self,
        consumer: Any,
        address: KafkaAddress,
        out: BatchesOut,
        since: ReadSince,
        *,
        join: Callable[[], None] | None = None,
        answers: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """`join` subscribes the consumer to its group, again if need be; without it there is no group to commit to.

        `answers`: see Silence.
        """
        self._consumer = consumer
        self._address = address
        self._out = out
        self._since = since
        self._join = join
        self._silence = Silence(answers)
        self._counts = self._counted()
        self._reread: set[Partition] = set()
        self._heard: dict[TopicPartition, tuple[int, float]] = {}
        self._owed: dict[TopicPartition, int] = {}
        self._refused_at = 0.0

    def owned(self) -> frozenset[Partition]:
        """The partitions that the group assigned to this member."""
        return frozenset(self._named(place) for place in self._consumer.assignment())

    def reread(self, partition: Partition) -> None:
        """The next fetch that is begun starts at the partition's oldest record."""
        self._reread.add(partition)

    async def fetch(self, limit: int) -> Fetched:
        """Unread records; after 250 ms possibly none. Waits while the group rebalances."""
        self._notice_growth()
        await self._silence.judge(suspicious=bool(self._consumer.assignment()))
        if not self._silence.is_long:  # both would wait for answers, and nothing be heard of meanwhile
            await self._rewind()
            await self._pay()
        found = await self._consumer.getmany(timeout_ms=int(IDLE_SECONDS * 1000), max_records=limit)
        for place, some in found.items():
            self._since.read(place, some[0].offset)
        records = [self._arrived(place, one) for place, some in found.items() for one in some]
        if records:
            self._out.handed()
            self._silence.broken()
        return Fetched(records, frozenset([self._named(place) for place in await self._ended()]))

    async def commit(self, positions: Mapping[Partition, int]) -> None:
        """The group's offsets are `positions`, or as before: during a rebalance brokers refuse, which harms nothing."""
        self._out.returned()
        if self._join is not None:
            self._owed.update({self._place(partition): offset for partition, offset in positions.items()})
            self._refused_at = 0.0
            await self._pay()

    def _notice_growth(self) -> None:
        """A member joins again when a topic has more partitions than before: one that restarted under its name leads
        its group as before, but is not told so, and the client looks after topics only where it knows that it leads.
        """
        counts = self._counted()
        if self._join is not None and counts != self._counts:
            self._join()
        self._counts = counts

    def _counted(self) -> Mapping[str, int]:
        return {topic: len(self._consumer.partitions_for_topic(topic) or ()) for topic in self._consumer.subscription()}

    async def _pay(self) -> None:
        """What is owed of owned partitions is committed; what was refused is tried again a second later.

        Nothing else would: a group whose last commit met a rebalance would show its records as unread for ever.
        """
        now, owned = asyncio.get_running_loop().time(), self._consumer.assignment()
        self._owed = {
            place: offset
            for place, offset in self._owed.items()
            if place in owned and self._since.covers(place, offset)
        }
        if not self._owed or now - self._refused_at < 1.0:
            return
        owed = dict(self._owed)
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await self._consumer.commit(owed)
        except (KafkaError, TimeoutError) as refused:
            self._refused_at = asyncio.get_running_loop().time()
            _log.warning("eventbus_commit_refused", extra={"error": repr(refused)[:300]})
        else:
            self._owed = {place: offset for place, offset in self._owed.items() if owed.get(place) != offset}

    async def _rewind(self) -> None:
        wanted, self._reread = self._reread, set()
        places = {self._place(partition) for partition in wanted} & self._consumer.assignment()
        if places:
            await self._consumer.seek_to_beginning(*places)

    async def _ended(self) -> Sequence[TopicPartition]:
        """Partitions of which the broker said within the last 5 s that nothing lies beyond our position."""
        ended = []
        for place in self._consumer.assignment():
            with contextlib.suppress(KafkaError, AssertionError, TimeoutError):  # lost in a rebalance meanwhile
                if self._fresh(place) and await self._position(place) >= self._consumer.highwater(place):
                    ended.append(place)
        return ended

    def _fresh(self, place: TopicPartition) -> bool:
        stamp, now = self._consumer.last_poll_timestamp(place), asyncio.get_running_loop().time()
        if stamp is None:
            return False
        if stamp != self._heard.get(place, (None, 0.0))[0]:
            self._heard[place] = (stamp, now)
            self._silence.broken()
        return now - self._heard[place][1] <= HEARD_SECONDS

    async def _position(self, place: TopicPartition) -> int:
        async with asyncio.timeout(0.5):  # it waits where a position is being looked for
            return int(await self._consumer.position(place))

    def _arrived(self, place: TopicPartition, record: Any) -> Arrived:
        key = (record.key or b"").decode("utf-8", "replace")
        return Arrived(self._named(place), record.offset, key, _headers(record.headers), record.value or b"")

    def _named(self, place: TopicPartition) -> Partition:
        return Partition(self._address.ours(place.topic), place.partition)

    def _place(self, partition: Partition) -> TopicPartition:
        return TopicPartition(self._address.named(partition.topic), partition.number)


def _headers(headers: Sequence[tuple[str, bytes | None]]) -> dict[str, str]:
    """The record's headers; none where they are not texts."""
    try:
        return {name: value.decode() for name, value in headers if value is not None}
    except UnicodeDecodeError:
        return {}
