"""The loopback ports of one stack: fixed for people, free ones for tests."""

import os
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from deploy.local.databases import SERVICES
from deploy.local.errors import Refused

HOST = "127.0.0.1"
_LASTING = range(20_000, 30_000)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens, on 127.0.0.1 only."""

    apis: Mapping[str, int]
    workers: Mapping[str, int]
    postgres: int
    smtp: int
    kafka: int
    kafka_controller: int

    def named(self) -> dict[str, int]:
        """Every port with the words for it in a message."""
        return {**self.named_of_services(), **self.named_of_postgres(), **self.named_of_kafka()}

    def named_of_services(self) -> dict[str, int]:
        """The ports of the services and of what they send mail to, each with the words for it in a message."""
        apis = {f"the {name} API (HUITOU_PORTS)": port for name, port in self.apis.items()}
        workers = {f"the {name} worker's health (HUITOU_PORTS)": port for name, port in self.workers.items()}
        return {**apis, **workers, "the mail catcher (HUITOU_SMTP_PORT)": self.smtp}

    def named_of_postgres(self) -> dict[str, int]:
        """The port of a server of our own."""
        return {"PostgreSQL (HUITOU_POSTGRES_PORT)": self.postgres}

    def named_of_kafka(self) -> dict[str, int]:
        """The two ports of a broker of our own."""
        return {
            "Kafka (HUITOU_KAFKA_PORT)": self.kafka,
            "Kafka's controller (HUITOU_KAFKA_PORT, one above)": self.kafka_controller,
        }


def ports_from(environment: Mapping[str, str] = os.environ) -> Ports:
    """The ports that HUITOU_PORTS, _POSTGRES_PORT, _SMTP_PORT and _KAFKA_PORT choose; the README has the defaults."""
    first = _port(environment, "HUITOU_PORTS", 8001, room=20)
    broker = _port(environment, "HUITOU_KAFKA_PORT", 19092, room=2)
    return Ports(
        apis={name: first + index for index, name in enumerate(SERVICES)},
        workers={name: first + 10 + index for index, name in enumerate(SERVICES)},
        postgres=_port(environment, "HUITOU_POSTGRES_PORT", 54320),
        smtp=_port(environment, "HUITOU_SMTP_PORT", 8025),
        kafka=broker,
        kafka_controller=broker + 1,
    )


def free_ports() -> Ports:
    """Ports that nobody listens on at this moment."""
    sockets = [socket.socket() for _ in range(2 * len(SERVICES) + 2)]
    try:
        for each in sockets:  # all held open together, so that no number comes twice
            each.bind((HOST, 0))
        numbers = [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
    count = len(SERVICES)
    broker, controller = _neighbours()
    return Ports(
        apis=dict(zip(SERVICES, numbers[:count], strict=True)),
        workers=dict(zip(SERVICES, numbers[count : 2 * count], strict=True)),
        postgres=numbers[-2],
        smtp=numbers[-1],
        kafka=broker,
        kafka_controller=controller,
    )


def lasting_ports(count: int) -> list[int]:
    """Free ports below those that the kernel lends to outgoing connections.

    A server that is killed and started again finds its port free: no client was lent it meanwhile, and none that
    knocks at the closed port can meet itself there, which happens within the lent range.
    """
    candidates = random.sample(_LASTING, len(_LASTING))
    found = list(islice((port for port in candidates if not is_taken(port)), count))
    if len(found) < count:
        raise Refused(f"No {count} free ports between {_LASTING.start} and {_LASTING.stop - 1} on {HOST}.")
    return found


def refuse_taken(named: Mapping[str, int]) -> None:
    """Every port can be bound.

    Raises:
        Refused: somebody else listens on one of them.
    """
    taken = [f"port {port}, meant for {name}" for name, port in named.items() if is_taken(port)]
    if taken:
        raise Refused(
            f"Already in use by another program: {'; '.join(taken)}. Nothing was changed. "
            "Stop that program, or choose another port with the variable named in brackets."
        )


def is_taken(port: int) -> bool:
    """True if the port cannot be bound now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or a connection in TIME_WAIT counts as taken
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _port(environment: Mapping[str, str], name: str, default: int, *, room: int = 1) -> int:
    text = environment.get(name) or str(default)
    if not text.isdigit() or not 1024 <= int(text) <= 65536 - room:
        raise Refused(f"{name}={text!r} is not a port number between 1024 and {65536 - room}.")
    return int(text)


def _neighbours() -> tuple[int, int]:
    """Two lasting ports in a row, as HUITOU_KAFKA_PORT chooses them."""
    first = next(port for port in lasting_ports(200) if not is_taken(port + 1))
    return first, first + 1
