"""A container's process as a process of this machine: the image's and the file's environment, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from tests.deploy.compose.compose_file import Service
from tests.deploy.compose.image import Image

Address = tuple[str, int]
_EVERYWHERE: Final = "0.0.0.0"
_OWN_PORTS: Final = ("HTTP_PORT", "WORKER_HTTP_PORT")


class Nobody(Exception):
    """The container asks for a host or file that the file does not give it."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where this machine has what the containers know by other names.

    `addresses`: the loopback address of what listens at a container's name and port. `own_port`: what the container's
    own port became. `files`: the folder that paths in the compose file start from.
    """

    addresses: Mapping[Address, Address]
    own_port: int
    files: Path


def environment_of(service: Service, image: Image, machine: Machine) -> dict[str, str]:
    """The whole environment of the container's process, with the other containers' names turned into addresses."""
    given = {**image.environment, **service.environment}
    changed = {name: _url_here(value, machine) for name, value in given.items() if "://" in value}
    changed |= {name: str(machine.own_port) for name in _OWN_PORTS if name in given}
    if given.get("HTTP_HOST"):
        changed["HTTP_HOST"] = {_EVERYWHERE: "127.0.0.1"}[given["HTTP_HOST"]]
    if given.get("SMTP_HOST"):
        host, port = _at(machine, (given["SMTP_HOST"], int(given["SMTP_PORT"])))
        changed |= {"SMTP_HOST": host, "SMTP_PORT": str(port)}
    if given.get("AUTH_JWKS", "").startswith("/"):
        changed["AUTH_JWKS"] = str(_file_here(given["AUTH_JWKS"], service, machine))
    return {**given, **changed}


def command_of(service: Service, image: Image, machine: Machine) -> list[str]:
    """Entry point and command, as Docker puts them together."""
    words = [_url_here(word, machine) if "://" in word else word for word in service.command]
    return image.command([*image.entrypoint, *words])


def _url_here(value: str, machine: Machine) -> str:
    parts = urlsplit(value)
    if parts.hostname is None or parts.hostname == "127.0.0.1":  # how browsers reach it: nothing inside connects there
        return value
    host, port = _at(machine, (parts.hostname, parts.port or 0))
    credentials, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{credentials}{at}{host}:{port}"))


def _at(machine: Machine, address: Address) -> Address:
    if address not in machine.addresses:
        raise Nobody(f"nobody listens at {address}")
    return machine.addresses[address]


def _file_here(path: str, service: Service, machine: Machine) -> Path:
    """The mounted file. A process may be told of a file that it never opens: then there is nothing to mount."""
    return machine.files / service.files[path] if path in service.files else Path("/nonexistent") / path[1:]
