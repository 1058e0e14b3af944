"""Which transport a URL names: the only place that knows all of them."""

import re
from contextlib import AbstractAsyncContextManager
from typing import Final
from urllib.parse import urldefrag

from libs.eventbus.errors import UnknownTransport
from libs.eventbus.kafka import KafkaBus
from libs.eventbus.port import Bus
from libs.eventbus.postgres import PostgresBus

_NAMES: Final = {"postgresql://": "postgres", "kafka://": "kafka"}
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")


def open_bus(url: str, *, pool_size: int = 4, instance: str | None = None) -> AbstractAsyncContextManager[Bus]:
    """The bus at `url`, closed when the block ends; nothing is connected before it is needed.

    `instance` tells this process from its service's others, and must be the same after a restart.

    Raises: UnknownTransport.
    """
    name, place = bus_name(url), urldefrag(url).url
    if url.startswith("postgresql://"):
        return PostgresBus.open(place, pool_size=pool_size, name=name)
    return KafkaBus.open(place, instance=instance, name=name)


def bus_name(url: str) -> str:
    """How the relays' cursors call the bus: what follows `#` in its URL, else its kind.

    While a source moves from one bus to another of the same kind, they need two names.
    Raises: UnknownTransport.
    """
    kind = next((name for scheme, name in _NAMES.items() if url.startswith(scheme)), None)
    if kind is None:
        raise UnknownTransport("a bus is named by postgresql://... or kafka://host:port, and #name where there are two")
    name = urldefrag(url).fragment or kind
    if not _NAME.fullmatch(name):
        raise UnknownTransport("the name behind # is made of a-z, 0-9 and '-', and begins with a letter")
    return name
