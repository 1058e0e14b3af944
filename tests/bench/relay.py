"""P6: the relay, from outbox to bus, on both transports; beside aiokafka that writes the same records alone."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import asyncpg

from libs.contracts.envelope import Said
from libs.eventbus.port import Bus, Outgoing
from libs.eventbus.relay import Relay
from libs.servicekit.clock import SystemClock
from libs.servicekit.identity import new_id
from libs.servicekit.worker import open_database, prepare_outbox
from tests.bench.figures import Result, Row, Sample, Target, rates, ratios
from tests.bench.grounds import Grounds, grounds
from tests.bench.meters import Meter
from tests.bench.peers import kafka_raw
from tests.bench.records import numbered, refunds_told
from tests.bench.terms import Terms
from tests.bench.transports import TOPIC, Broker, broker, embedded, no_kafka

_SOURCE: Final = "order-ingest"
_ORDERS: Final = 20_000
_SAID_AT_ONCE: Final = 1_000
_LOOK_SECONDS: Final = 0.01
_PUBLISHED: Final = """
SELECT count(*) FROM outbox_lane o JOIN outbox_floor f USING (topic, lane)
LEFT JOIN outbox_cursor c ON (c.topic, c.lane) = (o.topic, o.lane) AND c.bus = $1
WHERE o.next_seq - 1 > coalesce(c.published, 0)
"""


@dataclass(frozen=True, slots=True)
class _Source:
    """A service's database with a full outbox."""

    ground: Grounds
    url: str
    connection: asyncpg.Connection
    count: int

    async def relayed(self, bus: Bus) -> Sample:
        """The whole outbox is handed to the bus, from its first row on."""
        await self.connection.execute("UPDATE outbox_cursor SET published = 0 WHERE bus = $1", bus.name)
        stop, told, meter = asyncio.Event(), asyncio.Event(), Meter([os.getpid()], self.ground.postmaster)
        with meter.running():
            task = asyncio.create_task(Relay(_SOURCE, bus, self.url, SystemClock(), new_id, told).run(stop))
            while await self.connection.fetchval(_PUBLISHED, bus.name):  # noqa: ASYNC110  # nothing tells us
                await asyncio.sleep(_LOOK_SECONDS)
        stop.set()
        told.set()
        await task
        return meter.sample(self.count)


async def relay(terms: Terms) -> Result:
    """A full outbox of refunds (622 B each, headers apart) is relayed, again and again."""
    count = terms.sized(_ORDERS)
    result = Result()
    async with grounds() as ground, _full_outbox(ground, count) as source:
        async with embedded(ground) as own:
            await source.relayed(own.bus)
            result.rows.append(_absolute("PostgreSQL", [await source.relayed(own.bus) for _ in range(terms.repeats)]))
        if complaint := no_kafka():
            terms.say(f"  not on Kafka: {complaint}")
            return result
        async with broker() as found:
            result.rows += await _on_kafka(terms, source, found)
    return result


async def _on_kafka(terms: Terms, source: _Source, found: Broker) -> list[Row]:
    records = numbered(refunds_told(source.count), source=_SOURCE, topic=TOPIC)
    ours, alone = [], []
    await source.relayed(found.bus)
    for _ in range(terms.repeats):
        ours.append(await source.relayed(found.bus))
        alone.append(await _raw(found, records))
    ratio = Row(
        id="P6",
        what="relay / aiokafka create_batch of the same records, Kafka (its CPU)",
        values=ratios(ours, alone),
        unit="x",
        target=Target(at_least=0.3),
        samples=alone,
    )
    return [ratio, _absolute("Kafka", ours)]


async def _raw(found: Broker, records: Sequence[Outgoing]) -> Sample:
    ready = kafka_raw.ready(records, found.partitions)
    producer = kafka_raw.producer_of(found.cluster.servers)
    await producer.start()
    try:
        meter = Meter([os.getpid()], None)
        with meter.running():
            await kafka_raw.produce(producer, TOPIC, ready)
    finally:
        await producer.stop()
    return meter.sample(len(records))


def _absolute(transport: str, samples: Sequence[Sample]) -> Row:
    return Row(
        id="P6",
        what=f"relay, {transport}",
        values=rates(samples),
        unit="events/s",
        target=Target(at_least=20_000),
        absolute=True,
        samples=samples,
    )


@asynccontextmanager
async def _full_outbox(ground: Grounds, count: int) -> AsyncIterator[_Source]:
    urls, clock = await ground.databases.fresh("order_ingest"), SystemClock()
    database = open_database(urls.worker, "worker", source=_SOURCE, pool_size=2, clock=clock)
    try:
        await prepare_outbox(database, TOPIC, clock)
        events = refunds_told(count)
        for start in range(0, count, _SAID_AT_ONCE):
            async with database.begin() as uow:
                for event in events[start : start + _SAID_AT_ONCE]:
                    uow.say(Said(event.fact, event.merchant_id, event.envelope.occurred_at, key=str(event.id)))
    finally:
        await database.close()
    connection = await asyncpg.connect(ground.superuser(urls.worker))
    try:
        yield _Source(ground, urls.worker, connection, count)
    finally:
        await connection.close()
