"""Which transport a URL names: the only place that knows all of them."""

from contextlib import AbstractAsyncContextManager

from libs.eventbus.errors import UnknownTransport
from libs.eventbus.port import Bus
from libs.eventbus.postgres import PostgresBus


def open_bus(url: str, *, pool_size: int = 4) -> AbstractAsyncContextManager[Bus]:
    """The bus at `url`, closed when the block ends; nothing is connected before it is needed.

    Raises: UnknownTransport.
    """
    if url.startswith("postgresql://"):
        return PostgresBus.open(url, pool_size=pool_size)
    raise UnknownTransport("a bus is named by postgresql://..., nothing else")
