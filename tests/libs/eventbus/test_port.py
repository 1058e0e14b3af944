"""What every transport must do; a new one joins by adding its name to TRANSPORTS."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Final

import pytest

from libs.eventbus.errors import UnknownPartition
from libs.eventbus.port import Arrived, Bus, Outgoing, Partition, Subscription
from tests.libs.eventbus.buses import kafka_bus, postgres_bus
from tests.libs.eventbus.tallies import TOPIC

TRANSPORTS: Final = ("kafka", "postgres")


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> AbstractAsyncContextManager[Bus]:
    """An empty bus with two topics; what a transport needs is only started if it is asked for."""
    if request.param == "kafka":
        return kafka_bus(request.getfixturevalue("kafka").url)
    return postgres_bus(request.getfixturevalue("eventbus_database"))


@pytest.fixture
async def bus(transport: AbstractAsyncContextManager[Bus]) -> AsyncIterator[Bus]:
    async with transport as opened:
        yield opened


def record(lane: int, text: str, topic: str = TOPIC) -> Outgoing:
    return Outgoing(topic, lane, f"key {lane}", f'{{"ce_id":"{text}"}}', text.encode())


async def read(reader: Subscription, count: int) -> list[Arrived]:
    """The next records, so many at least."""
    found: list[Arrived] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            found.extend((await reader.fetch(100)).records)
    return found


def of_lane(records: Sequence[Arrived], lane: int) -> list[str]:
    return [one.payload.decode() for one in records if one.key == f"key {lane}"]


async def test_records_arrive_as_they_were_appended(bus: Bus) -> None:
    await bus.append([Outgoing(TOPIC, 5, "clé", '{"ce_id":"é"}', b"\x00\xff")])

    async with bus.subscribe("g", [TOPIC]) as reader:
        (arrived,) = await read(reader, 1)

    partitions = await bus.partitions(TOPIC)
    assert arrived.partition == Partition(TOPIC, 5 % partitions)
    assert (arrived.key, arrived.headers, arrived.payload) == ("clé", {"ce_id": "é"}, b"\x00\xff")


async def test_records_of_one_lane_stay_in_order(bus: Bus) -> None:
    for batch in range(5):
        await bus.append([record(lane, f"{batch}.{n}") for n in range(4) for lane in range(3)])

    async with bus.subscribe("g", [TOPIC]) as reader:
        found = await read(reader, 60)

    for lane in range(3):
        assert of_lane(found, lane) == [f"{batch}.{n}" for batch in range(5) for n in range(4)]


async def test_a_later_member_starts_where_the_group_committed(bus: Bus) -> None:
    await bus.append([record(1, "first")])
    async with bus.subscribe("g", [TOPIC]) as reader:
        (first,) = await read(reader, 1)
        await reader.commit({first.partition: first.offset + 1})
    await bus.append([record(1, "second")])

    async with bus.subscribe("g", [TOPIC]) as reader:
        assert of_lane(await read(reader, 1), 1) == ["second"]


async def test_what_was_not_committed_is_read_again(bus: Bus) -> None:
    await bus.append([record(1, "first")])
    async with bus.subscribe("g", [TOPIC]) as reader:
        await read(reader, 1)

    async with bus.subscribe("g", [TOPIC]) as reader:
        assert of_lane(await read(reader, 1), 1) == ["first"]


async def test_groups_read_independently(bus: Bus) -> None:
    await bus.append([record(1, "all")])

    for group in ("g", "h"):
        async with bus.subscribe(group, [TOPIC]) as reader:
            (found,) = await read(reader, 1)
            await reader.commit({found.partition: found.offset + 1})


async def test_an_end_is_told_only_when_nothing_is_unread(bus: Bus) -> None:
    await bus.append([record(1, str(n)) for n in range(5)])
    async with bus.subscribe("g", [TOPIC]) as reader:
        seen = 0
        partition = Partition(TOPIC, 1 % await bus.partitions(TOPIC))
        async with asyncio.timeout(30):
            while True:
                fetched = await reader.fetch(2)
                seen += len(fetched.records)
                if partition in fetched.ended:
                    break

    assert seen == 5


async def test_a_partition_can_be_read_again_from_its_start(bus: Bus) -> None:
    await bus.append([record(1, "first"), record(1, "second")])
    async with bus.subscribe("g", [TOPIC]) as reader:
        found = await read(reader, 2)
        reader.reread(found[0].partition)

        assert of_lane(await read(reader, 2), 1) == ["first", "second"]


async def test_two_members_read_every_record_between_them(bus: Bus) -> None:
    async with bus.subscribe("g", [TOPIC]) as one, bus.subscribe("g", [TOPIC]) as other:
        async with asyncio.timeout(30):
            while not (one.owned() and other.owned() and not one.owned() & other.owned()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await bus.append([record(lane, f"of {lane}") for lane in range(16)])
        found: list[Arrived] = []
        async with asyncio.timeout(30):
            while len(found) < 16:
                for reader in (one, other):
                    found.extend((await reader.fetch(100)).records)

    assert sorted(one.payload.decode() for one in found) == sorted(f"of {lane}" for lane in range(16))


async def test_a_follower_reads_everything_without_a_group(bus: Bus) -> None:
    await bus.append([record(1, "asked", topic="control")])

    async with bus.follow("control") as first, bus.follow("control") as second:
        assert of_lane(await read(first, 1), 1) == ["asked"]
        assert of_lane(await read(second, 1), 1) == ["asked"]


async def test_lag_counts_what_the_group_has_not_committed(bus: Bus) -> None:
    await bus.append([record(1, "first"), record(1, "second")])
    async with bus.subscribe("g", [TOPIC]) as reader:
        found = await read(reader, 2)
        before = sum((await bus.lag("g", [TOPIC])).values())
        await reader.commit({found[0].partition: found[0].offset + 1})

    assert before == 2
    assert sum((await bus.lag("g", [TOPIC])).values()) == 1


async def test_a_topic_that_the_bus_does_not_have_is_an_error(bus: Bus) -> None:
    with pytest.raises(UnknownPartition):
        await bus.partitions("nowhere")


async def test_upkeep_disturbs_nobody(bus: Bus) -> None:
    await bus.append([record(1, "kept")])

    await bus.maintain(datetime.now(UTC))

    async with bus.subscribe("g", [TOPIC]) as reader:
        assert of_lane(await read(reader, 1), 1) == ["kept"]
