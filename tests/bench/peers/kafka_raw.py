"""aiokafka alone, by its documentation's own examples: direct batch control, and getmany.

Source: aiokafka documentation, "Batch producer" and "Manual commit and getmany".
"""

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic_core import from_json

from libs.eventbus.port import Outgoing

Ready = tuple[bytes, bytes, list[tuple[str, bytes]]]
"""Key, value and headers as the client takes them."""
_READ_AT_ONCE: Final = 1_000


def ready(records: Sequence[Outgoing], partitions: int) -> list[list[Ready]]:
    """The records by partition, everything encoded before anybody looks at a clock."""
    found: list[list[Ready]] = [[] for _ in range(partitions)]
    for one in records:
        headers = [(name, value.encode()) for name, value in from_json(one.headers).items()]
        found[one.lane % partitions].append((one.key.encode(), one.payload, headers))
    return found


async def produce(producer: AIOKafkaProducer, topic: str, partitions: Sequence[Sequence[Ready]]) -> None:
    """Everything is acknowledged; batches as full as they get, one after the other."""
    for number, records in enumerate(partitions):
        batch = producer.create_batch()
        for key, value, headers in records:
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                await (await producer.send_batch(batch, topic, partition=number))
                batch = producer.create_batch()
                batch.append(key=key, value=value, timestamp=None, headers=headers)
        await (await producer.send_batch(batch, topic, partition=number))


def producer_of(servers: str) -> AIOKafkaProducer:
    """A producer with the bus's own settings for batches, compression and acknowledgement."""
    return AIOKafkaProducer(
        bootstrap_servers=servers, acks="all", compression_type="lz4", max_batch_size=524_288, linger_ms=0
    )


async def read(consumer: AIOKafkaConsumer, count: int) -> None:
    """So many records were received; nobody looked into them."""
    taken = 0
    while taken < count:
        found = await consumer.getmany(timeout_ms=1_000, max_records=_READ_AT_ONCE)
        taken += sum(len(records) for records in found.values())


def consumer_of(servers: str, topic: str) -> AIOKafkaConsumer:
    """A consumer of a new group, from the topic's beginning."""
    return AIOKafkaConsumer(
        topic,
        bootstrap_servers=servers,
        group_id=f"raw-{uuid4()}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=1_048_576,
    )
