"""What can go wrong with Kafka and its client, provoked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewPartitions, RecordsToDelete
from aiokafka.errors import KafkaError
from aiokafka.producer import AIOKafkaProducer

from deploy.kafka.cluster import Cluster, kafka_cluster
from libs.eventbus import kafka_membership
from libs.eventbus.errors import BusError, UnknownPartition
from libs.eventbus.kafka import KafkaBus
from libs.eventbus.kafka_membership import BatchesOut, Handover, ReadSince
from libs.eventbus.kafka_reading import HEARD_SECONDS
from libs.eventbus.port import Arrived, Outgoing, Partition, Subscription
from tests.brokers import need_kafka
from tests.libs.eventbus.buses import PARTITIONS, administrator, delete_topics, kafka_bus
from tests.libs.eventbus.tallies import TOPIC

EVERY = frozenset(Partition(TOPIC, number) for number in range(PARTITIONS))


@pytest.fixture
async def bus(kafka: Cluster) -> AsyncIterator[KafkaBus]:
    async with kafka_bus(kafka.url) as opened:
        yield opened


class Died(Exception):
    """The process is gone without a word."""


def record(lane: int, payload: bytes = b"{}") -> Outgoing:
    return Outgoing(TOPIC, lane, f"key {lane}", "{}", payload)


async def test_an_append_to_a_silent_broker_fails_in_bounded_time_and_works_again_when_it_speaks(
    bus: KafkaBus, kafka: Cluster
) -> None:
    await bus.append([record(0, b"before")])
    kafka.freeze(1)
    try:
        async with asyncio.timeout(40):
            with pytest.raises(KafkaError):
                await append_on_and_on(bus, record(0, b"lost or late"))
    finally:
        kafka.thaw(1)

    await as_a_relay_would(bus, record(0, b"after"))

    found = [one.payload for one in await as_a_consumer_would(bus, b"after")]
    assert [payload for payload in found if payload != b"lost or late"] == [b"before", b"after"]


async def test_a_broker_that_says_nothing_tells_no_end(bus: KafkaBus, kafka: Cluster) -> None:
    async with bus.subscribe("g", [TOPIC]) as reader:
        await sees_ends(reader, lambda ended: ended == EVERY)
        kafka.freeze(1)
        try:
            await sees_ends(reader, lambda ended: not ended, within_seconds=HEARD_SECONDS + 10)
        finally:
            kafka.thaw(1)
        await sees_ends(reader, lambda ended: ended == EVERY)


async def test_a_position_before_the_logs_start_jumps_to_the_start(bus: KafkaBus) -> None:
    await bus.append([record(0, str(n).encode()) for n in range(5)])
    async with bus.subscribe("g", [TOPIC]) as reader:
        await until(reader, b"4")
        await reader.commit({Partition(TOPIC, 0): 1})
    place = TopicPartition(bus.address.named(TOPIC), 0)
    async with administrator(bus.address) as admin:
        await admin.delete_records({place: RecordsToDelete(before_offset=3)})

    async with bus.subscribe("g", [TOPIC]) as reader:
        assert [one.payload for one in await until(reader, b"4")] == [b"3", b"4"]


async def test_a_member_that_died_gets_its_partitions_back_under_its_name_and_moves_no_others(
    kafka: Cluster,
) -> None:
    async with kafka_bus(kafka.url) as bus:
        bus.instance = "1"
        other = replace(bus, instance="2")
        async with other.subscribe("g", [TOPIC]) as staying:
            with suppress(Died):
                async with bus.subscribe("g", [TOPIC]) as dying:
                    await shared(staying, dying)
                    kept, left = staying.owned(), dying.owned()
                    raise Died
            async with bus.subscribe("g", [TOPIC]) as back:
                assert (staying.owned(), back.owned()) == (kept, left)


async def test_who_ends_in_order_leaves_its_partitions_to_the_others_at_once(kafka: Cluster) -> None:
    async with kafka_bus(kafka.url) as bus:
        bus.instance = "1"
        async with replace(bus, instance="2").subscribe("g", [TOPIC]) as staying:
            async with bus.subscribe("g", [TOPIC]) as leaving:
                await shared(staying, leaving)
            async with asyncio.timeout(4):  # its session would last for six
                while len(staying.owned()) < PARTITIONS:
                    await staying.fetch(1)


async def test_partitions_added_to_a_topic_are_read(bus: KafkaBus) -> None:
    name = bus.address.named(TOPIC)
    async with bus.subscribe("g", [TOPIC]) as reader:
        async with administrator(bus.address) as admin:
            await admin.create_partitions({name: NewPartitions(PARTITIONS + 1)})
        async with asyncio.timeout(30):
            while len(reader.owned()) <= PARTITIONS:
                await reader.fetch(10)


async def test_partitions_added_are_read_by_a_member_that_restarted(bus: KafkaBus) -> None:
    bus.instance = "1"
    async with bus.subscribe("g", [TOPIC]) as reader:
        await sees_ends(reader, lambda ended: ended == EVERY)
    async with bus.subscribe("g", [TOPIC]) as reader:
        async with administrator(bus.address) as admin:
            await admin.create_partitions({bus.address.named(TOPIC): NewPartitions(PARTITIONS + 1)})
        async with asyncio.timeout(30):
            while len(reader.owned()) <= PARTITIONS:
                await reader.fetch(10)


async def test_a_member_that_restarted_while_its_topics_were_gone_reads_the_new_ones(bus: KafkaBus) -> None:
    bus.instance = "1"
    async with bus.subscribe("g", [TOPIC]) as reader:
        await sees_ends(reader, lambda ended: ended == EVERY)
        await delete_topics(bus)
        async with asyncio.timeout(30):
            with pytest.raises(KafkaError):
                await fetch_while_owning(reader)

    async with bus.subscribe("g", [TOPIC]) as reader:
        await sees_ends(reader, lambda ended: ended == EVERY)


async def test_an_unknown_topic_is_refused_and_not_made(bus: KafkaBus) -> None:
    with pytest.raises(UnknownPartition, match="nowhere"):
        await bus.append([Outgoing("nowhere", 0, "k", "{}", b"")])

    async with administrator(bus.address) as admin:
        assert bus.address.named("nowhere") not in await admin.list_topics()


async def test_what_a_foreign_producer_wrote_arrives_without_headers(bus: KafkaBus) -> None:
    await bus.append([record(0, b"before")])
    producer = AIOKafkaProducer(bootstrap_servers=bus.address.servers)
    await producer.start()
    try:
        name = bus.address.named(TOPIC)
        await producer.send_and_wait(name, key=b"\xff", partition=0, headers=[("ce_id", b"\xff\xfe")])
    finally:
        await producer.stop()
    await bus.append([record(0, b"after")])

    async with bus.subscribe("g", [TOPIC]) as reader:
        _, foreign, _ = await until(reader, b"after")

    assert (foreign.key, foreign.headers, foreign.payload) == ("\ufffd", {}, b"")


async def test_a_commit_for_a_partition_that_is_not_owned_is_dropped(bus: KafkaBus) -> None:
    await bus.append([record(0)])
    async with bus.subscribe("g", [TOPIC]) as reader:
        await until(reader, b"{}")
        await reader.commit({Partition(TOPIC, 0): 1, Partition("elsewhere", 0): 7})

    assert sum((await bus.lag("g", [TOPIC])).values()) == 0


async def test_who_slept_through_a_rebalance_does_not_set_the_group_back(kafka: Cluster) -> None:
    async with kafka_bus(kafka.url) as bus:
        await bus.append([record(number, b"first") for number in range(PARTITIONS)])
        async with bus.subscribe("g", [TOPIC]) as sleeper:
            before = await positions_after(sleeper, b"first")
            async with bus.subscribe("g", [TOPIC]) as other:
                await shared(sleeper, other)
                await bus.append([record(number, b"second") for number in range(PARTITIONS)])
                await commit_all(bus, sleeper, other)
            await sees_ends(sleeper, lambda ended: ended == EVERY)

            await sleeper.commit(before)

        assert sum((await bus.lag("g", [TOPIC])).values()) == 0


async def test_partitions_are_given_up_after_the_running_batch() -> None:
    out = BatchesOut()
    out.handed()
    giving_up = asyncio.create_task(Handover("g", out, ReadSince()).on_partitions_revoked([TopicPartition(TOPIC, 0)]))
    await asyncio.sleep(0)
    before = giving_up.done()
    out.returned()
    await giving_up

    assert not before


async def test_a_member_whose_broker_died_leaves_nothing_behind_and_does_not_cancel_its_caller() -> None:
    need_kafka()
    async with kafka_cluster() as own, kafka_bus(own.url) as bus:
        async with bus.subscribe("g", [TOPIC]) as reader:
            await sees_ends(reader, lambda ended: ended == EVERY)
            await own.kill(1)
            await reader.commit({Partition(TOPIC, 0): 0})
        left = tasks_of_consumers()
        await own.start(1)

    assert not left


async def test_a_member_that_hangs_while_it_stops_is_taken_apart(
    bus: KafkaBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_membership, "LEAVE_SECONDS", 1.0)
    async with bus.subscribe("g", [TOPIC]) as reader:
        await sees_ends(reader, lambda ended: ended == EVERY)
        coordinator = reader._consumer._coordinator
        coordinator._coordination_task.cancel()
        coordinator._coordination_task = asyncio.create_task(asyncio.Event().wait())
        assert tasks_of_consumers()

    assert not tasks_of_consumers()


async def append_on_and_on(bus: KafkaBus, one: Outgoing) -> None:
    """Until it fails: what was sent before the broker stood still may yet be acknowledged."""
    while True:
        await bus.append([one])


async def as_a_relay_would(bus: KafkaBus, one: Outgoing) -> None:
    """Again until it works: a broker that was away has to find itself first."""
    async with asyncio.timeout(40):
        while True:
            try:
                return await bus.append([one])
            except (BusError, KafkaError, TimeoutError):  # a relay starts over after any failure
                await asyncio.sleep(0.1)


async def as_a_consumer_would(bus: KafkaBus, last: bytes) -> list[Arrived]:
    """Everything up to the record with this payload: a broker that was away may say that the cluster has none yet."""
    async with asyncio.timeout(40):
        while True:
            try:
                async with bus.subscribe("g", [TOPIC]) as reader:
                    return await until(reader, last)
            except (BusError, TimeoutError):
                await asyncio.sleep(0.1)


async def until(reader: Subscription, payload: bytes) -> list[Arrived]:
    """Everything up to the record with this payload."""
    found: list[Arrived] = []
    async with asyncio.timeout(40):
        while not found or found[-1].payload != payload:
            found.extend((await reader.fetch(100)).records)
    return found


async def positions_after(reader: Subscription, payload: bytes) -> dict[Partition, int]:
    """Where the reader stands once it met the payload on every partition."""
    positions: dict[Partition, int] = {}
    async with asyncio.timeout(40):
        while positions.keys() != EVERY:
            fetched = await reader.fetch(100)
            positions |= {one.partition: one.offset + 1 for one in fetched.records if one.payload == payload}
    return positions


async def commit_all(bus: KafkaBus, *readers: Subscription) -> None:
    """The readers commit what they fetch until nothing of the group is unread."""
    async with asyncio.timeout(40):
        while sum((await bus.lag("g", [TOPIC])).values()):
            for reader in readers:
                await reader.commit((await reader.fetch(100)).positions)


def tasks_of_consumers() -> list[asyncio.Task[object]]:
    return [task for task in asyncio.all_tasks() if "aiokafka/consumer" in str(task)]


async def fetch_while_owning(reader: Subscription) -> None:
    while reader.owned():
        await reader.fetch(10)


async def sees_ends(
    reader: Subscription, holds: Callable[[frozenset[Partition]], bool], *, within_seconds: float = 30
) -> None:
    async with asyncio.timeout(within_seconds):
        while not holds((await reader.fetch(10)).ended):
            pass


async def shared(one: Subscription, other: Subscription) -> None:
    """Both own half of the partitions."""
    async with asyncio.timeout(30):
        while not (len(one.owned()) == len(other.owned()) == PARTITIONS // 2):
            await asyncio.gather(one.fetch(1), other.fetch(1))
