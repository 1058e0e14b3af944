"""docker-compose.yml, read more strictly than compose does: whatever is not known here is an error.

Source: https://github.com/compose-spec/compose-spec/blob/main/05-services.md and its neighbours.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_VARIABLE: Final = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Z][A-Z0-9_]*)(?:(?P<how>:[-?])(?P<rest>[^${}]*))?\})?"
)


class Wrong(Exception):
    """The file says something that compose would refuse, or understand in another way."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service, as a container of it would be made."""

    name: str
    image: str
    target: str | None
    arguments: Mapping[str, str]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    depends_on: Mapping[str, str]
    ports: tuple[str, ...]
    files: Mapping[str, str]
    networks: frozenset[str]
    is_job: bool
    settings: Mapping[str, Any]

    @property
    def is_ours(self) -> bool:
        return self.target is not None


def read(path: Path) -> dict[str, Any]:
    """The document as YAML has it, anchors and merges resolved, nothing interpolated."""
    return parse(path.read_text())


def parse(text: str) -> dict[str, Any]:
    """The document; a key that comes twice is refused, which PyYAML would not do."""
    _refuse_twice(yaml.compose(text, Loader=yaml.SafeLoader))
    document = yaml.safe_load(text)
    if not isinstance(document, dict):
        raise Wrong("not a mapping")
    return document


def interpolated(value: Any, settings: Mapping[str, str]) -> Any:
    """The value with every `${VARIABLE}` of it replaced, as compose does it, except that a lone `$` is refused.

    Raises:
        Wrong: a variable without a default has no value.
    """
    if isinstance(value, dict):
        return {key: interpolated(each, settings) for key, each in value.items()}
    if isinstance(value, list):
        return [interpolated(each, settings) for each in value]
    return _VARIABLE.sub(lambda found: _replaced(found, settings), value) if isinstance(value, str) else value


def services(document: Mapping[str, Any], settings: Mapping[str, str]) -> dict[str, Service]:
    """All services of a document that was found to be in order, interpolated."""
    resolved = interpolated({key: each for key, each in document.items() if not key.startswith("x-")}, settings)
    return {name: _service(name, each, resolved) for name, each in resolved["services"].items()}


def _service(name: str, given: Mapping[str, Any], document: Mapping[str, Any]) -> Service:
    build = given.get("build", {})
    return Service(
        name=name,
        image=given["image"],
        target=build.get("target"),
        arguments=build.get("args", {}),
        command=tuple(given.get("command", ())),
        environment={key: str(each) for key, each in given.get("environment", {}).items()},
        depends_on={key: each["condition"] for key, each in given.get("depends_on", {}).items()},
        ports=tuple(given.get("ports", ())),
        files={each["target"]: document["configs"][each["source"]]["file"] for each in given.get("configs", ())},
        networks=frozenset(given["networks"]),
        is_job=given["restart"] == "no",
        settings=given,
    )


def _replaced(found: re.Match[str], settings: Mapping[str, str]) -> str:
    if found["dollar"]:
        return "$"
    if not found["name"]:
        raise Wrong(f"a lone $ in {found.string!r}")
    if known := settings.get(found["name"]):
        return known
    if found["how"] == ":-":
        return str(found["rest"])
    raise Wrong(f"{found['name']} is missing a value")


def _refuse_twice(node: yaml.Node | None) -> None:
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise Wrong(f"twice in one mapping: {sorted(twice)}")
        for _, each in node.value:
            _refuse_twice(each)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _refuse_twice(each)
