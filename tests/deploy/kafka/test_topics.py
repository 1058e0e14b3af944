"""deploy/topics.yaml on both transports: what is missing is made, and each difference has its line."""

import asyncio
import subprocess
import sys

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.kafka.cluster import Cluster
from deploy.local.errors import StartFailed
from deploy.local.folders import REPOSITORY
from deploy.local.ports import lasting_ports
from deploy.local.topics import create_topics, kafka_topic_specs, topic_differences, topic_partitions
from libs.contracts.registry import TOPICS
from libs.eventbus.kafka_metadata import describe, known_to_all
from libs.eventbus.kafka_topics import ensure_topics
from libs.eventbus.topics import KAFKA_TOPICS, TopicSpec
from tests.throwaway import Databases


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "deploy.topics", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)


def test_the_services_know_the_topics_as_the_file_says() -> None:
    assert list(kafka_topic_specs()) == list(KAFKA_TOPICS)
    assert {topic.name for topic in KAFKA_TOPICS} == set(TOPICS)


async def test_kafka_is_made_as_the_file_says_and_named_where_it_is_not(kafka: Cluster) -> None:
    url = f"{kafka.url}/said"  # a name before each topic: the broker is everybody's
    missing = await topic_differences(url)
    assert missing == [f"topic said.{topic}: missing" for topic in topic_partitions()]

    made = await create_topics(url)

    assert made == [f"said.{topic}" for topic in topic_partitions()]
    assert await create_topics(url) == []
    assert await topic_differences(url) == []


async def test_each_setting_that_differs_has_its_line(kafka: Cluster) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.servers)
    await admin.start()
    settings = {"retention.ms": "1000", "compression.type": "zstd", "max.message.bytes": "1000"}
    wrong = {**settings, "min.insync.replicas": "2", "unclean.leader.election.enable": "true"}
    made = await admin.create_topics([NewTopic("bad.control", 2, 1, topic_configs=wrong)])
    await admin.close()
    assert [error[:2] for error in made.topic_errors] == [("bad.control", 0)]
    async with asyncio.timeout(30):
        while not await known_to_all(kafka.servers, {"bad.control": 2}):  # noqa: ASYNC110 - it gives no event
            await asyncio.sleep(0.05)

    found = [line for line in await topic_differences(f"{kafka.url}/bad") if "control" in line]

    assert found == [
        "topic bad.control: partitions is 2, not 1",
        "topic bad.control: retention.ms is 1000, not 86400000",
        "topic bad.control: min.insync.replicas is 2, not 1",
        "topic bad.control: compression.type is zstd, not producer",
        "topic bad.control: max.message.bytes is 1000, not 1048576",
        "topic bad.control: unclean.leader.election.enable is true, not false",
    ]


async def test_partitions_are_added_and_never_taken_away(kafka: Cluster) -> None:
    def topic(partitions: int) -> TopicSpec:
        return TopicSpec("grown", partitions=partitions, retention_seconds=3600, min_isr=2)

    made = [await ensure_topics(kafka.servers, [topic(count)]) for count in (2, 5, 3)]

    assert made == [["grown"], ["grown"], []]
    assert len((await describe(kafka.servers)).topics["grown"]) == 5


async def test_the_commands_say_it_and_their_exit_codes_too(kafka: Cluster) -> None:
    url = f"{kafka.url}/told"
    before, created, after = run("verify", "--bus", url), run("create", "--bus", url), run("verify", "--bus", url)

    assert (before.returncode, before.stdout.splitlines()[0]) == (1, "topic told.commerce: missing")
    assert (created.returncode, created.stdout.split(": ")[0]) == (0, "made or enlarged")
    assert (after.returncode, after.stdout) == (0, "every topic is as deploy/topics.yaml says\n")


async def test_a_bus_that_does_not_answer_is_named() -> None:
    with pytest.raises(StartFailed, match="topics of the kafka bus"):
        await topic_differences(f"kafka://127.0.0.1:{lasting_ports(1)[0]}")


async def test_the_postgresql_bus_is_made_and_compared_too(databases: Databases) -> None:
    url, _ = await databases.fresh_bus()
    assert (await topic_differences(url))[0] == "topic commerce: missing"
    assert await create_topics(url) == list(topic_partitions())
    assert await topic_differences(url) == []
    connection = await asyncpg.connect(url)
    await connection.execute("DELETE FROM part WHERE topic = 'loyalty' AND p > 5")
    await connection.close()

    assert await topic_differences(url) == ["topic loyalty: partitions is 6, not 8"]

    assert await create_topics(url) == ["loyalty"]
