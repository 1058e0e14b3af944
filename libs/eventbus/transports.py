"""Which transport a URL names: the only place that knows all of them."""

from contextlib import AbstractAsyncContextManager

from libs.eventbus.errors import UnknownTransport
from libs.eventbus.kafka import KafkaBus
from libs.eventbus.port import Bus
from libs.eventbus.postgres import PostgresBus


def open_bus(url: str, *, pool_size: int = 4, instance: str | None = None) -> AbstractAsyncContextManager[Bus]:
    """The bus at `url`, closed when the block ends; nothing is connected before it is needed.

    `instance` tells this process from its service's others, and must be the same after a restart.

    Raises: UnknownTransport.
    """
    if url.startswith("postgresql://"):
        return PostgresBus.open(url, pool_size=pool_size)
    if url.startswith("kafka://"):
        return KafkaBus.open(url, instance=instance)
    raise UnknownTransport("a bus is named by postgresql://... or kafka://host:port")
