"""The folder of a cluster: which release and cluster it belongs to, and per node its settings and formatted data."""

import base64
import json
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template
from uuid import UUID, uuid4

from deploy.local.errors import Refused, StartFailed
from deploy.local.folders import REPOSITORY
from deploy.local.kafka_programs import VERSION, Programs
from deploy.local.ports import HOST

SESSION_MS = 9000
_TEMPLATE = REPOSITORY / "deploy" / "kafka" / "server.properties"
_REMEDY = (
    "Start with an empty folder by setting HUITOU_DATA, or delete the data with `make reset`: what the services had "
    "not read yet is told again from their outboxes."
)
_HEAP_ALONE_MB = 512
_HEAP_AMONG_MB = 384
_FORMAT_HEAP_MB = 128


@dataclass(frozen=True, slots=True)
class Detour:
    """A second way to a node: whoever comes in by `port` is told to go on by `advertised`, where a proxy may stand.

    Kafka's clients connect to the addresses that brokers name; no proxy is passed that no broker names.
    """

    port: int
    advertised: int


@dataclass(frozen=True, slots=True)
class Node:
    """One broker, which is a controller too; its ports may be others after the next start."""

    number: int
    folder: Path
    port: int
    controller_port: int
    detour: "Detour | None" = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def properties(self) -> Path:
        return self.folder / "server.properties"


@dataclass(frozen=True, slots=True)
class Layout:
    """All nodes of a cluster. `session_ms`: how long a killed broker counts as alive."""

    folder: Path
    nodes: tuple[Node, ...]
    session_ms: int = SESSION_MS

    @property
    def url(self) -> str:
        """What `BUS_URL` says."""
        return "kafka://" + self.bootstrap

    @property
    def bootstrap(self) -> str:
        """The brokers' addresses, as clients want them."""
        return ",".join(f"{HOST}:{node.port}" for node in self.nodes)

    @property
    def heap_mb(self) -> int:
        """Memory of one broker."""
        return _HEAP_ALONE_MB if len(self.nodes) == 1 else _HEAP_AMONG_MB


@dataclass(frozen=True, slots=True)
class Record:
    """What the folder remembers of its making."""

    kafka: str
    cluster_id: str
    nodes: int


def layout_of(
    folder: Path, ports: list[tuple[int, int]], *, session_ms: int = SESSION_MS, detour: Detour | None = None
) -> Layout:
    """A node for each pair of a broker's and a controller's port; the detour is the first one's."""
    nodes = tuple(
        Node(number, folder / f"node-{number}", port, controller, detour if number == 1 else None)
        for number, (port, controller) in enumerate(ports, start=1)
    )
    return Layout(folder=folder, nodes=nodes, session_ms=session_ms)


def prepare_folder(layout: Layout, programs: Programs) -> Record:
    """Every node's data is formatted for one cluster, now if it was not, and its settings have today's ports.

    Raises:
        Refused: the data is of another release, of another number of nodes, or not whole.
        StartFailed: it could not be formatted.
    """
    layout.folder.mkdir(parents=True, exist_ok=True)
    record = read_record(layout.folder) or _keep(layout.folder, _new_record(layout))
    _refuse_another(record, layout)
    for node in layout.nodes:
        node.folder.mkdir(exist_ok=True)
        node.properties.write_text(settings_of(node, layout, data=node.data))
        if not node.data.exists():
            _format(node, layout, programs, record.cluster_id)
        elif not (node.data / "meta.properties").exists():
            raise Refused(f"The broker's data in {node.data} is not whole. Nothing was changed. {_REMEDY}")
    return record


def read_record(folder: Path) -> Record | None:
    """What the folder remembers; None if nothing was ever made there."""
    file = folder / "cluster.json"
    return Record(**json.loads(file.read_text())) if file.exists() else None


def delete_data(layout: Layout) -> None:
    """The cluster never was: the next start makes another, with another id and no topics."""
    for node in layout.nodes:
        shutil.rmtree(node.folder, ignore_errors=True)
    (layout.folder / "cluster.json").unlink(missing_ok=True)


def settings_of(node: Node, layout: Layout, *, data: Path) -> str:
    """The node's server.properties."""
    count = len(layout.nodes)
    return Template(_TEMPLATE.read_text()).substitute(
        node_id=node.number,
        voters=",".join(f"{each.number}@{HOST}:{each.controller_port}" for each in layout.nodes),
        port=node.port,
        controller_port=node.controller_port,
        data=data,
        replication=min(count, 3),
        min_isr=2 if count >= 3 else 1,
        detour=f",DETOUR://{HOST}:{node.detour.port}" if node.detour else "",
        advertised_detour=f",DETOUR://{HOST}:{node.detour.advertised}" if node.detour else "",
        session_ms=layout.session_ms,
        heartbeat_ms=layout.session_ms // 6,
    )


def _refuse_another(record: Record, layout: Layout) -> None:
    if (record.kafka, record.nodes) != (VERSION, len(layout.nodes)):
        raise Refused(
            f"The broker's data in {layout.folder} was made by Apache Kafka {record.kafka} with {record.nodes} "
            f"node(s); this is {VERSION} with {len(layout.nodes)}. Nothing was changed. {_REMEDY}"
        )


def _new_record(layout: Layout) -> Record:
    return Record(kafka=VERSION, cluster_id=_as_id(uuid4()), nodes=len(layout.nodes))


def _as_id(uuid: UUID) -> str:
    """Kafka's spelling of a UUID; the first bit is cleared, since one that began with '-' would look like an option."""
    return base64.urlsafe_b64encode(bytes([uuid.bytes[0] & 0x7F]) + uuid.bytes[1:]).decode().rstrip("=")


def _keep(folder: Path, record: Record) -> Record:
    unfinished = folder / "cluster.part"
    unfinished.write_text(json.dumps(asdict(record)))
    unfinished.replace(folder / "cluster.json")
    return record


def _format(node: Node, layout: Layout, programs: Programs, cluster_id: str) -> None:
    unfinished = node.folder / "data.part"
    shutil.rmtree(unfinished, ignore_errors=True)  # an interrupted format left it; nothing was ever stored in it
    settings = node.folder / "format.properties"
    settings.write_text(settings_of(node, layout, data=unfinished))
    arguments = ("format", "-t", cluster_id, "-c", str(settings))
    command = programs.command("kafka.tools.StorageTool", *arguments, heap_mb=_FORMAT_HEAP_MB)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    if done.returncode or not (unfinished / "meta.properties").exists():
        said = (done.stderr + done.stdout).strip()[-800:]
        raise StartFailed(f"Apache Kafka could not format its data folder {unfinished}: {said}")
    unfinished.rename(node.data)  # whole from this instant on
