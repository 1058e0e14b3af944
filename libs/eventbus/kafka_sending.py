"""Writing to Kafka: one producer, thrown away at the first failure; at most one unacknowledged batch per partition."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from pydantic_core import from_json

from libs.eventbus.errors import BusError
from libs.eventbus.kafka_address import KafkaAddress
from libs.eventbus.port import Outgoing

STOP_SECONDS: Final = 10.0
REQUEST_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 5.0
"""Short: whoever connects where nothing answers keeps everybody waiting who comes after it."""

SEND_SECONDS: Final = REQUEST_SECONDS + CONNECT_SECONDS
"""A batch expires after REQUEST_SECONDS, unless its producer was closed while it waited for the cluster's word."""


class KafkaSending:
    """The producer of one process, made when first needed.

    Not idempotent on purpose: an idempotent producer never expires a batch, so `send` and `stop` hang while the broker
    is away, and one refused batch spoils every later one of its partition. Lane numbers make its service needless.
    Source: aiokafka issues 1101 and 1017; sender.py of 0.14.
    """

    def __init__(self, address: KafkaAddress, make_missing: Callable[[], Awaitable[object]]) -> None:
        self._address = address
        self.make_missing = make_missing
        """Makes the topics that the cluster lost, or never had."""
        self._producer: Any = None  # aiokafka ships no types
        self._making = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()

    async def send(self, batches: Sequence[tuple[str, int, Sequence[Outgoing]]]) -> None:
        """Every (topic, partition, records) is acknowledged by all in-sync replicas, each partition's in order.

        After any failure the producer is gone: what it still holds may arrive later, in order, behind or before what
        is sent next; lane marks make that harmless.
        """
        producer = await self._connected()
        try:
            await _all([self._send(producer, *batch) for batch in batches])
        except BaseException:
            self._discard(producer)
            raise

    async def partitions(self, topic: str) -> int:
        """How many partitions the cluster says that the topic has; 0 for a topic that it does not have.

        Raises: TimeoutError: the producer that was asked was thrown away meanwhile, or no broker answers.
        """
        producer = await self._connected()
        count = await _count(producer.client, topic)
        if not count:
            await self.make_missing()  # the cluster lost it since we connected
            count = await _count(producer.client, topic)
        return count

    def renew(self) -> None:
        """The next batch goes over new connections; what is under way fails."""
        if self._producer is not None:
            self._discard(self._producer)

    async def close(self) -> None:
        """Nothing is connected any more."""
        self.renew()
        await asyncio.gather(*self._ending)

    async def _connected(self) -> Any:
        async with self._making:
            if self._producer is None:
                await self.make_missing()
                self._producer = await self._started()
            return self._producer

    async def _started(self) -> Any:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._address.servers,
            acks="all",
            enable_idempotence=False,
            compression_type="lz4",
            linger_ms=0,  # batches are made here
            max_batch_size=524_288,
            max_request_size=1_048_576,
            request_timeout_ms=int(REQUEST_SECONDS * 1000),
            retry_backoff_ms=200,
            metadata_max_age_ms=60_000,
        )
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await producer.start()
        except BaseException:
            self._end(producer)
            raise
        return producer

    async def _send(self, producer: Any, topic: str, partition: int, records: Sequence[Outgoing]) -> None:
        left = list(records)
        while left:
            batch = producer.create_batch()
            taken = _fill(batch, left)
            async with asyncio.timeout(SEND_SECONDS):
                acknowledged = await producer.send_batch(batch, topic, partition=partition)
                # Only now the next: a queue behind a batch that expires would be delivered without it.
                await acknowledged
            del left[:taken]

    def _discard(self, producer: Any) -> None:
        if self._producer is producer:
            self._producer = None
        self._end(producer)

    def _end(self, producer: Any) -> None:
        task = asyncio.create_task(end(producer.stop))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _count(client: Any, topic: str) -> int:
    """The topic's partitions; the client's own look-up would wait for a missing topic as if it could come by itself."""
    if not client.cluster.partitions_for_topic(topic):
        client.add_topic(topic)
        # A client that is closed meanwhile answers never: who asked would wait for as long as the process lives.
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.force_metadata_update()
    return len(client.cluster.partitions_for_topic(topic) or ())


async def end(stop: Callable[[], Awaitable[None]], within_seconds: float = STOP_SECONDS) -> None:
    """A client is stopped, or given up after so long: its stop can hang while a broker is away.

    In a task of its own: a stop that ends in the cancellation of its own parts must not look like ours.
    """
    stopping = asyncio.ensure_future(stop())
    try:
        await asyncio.wait([stopping], timeout=within_seconds)
    finally:
        stopping.cancel()
        stopping.add_done_callback(_heard)


def _heard(ended: asyncio.Future[None]) -> None:
    if not ended.cancelled():
        ended.exception()


def _fill(batch: Any, records: Sequence[Outgoing]) -> int:
    """The batch holds as many of the records as fit; how many these are."""
    for count, record in enumerate(records):
        headers = [(name, value.encode()) for name, value in from_json(record.headers, cache_strings="keys").items()]
        added = batch.append(timestamp=None, key=record.key.encode(), value=record.payload, headers=headers)
        if added is None:
            if not count:
                raise BusError(f"a record of {len(record.payload)} bytes does not fit into a batch")
            return count
    return len(records)


async def _all(sends: Sequence[Awaitable[None]]) -> None:
    """All of them ended, successfully or not; raises what the first one raised."""
    for result in await asyncio.gather(*sends, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
