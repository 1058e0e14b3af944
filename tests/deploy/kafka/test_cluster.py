"""Real brokers: what they keep over a crash and lose in a wipe, and who leads when one dies."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.kafka.cluster import Cluster, kafka_cluster
from deploy.local.errors import Refused
from deploy.local.folders import REPOSITORY
from deploy.local.ports import is_taken
from deploy.local.run_state import Running
from libs.eventbus.kafka_metadata import describe
from libs.eventbus.kafka_topics import differences
from libs.eventbus.topics import KAFKA_TOPICS
from tests.brokers import need_kafka

PLACE = TopicPartition("told", 0)


@pytest.fixture(scope="module")
async def own() -> AsyncIterator[Cluster]:
    """One broker that only this module's tests kill and wipe."""
    need_kafka()
    async with kafka_cluster() as cluster:
        yield cluster


async def tell(cluster: Cluster, text: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=cluster.servers, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(PLACE.topic, text, partition=PLACE.partition)
    finally:
        await producer.stop()


async def told(cluster: Cluster) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=cluster.servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([PLACE])
        end = (await consumer.end_offsets([PLACE]))[PLACE]
        texts: list[bytes] = []
        while await consumer.position(PLACE) < end:
            for records in (await consumer.getmany(PLACE, timeout_ms=1000)).values():
                texts += [record.value for record in records if record.value is not None]
        return texts
    finally:
        await consumer.stop()


async def test_a_killed_broker_comes_back_with_its_records(own: Cluster) -> None:
    await own.create_topics({"told": 1})
    await tell(own, b"before")
    pid, identity = own.nodes[1].pid, own.cluster_id

    await own.kill(1)
    dead = own.nodes[1].pid
    await own.start(1)

    assert dead is None
    assert own.nodes[1].pid not in (None, pid)
    assert await told(own) == [b"before"]
    assert (await describe(own.servers)).cluster_id == identity


async def test_a_wiped_broker_is_another_cluster_without_topics_at_the_same_address(own: Cluster) -> None:
    await own.create_topics({"told": 1})
    address, identity = own.url, own.cluster_id

    await own.wipe()

    assert own.url == address
    assert (await describe(own.servers)).cluster_id == own.cluster_id != identity
    assert (await describe(own.servers)).topics == {}


async def test_a_frozen_broker_keeps_its_address_and_answers_again_when_thawed(own: Cluster) -> None:
    own.freeze(1)
    asking = asyncio.create_task(describe(own.servers))
    done, _ = await asyncio.wait([asking], timeout=1.0)
    assert not done
    assert own.nodes[1].pid is not None

    own.thaw(1)

    assert (await asking).alive == {1}


async def test_a_folder_keeps_its_cluster_and_refuses_another_number_of_nodes(tmp_path: Path) -> None:
    need_kafka()
    async with kafka_cluster(folder=tmp_path) as first:
        await first.create_topics({"told": 1})
        await tell(first, b"kept")

    async with kafka_cluster(folder=tmp_path) as second:  # on other ports
        assert second.cluster_id == first.cluster_id
        assert await told(second) == [b"kept"]

    with pytest.raises(Refused, match=r"by Apache Kafka 4\.1\.0 with 1 node"):
        async with kafka_cluster(3, folder=tmp_path):
            pass


async def test_when_the_leader_of_three_dies_another_leads_what_was_acknowledged() -> None:
    need_kafka()
    async with kafka_cluster(3) as cluster:
        await cluster.create_topics(KAFKA_TOPICS)
        await cluster.create_topics({"told": 1})
        assert await differences(cluster.servers, KAFKA_TOPICS) == []
        await tell(cluster, b"before")
        leader = await cluster.leader_of("told", 0)
        assert leader is not None

        await cluster.kill(leader)
        await _another_leads(cluster, leader)

        assert await told(cluster) == [b"before"]
        await tell(cluster, b"after")
        await cluster.start(leader)
        assert await told(cluster) == [b"before", b"after"]


async def test_the_brokers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    need_kafka()
    script = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom deploy.kafka.cluster import kafka_cluster\n"
        "async def main():\n"
        "    async with kafka_cluster(folder=Path(sys.argv[1])) as cluster:\n"
        "        broker = cluster.nodes[1]\n"
        "        print(broker.pid, broker.node.port, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    parent = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    pid, port = (int(part) for part in (await parent.stdout.readline()).split())
    assert is_taken(port)
    parent.kill()
    await parent.wait()

    async with asyncio.timeout(60):
        while Running.of(pid) is not None or is_taken(port):  # noqa: ASYNC110 - a process gives no event
            await asyncio.sleep(0.02)


async def _another_leads(cluster: Cluster, dead: int) -> None:
    async with asyncio.timeout(60):
        while await cluster.leader_of("told", 0) in (None, dead):  # noqa: ASYNC110 - an election gives no event
            await asyncio.sleep(0.1)
