"""P7: the consumer on both transports, beside raw reads of the same records, and beside FastStream per message."""

import asyncio
import os
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

import asyncpg

from libs.contracts.commerce import OrderRefundedV1
from libs.contracts.envelope import Event
from libs.eventbus.consumer import Consumer
from libs.eventbus.port import Bus
from libs.eventbus.transaction import Transaction
from libs.servicekit.clock import SystemClock
from libs.servicekit.identity import new_id
from libs.servicekit.worker import open_database
from tests.bench.figures import Result, Row, Sample, Target, rates, ratios
from tests.bench.grounds import Grounds, grounds
from tests.bench.meters import Meter
from tests.bench.peers import kafka_raw, postgres_raw
from tests.bench.peers.faststream_consumer import handle_some
from tests.bench.profiles import profiled
from tests.bench.records import numbered, refunds_told
from tests.bench.terms import Terms
from tests.bench.transports import TOPIC, Broker, Embedded, broker, embedded, no_kafka

_SOURCE: Final = "order-ingest"
_RECORDS: Final = 40_000
_APPENDED_AT_ONCE: Final = 2_000
_FASTSTREAM_SHARE: Final = 10
"""Per message it is so much slower that a part of the records tells its rate."""
_LOOK_SECONDS: Final = 0.005


async def consumer(terms: Terms) -> Result:
    """Refunds are read, validated and marked, 500 at once; the handler itself does nothing."""
    result, count = Result(), terms.sized(_RECORDS)
    async with grounds() as ground:
        async with embedded(ground) as own:
            await _fill(own.bus, count)
            result.rows += await _on_postgres(terms, ground, own, count)
            if not terms.is_short:
                async with profiled(os.getpid(), terms.svg("consumer"), result):
                    await _consumed(ground, own.bus, count)
        if complaint := no_kafka():
            terms.say(f"  not on Kafka: {complaint}")
            return result
        async with broker() as found:
            await _fill(found.bus, count)
            result.rows += await _on_kafka(terms, ground, found, count)
    return result


async def _fill(bus: Bus, count: int) -> None:
    records = numbered(refunds_told(count), source=_SOURCE, topic=TOPIC)
    for start in range(0, count, _APPENDED_AT_ONCE):
        await bus.append(records[start : start + _APPENDED_AT_ONCE])


async def _on_postgres(terms: Terms, ground: Grounds, own: Embedded, count: int) -> list[Row]:
    ours, raw = [], []
    for _ in range(terms.repeats):
        ours.append(await _consumed(ground, own.bus, count))
        raw.append(await _raw_postgres(ground, own, count))
    return [_against_raw("PostgreSQL", ours, raw), _absolute("PostgreSQL", ours)]


async def _on_kafka(terms: Terms, ground: Grounds, found: Broker, count: int) -> list[Row]:
    ours, raw, theirs = [], [], []
    for _ in range(terms.repeats):
        ours.append(await _consumed(ground, found.bus, count))
        raw.append(await _raw_kafka(found, count))
        theirs.append(await _faststream(found, count // _FASTSTREAM_SHARE))
    per_message = Row(
        id="P7",
        what="consumer / FastStream per message, Kafka (its CPU)",
        values=ratios(ours, theirs),
        unit="x",
        target=Target(at_least=4),
        samples=theirs,
    )
    return [_against_raw("Kafka", ours, raw), per_message, _absolute("Kafka", ours)]


async def _consumed(ground: Grounds, bus: Bus, count: int) -> Sample:
    """A new group read everything into a new database."""
    urls, clock, stop = await ground.databases.fresh("loyalty"), SystemClock(), asyncio.Event()
    database = open_database(urls.worker, "worker", source="loyalty", pool_size=4, clock=clock)
    reader = Consumer(
        group=f"bench-{uuid4()}",
        topics={TOPIC: _SOURCE},
        facts=(OrderRefundedV1,),
        handler=_note_nothing,
        bus=bus,
        begin=database.begin,
        clock=clock,
        new_id=new_id,
    )
    meter = Meter([os.getpid()], ground.postmaster)
    task = asyncio.create_task(reader.run(stop))
    try:
        await _taken(reader, 1)  # joined and reading: how long a group needs for that is no matter of throughput
        first = reader.vitals.taken
        with meter.running():
            await _taken(reader, count)
    finally:
        stop.set()
        await task
        await database.close()
    return meter.sample(count - first)


async def _note_nothing(_transaction: Transaction, _events: Sequence[Event[Any]]) -> None:
    """What an event does is measured elsewhere."""


async def _taken(reader: Consumer, count: int) -> None:
    async with asyncio.timeout(120):
        while reader.vitals.taken < count:  # noqa: ASYNC110  # what is told is read here as the watchdog reads it
            await asyncio.sleep(_LOOK_SECONDS)


async def _raw_postgres(ground: Grounds, own: Embedded, count: int) -> Sample:
    connection = await asyncpg.connect(own.url, server_settings={"plan_cache_mode": "force_generic_plan", "jit": "off"})
    meter = Meter([os.getpid()], ground.postmaster)
    try:
        with meter.running():
            await postgres_raw.read(connection, TOPIC, count)
    finally:
        await connection.close()
    return meter.sample(count)


async def _raw_kafka(found: Broker, count: int) -> Sample:
    reader = kafka_raw.consumer_of(found.cluster.servers, TOPIC)
    await reader.start()
    meter = Meter([os.getpid()], None)
    try:
        with meter.running():
            await kafka_raw.read(reader, count)
    finally:
        await reader.stop()
    return meter.sample(count)


async def _faststream(found: Broker, count: int) -> Sample:
    return await handle_some(found.cluster.servers, TOPIC, count, Meter([os.getpid()], None))


def _against_raw(transport: str, ours: Sequence[Sample], raw: Sequence[Sample]) -> Row:
    return Row(
        id="P7",
        what=f"consumer / raw reads, {transport} (their CPU)",
        values=ratios(ours, raw),
        unit="x",
        target=Target(at_least=0.35),
        samples=raw,
    )


def _absolute(transport: str, samples: Sequence[Sample]) -> Row:
    return Row(
        id="P7",
        what=f"consumer, {transport}",
        values=rates(samples),
        unit="events/s",
        target=Target(at_least=30_000),
        absolute=True,
        samples=samples,
    )
