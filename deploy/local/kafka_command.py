"""The command that serves a formatted node, and how to tell that it serves."""

import asyncio

from deploy.local.kafka_folder import Layout, Node
from deploy.local.kafka_programs import Programs
from deploy.local.ports import HOST
from libs.eventbus.errors import BusError
from libs.eventbus.kafka_metadata import describe


def serve_command(node: Node, layout: Layout, programs: Programs) -> tuple[str, ...]:
    """The command that serves the node's data."""
    return programs.command("kafka.Kafka", str(node.properties), heap_mb=layout.heap_mb)


async def serves(node: Node) -> bool:
    """The broker answers a request for metadata, and counts itself among those that serve."""
    try:
        _, writer = await asyncio.open_connection(HOST, node.port)  # the client would log every refusal as an error
        writer.close()
        return node.number in (await describe(f"{HOST}:{node.port}")).alive
    except (OSError, BusError):
        return False
