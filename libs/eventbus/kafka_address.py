"""Where a Kafka cluster is, as one URL: kafka://host:port[,host:port...][/prefix][?session_timeout_seconds=30]."""

import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

from libs.eventbus.errors import UnknownTransport

SESSION_SECONDS: Final = 30.0
_PREFIX: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,80}")
_FORM: Final = "kafka://host:port[,host:port...][/prefix][?session_timeout_seconds=30]"


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """`servers`: host:port, comma between. `prefix` goes before every topic and group, so that systems share a cluster.

    `session_seconds`: a member that was not heard of for so long loses its partitions.
    """

    servers: str
    prefix: str = ""
    session_seconds: float = SESSION_SECONDS

    @classmethod
    def parse(cls, url: str) -> Self:
        """The address that the URL spells. Raises: UnknownTransport, naming the part that is wrong, never a value."""
        parts = urlsplit(url)
        servers = parts.netloc.split(",")
        if parts.scheme != "kafka" or not all(_has_port(server) for server in servers):
            raise UnknownTransport(f"a Kafka bus is named by {_FORM}; each server needs its port")
        prefix = parts.path.strip("/")
        if prefix and not _PREFIX.fullmatch(prefix):
            raise UnknownTransport(f"the prefix of {_FORM} is made of a-z, 0-9, '.', '_', '-'")
        return cls(parts.netloc, prefix, _session_seconds(parts.query))

    def named(self, name: str) -> str:
        """The topic's or group's name on the cluster."""
        return f"{self.prefix}.{name}" if self.prefix else name

    def ours(self, name: str) -> str:
        """The topic's name without the prefix; the reverse of `named`."""
        return name.removeprefix(f"{self.prefix}.") if self.prefix else name


def _has_port(server: str) -> bool:
    host, _, port = server.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) < 65536


def _session_seconds(query: str) -> float:
    options = parse_qs(query, keep_blank_values=True)
    if options.keys() - {"session_timeout_seconds"}:
        raise UnknownTransport(f"the only option of {_FORM} is session_timeout_seconds")
    try:
        seconds = float(options.get("session_timeout_seconds", [str(SESSION_SECONDS)])[-1])
    except ValueError:
        seconds = 0.0
    if not 6.0 <= seconds <= 1800.0:  # brokers refuse less and more by default
        raise UnknownTransport("session_timeout_seconds must be a number from 6 to 1800")
    return seconds
