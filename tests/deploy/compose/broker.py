"""The file's Kafka container as a broker of this machine: the settings of its environment, and no others."""

import asyncio
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from deploy.kafka.broker import Broker
from deploy.local.kafka_command import serve_command
from deploy.local.kafka_folder import Node, layout_of
from deploy.local.kafka_programs import find_programs, programs_folder
from deploy.local.ports import HOST, lasting_ports

_HEAP: Final = "KAFKA_HEAP_OPTS"  # the JVM's, not the broker's
_FORMAT_HEAP_MB: Final = 128


def properties_of(environment: Mapping[str, str]) -> dict[str, str]:
    """The broker's properties, as the image makes them from its environment."""
    kept = {name: value for name, value in environment.items() if name.startswith("KAFKA_") and name != _HEAP}
    return {name.removeprefix("KAFKA_").lower().replace("_", "."): value for name, value in kept.items()}


@asynccontextmanager
async def composed_broker(environment: Mapping[str, str], folder: Path) -> AsyncIterator[Node]:
    """The broker serves until the block ends, on data that was formatted under the file's cluster id."""
    programs = await asyncio.to_thread(find_programs, programs_folder())
    port, controller_port = lasting_ports(2)
    layout = layout_of(folder, [(port, controller_port)])
    [node] = layout.nodes
    node.folder.mkdir(parents=True)
    lines = (f"{name}={value}\n" for name, value in _here(properties_of(environment), node).items())
    node.properties.write_text("".join(lines))
    arguments = ("format", f"--cluster-id={environment['CLUSTER_ID']}", "-c", str(node.properties))
    command = programs.command("kafka.tools.StorageTool", *arguments, heap_mb=_FORMAT_HEAP_MB)
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-800:]
    broker = Broker(node, serve_command(node, layout, programs))
    try:
        await broker.begin()
        await broker.until_serving()
        yield node
    finally:
        await broker.end(signal.SIGTERM)


def _here(properties: Mapping[str, str], node: Node) -> dict[str, str]:
    """The same with this machine's ports for the container's two, loopback for its names, and a folder for its data."""
    ports = {"9092": node.port, "9093": node.controller_port}
    mapped = {
        name: re.sub(r"(?:kafka|localhost)?:(9092|9093)\b", lambda found: f"{HOST}:{ports[found[1]]}", value)
        for name, value in properties.items()
    }
    return {**mapped, "log.dirs": str(node.data)}
