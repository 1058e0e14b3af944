"""Which bus a stack has, and that its data folder keeps to it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import Refused
from deploy.local.folders import Folders

POSTGRES = "postgres"
KAFKA = "kafka"
_SCHEMES = {"postgresql": POSTGRES, "kafka": KAFKA}


@dataclass(frozen=True, slots=True)
class BusChoice:
    """`url` names a running bus; without one the stack brings its own: a database, or a broker."""

    kind: str
    url: str | None = None


OWN_KAFKA = BusChoice(KAFKA)


def bus_from(folders: Folders, environment: Mapping[str, str] = os.environ) -> BusChoice:
    """BUS_URL, or BUS=postgres or =kafka; without both, what the folder's data was made with, else PostgreSQL.

    Raises: Refused: they contradict each other, or the folder's data.
    """
    kind, url = environment.get("BUS") or "", environment.get("BUS_URL") or None
    if kind not in ("", POSTGRES, KAFKA):
        raise Refused(f"BUS={kind!r}: it may be '{POSTGRES}' or '{KAFKA}', or be left out.")
    named = kind_of(url) if url else ""
    if kind and named and kind != named:
        raise Refused(f"BUS={kind}, but BUS_URL names a {named} bus. Leave one of the two out.")
    choice = BusChoice(kind=named or kind or _recorded(folders) or POSTGRES, url=url)
    refuse_other_bus(folders, choice.kind)
    return choice


def kind_of(url: str) -> str:
    """The transport that a bus's URL names. Raises: Refused."""
    scheme = url.partition("://")[0]
    if scheme not in _SCHEMES:
        raise Refused("BUS_URL names a bus by postgresql://... or kafka://host:port[,host:port...], nothing else.")
    return _SCHEMES[scheme]


def refuse_other_bus(folders: Folders, kind: str) -> None:
    """The folder's data, if there is any, was made on such a bus.

    Raises: Refused: on another one. Its services would find a bus without what they had not read yet.
    """
    recorded = _recorded(folders)
    if recorded and recorded != kind:
        raise Refused(
            f"The data in {folders.data} was made with BUS={recorded}, now BUS={kind} is asked for. Nothing was "
            f"changed. Start it with BUS={recorded}, or choose another folder with HUITOU_DATA, or delete the data "
            "with `make reset`."
        )


def record_bus(folders: Folders, kind: str) -> None:
    """The folder's data is made on such a bus from now on."""
    _file(folders).write_text(kind + "\n")


def _recorded(folders: Folders) -> str | None:
    if _file(folders).exists():
        return _file(folders).read_text().strip()
    return POSTGRES if (folders.postgres / "data").exists() else None  # made before there was a choice


def _file(folders: Folders) -> Path:
    return folders.data / "bus"
