"""What a Kafka cluster says of groups and logs, asked from outside of any group."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from libs.eventbus.kafka_address import KafkaAddress
from libs.eventbus.kafka_sending import end

ASK_SECONDS: Final = 10.0


class KafkaObserving:
    """Connections for questions, made when first needed and thrown away at the first failure."""

    def __init__(self, address: KafkaAddress) -> None:
        self._address = address
        self._clients: tuple[Any, Any] | None = None  # aiokafka ships no types
        self._asking = asyncio.Lock()

    async def unread(self, group: str, counts: Mapping[str, int]) -> Mapping[TopicPartition, int]:
        """Records between the group's committed offset and the end, of every partition; `counts`: topic -> partitions.

        Names are the cluster's. A group that never committed has everything unread that the log holds.
        """
        places = [TopicPartition(topic, number) for topic, count in counts.items() for number in range(count)]
        async with self._asking:
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    return await self._unread(group, places)
            except BaseException:
                await self._discard()
                raise

    async def close(self) -> None:
        """Nothing is connected any more."""
        await self._discard()

    async def _unread(self, group: str, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        consumer, admin = await self._connected()
        ends, starts = await consumer.end_offsets(places), await consumer.beginning_offsets(places)
        committed = await admin.list_consumer_group_offsets(group, partitions=list(places))
        return {
            place: max(0, ends[place] - max(starts[place], committed[place].offset if place in committed else 0))
            for place in places
        }

    async def _connected(self) -> tuple[Any, Any]:
        if self._clients is None:
            servers = self._address.servers
            consumer = AIOKafkaConsumer(bootstrap_servers=servers, group_id=None, enable_auto_commit=False)
            self._clients = consumer, AIOKafkaAdminClient(bootstrap_servers=servers)
            for client in self._clients:
                await client.start()
        return self._clients

    async def _discard(self) -> None:
        clients, self._clients = self._clients, None
        if clients is not None:
            consumer, admin = clients
            await end(consumer.stop)
            await end(admin.close)
