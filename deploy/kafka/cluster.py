"""A cluster of one or three brokers for tests and measurements, which ends with the block or with this process."""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.kafka.broker import Broker
from deploy.local.kafka_command import serve_command
from deploy.local.kafka_folder import Detour, Layout, Record, delete_data, layout_of, prepare_folder
from deploy.local.kafka_programs import Programs, Say, find_programs, programs_folder
from deploy.local.ports import HOST, lasting_ports
from libs.eventbus.kafka_metadata import describe
from libs.eventbus.kafka_topics import ensure_topics
from libs.eventbus.topics import DAY_SECONDS, TopicSpec

TEST_SESSION_MS = 3000


class Cluster:
    """The brokers of a layout, each of which can be killed, frozen and started again on its port."""

    def __init__(self, layout: Layout, programs: Programs) -> None:
        self.layout = layout
        self._programs = programs
        self.nodes: Mapping[int, Broker] = {
            node.number: Broker(node, serve_command(node, layout, programs)) for node in layout.nodes
        }
        self.record: Record

    @property
    def url(self) -> str:
        """What `BUS_URL` says."""
        return self.layout.url

    @property
    def servers(self) -> str:
        """The same as clients of Kafka want it: host:port, comma between."""
        return self.layout.bootstrap

    @property
    def cluster_id(self) -> str:
        """Another one after `wipe`."""
        return self.record.cluster_id

    async def start_all(self) -> None:
        """Every node serves; the data was made first, if there was none."""
        self.record = await asyncio.to_thread(prepare_folder, self.layout, self._programs)
        for broker in self.nodes.values():
            await broker.begin()
        for broker in self.nodes.values():  # one after the other suffices: they come up together
            await broker.until_serving()

    async def stop_all(self, how: signal.Signals = signal.SIGTERM) -> None:
        """No node runs; the data stays."""
        for broker in self.nodes.values():
            if broker.pid is not None:
                broker.send(signal.SIGCONT)
        await asyncio.gather(*(broker.end(how) for broker in self.nodes.values()))

    async def start(self, number: int) -> None:
        """The node serves (again), with the data that it had."""
        await self.nodes[number].begin()
        await self.nodes[number].until_serving()

    async def kill(self, number: int) -> None:
        """The node died in mid-flight; its data is as a crash leaves it."""
        await self.nodes[number].end(signal.SIGKILL)

    async def stop(self, number: int) -> None:
        """The node left in order: it handed over what it led."""
        await self.nodes[number].end(signal.SIGTERM)

    def freeze(self, number: int) -> None:
        """The node holds its connections and says nothing."""
        self.nodes[number].send(signal.SIGSTOP)

    def thaw(self, number: int) -> None:
        """A frozen node goes on, believing that no time has passed."""
        self.nodes[number].send(signal.SIGCONT)

    async def wipe(self) -> None:
        """Another cluster serves at the same address: all topics, records and groups are gone."""
        await self.stop_all(signal.SIGKILL)
        await asyncio.to_thread(delete_data, self.layout)
        await self.start_all()

    async def create_topics(self, topics: Mapping[str, int] | Sequence[TopicSpec]) -> list[str]:
        """The topics exist; those given as name -> partitions keep their records for a week."""
        wanted = (
            [TopicSpec(name, partitions, 7 * DAY_SECONDS, min_isr=2) for name, partitions in topics.items()]
            if isinstance(topics, Mapping)
            else topics
        )
        return await ensure_topics(self.servers, wanted)

    async def leader_of(self, topic: str, partition: int) -> int | None:
        """The number of the node that leads the partition, as the living see it."""
        return (await describe(self._living())).leader_of(topic, partition)

    def _living(self) -> str:
        return ",".join(f"{HOST}:{broker.node.port}" for broker in self.nodes.values() if broker.pid is not None)


@asynccontextmanager
async def kafka_cluster(
    nodes: int = 1,
    folder: Path | None = None,
    *,
    say: Say = lambda _text: None,
    session_ms: int = TEST_SESSION_MS,
    detour: Detour | None = None,
) -> AsyncIterator[Cluster]:
    """A cluster serves; without a folder its data is gone at the end. The first node has the detour.

    Raises:
        Refused: no Java or Maven, or the folder's data is another's.
        StartFailed: it could not be fetched or did not start; its last lines are in the message.
    """
    programs = await asyncio.to_thread(find_programs, programs_folder(), say=say)
    home = folder or Path(tempfile.mkdtemp(prefix="huitou-kafka-"))
    ports = lasting_ports(2 * nodes)
    pairs = list(zip(ports[::2], ports[1::2], strict=True))
    cluster = Cluster(layout_of(home, pairs, session_ms=session_ms, detour=detour), programs)
    try:
        await cluster.start_all()
        yield cluster
    finally:
        await cluster.stop_all()
        if folder is None:
            shutil.rmtree(home, ignore_errors=True)
