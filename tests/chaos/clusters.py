"""R2: three brokers, of which the leader dies."""

import asyncio
import random

from deploy.kafka.cluster import Cluster
from libs.eventbus.topics import KAFKA_TOPICS
from tests.chaos.arena import opened
from tests.chaos.books import check
from tests.chaos.kafka_faults import KafkaFaults
from tests.chaos.killing import HEAL_SECONDS
from tests.chaos.load import under_load
from tests.chaos.meters import watched
from tests.chaos.report import Measured, Report, Size
from tests.chaos.shop import Shop

_TOPIC = "commerce"
_PARTITIONS = next(topic.partitions for topic in KAFKA_TOPICS if topic.name == _TOPIC)
_BETWEEN_SECONDS = 4.0
_ELECTION_SECONDS = 30.0


async def r2(bus: str, seed: int, size: Size) -> Report:
    """kill -9 of the broker that leads a partition, in a cluster of three, again and again."""
    if bus != "kafka":
        return Report("R2 leader of a partition killed", {}, {}, None, not_run="only Kafka has brokers to kill")
    shop, dice = Shop(seed, orders=size.orders_killed, prefix="R2-"), random.Random(seed)
    async with opened(bus, brokers=3) as arena, watched(arena) as meters:
        assert isinstance(arena.bus, KafkaFaults)
        elections, kills = [], max(3, size.kills // 5)
        async with under_load(arena, shop, per_second=size.per_second):
            for _ in range(kills):
                await asyncio.sleep(_BETWEEN_SECONDS)
                elections.append(await _leader_killed(arena.bus.cluster, dice.randrange(_PARTITIONS)))
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
        return Report(
            "R2 leader of a partition killed",
            {"leaders killed": kills},
            {
                "new leaders": len(elections),
                "rounds of the relay tried again": meters.total("relay_failures"),
                "duplicates": meters.total("duplicates"),
            },
            await check(arena, arena.books),
            drained,
            {"drained": Measured(drained, 30), "slowest election": Measured(max(elections), _ELECTION_SECONDS)},
        )


async def _leader_killed(cluster: Cluster, partition: int) -> float:
    """The partition's leader died, another one led after so many seconds, and the dead one is back."""
    loop, leader = asyncio.get_running_loop(), await cluster.leader_of(_TOPIC, partition)
    assert leader is not None
    began = loop.time()
    await cluster.kill(leader)
    async with asyncio.timeout(2 * _ELECTION_SECONDS):
        while await cluster.leader_of(_TOPIC, partition) in (None, leader):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    seconds = loop.time() - began
    await cluster.start(leader)
    return seconds
