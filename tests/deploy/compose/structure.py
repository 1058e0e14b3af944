"""What a compose file may say: a table of the keys in use, each with its form; anything else is a complaint.

Compose's own schema allows much more and says nothing about what a file refers to; both are narrowed here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tests.deploy.compose.compose_file import Wrong, interpolated

Check = Callable[[Any], bool]

_DURATION: Final = re.compile(r"(\d+(us|ms|s|m|h))+")
_SIZE: Final = re.compile(r"\d+[bkmg]?")
_IMAGE: Final = re.compile(r"[a-z0-9][a-z0-9./-]*:(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]*)")
_PORT: Final = re.compile(r"127\.0\.0\.1:\d{4,5}:\d{2,5}")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]*")
_CONDITIONS: Final = ("service_started", "service_healthy", "service_completed_successfully")


def complaints(document: Mapping[str, Any], settings: Mapping[str, str]) -> list[str]:
    """Everything that is wrong with the document; empty if it is in order."""
    try:
        resolved = interpolated({key: each for key, each in document.items() if not key.startswith("x-")}, settings)
    except Wrong as error:
        return [str(error)]
    found = list(_by_table("", resolved, _TOP))
    return found or [*_references(resolved), *_circles(resolved["services"])]


def _by_table(at: str, given: Mapping[str, Any], table: Mapping[str, Check]) -> Iterator[str]:
    for key, value in given.items():
        if key not in table:
            yield f"{at}{key}: not known here"
        elif not table[key](value):
            yield f"{at}{key}: {value!r}"
    if table is _TOP:
        for name, service in given.get("services", {}).items():
            yield from _by_table(f"services.{name}.", service, _SERVICE)
            yield from (f"services.{name}: {key} is missing" for key in _NEEDED if key not in service)


def _references(document: Mapping[str, Any]) -> Iterator[str]:
    services = document["services"]
    for name, service in services.items():
        wanted = {
            "services": list(service.get("depends_on", {})),
            "networks": service["networks"],
            "configs": [each["source"] for each in service.get("configs", ())],
            "volumes": [each.split(":")[0] for each in service.get("volumes", ())],
        }
        for kind, names in wanted.items():
            yield from (f"services.{name}: no {kind}.{each}" for each in names if each not in document.get(kind, {}))
        for other, how in service.get("depends_on", {}).items():
            yield from _condition(name, other, how["condition"], services.get(other, {}))


def _condition(name: str, other: str, condition: str, needed: Mapping[str, Any]) -> Iterator[str]:
    """A job is waited for until its end, anything else until it is healthy."""
    right = "service_completed_successfully" if needed.get("restart") == "no" else "service_healthy"
    if condition != right:
        yield f"services.{name}: waits for {other} with {condition}"
    if right == "service_healthy" and "healthcheck" not in needed:
        yield f"services.{name}: waits for {other}, which has no health check"


def _circles(services: Mapping[str, Any]) -> Iterator[str]:
    waiting = {name: set(service.get("depends_on", ())) for name, service in services.items()}
    while ready := {name for name, needed in waiting.items() if not needed}:
        waiting = {name: needed - ready for name, needed in waiting.items() if name not in ready}
    if waiting:
        yield f"these wait for each other: {sorted(waiting)}"


def _is(*kinds: type) -> Check:
    return lambda value: type(value) in kinds


def _matches(form: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and form.fullmatch(value) is not None


def _one_of(*allowed: Any) -> Check:
    return lambda value: any(value is each or (type(value) is type(each) and value == each) for each in allowed)


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and bool(value) and all(check(each) for each in value)


def _mapping_of(key: Check, each: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(key(name) and each(given) for name, given in value.items())


def _record(table: Mapping[str, Check], *, needed: tuple[str, ...] = ()) -> Check:
    def check(value: Any) -> bool:
        return isinstance(value, dict) and set(needed) <= set(value) and not list(_by_table("", value, table))

    return check


def _pinned(value: Any) -> bool:
    found = _IMAGE.fullmatch(value) if isinstance(value, str) else None
    return found is not None and found["tag"] != "latest"


_TEXT: Final = _is(str)
_WORDS: Final = _list_of(_TEXT)
_DURATIONS: Final = _matches(_DURATION)
_NAMES: Final = _matches(_NAME)
# A YAML boolean or null in an environment is what compose refuses, or sets to something that nobody wrote.
_ENVIRONMENT: Final = _mapping_of(_matches(re.compile(r"[A-Z][A-Z0-9_]*")), _is(str, int))
_BUILD: Final = _record(
    {
        "context": _one_of("."),
        "dockerfile": _TEXT,
        "target": _NAMES,
        "args": _mapping_of(_matches(re.compile(r"[A-Z]+")), _TEXT),
    },
    needed=("context", "dockerfile", "target"),
)
_HEALTHCHECK: Final = {
    "test": lambda value: _WORDS(value) and value[0] == "CMD" and len(value) > 1,
    "interval": _DURATIONS,
    "timeout": _DURATIONS,
    "retries": _is(int),
    "start_period": _DURATIONS,
    "disable": _one_of(True),
}
_LOGGING: Final = {
    "driver": _one_of("json-file"),
    # Options are strings to Docker: a bare number is refused by the engine, not by compose.
    "options": _record({"max-size": _matches(_SIZE), "max-file": _matches(re.compile(r"\d+"))}, needed=("max-size",)),
}
_CONFIG: Final = {"source": _NAMES, "target": _matches(re.compile(r"/[a-z0-9./-]+"))}
_VOLUME: Final = re.compile(r"[a-z][a-z0-9-]*:/[a-z0-9./-]+")

_SERVICE: Final[Mapping[str, Check]] = {
    "image": _pinned,
    "build": _BUILD,
    "command": _WORDS,
    "environment": _ENVIRONMENT,
    "depends_on": _mapping_of(_NAMES, _record({"condition": _one_of(*_CONDITIONS)}, needed=("condition",))),
    "healthcheck": _record(_HEALTHCHECK),
    "ports": _list_of(_matches(_PORT)),
    "volumes": _list_of(_matches(_VOLUME)),
    "configs": _list_of(_record(_CONFIG, needed=("source", "target"))),
    "networks": _list_of(_NAMES),
    "user": _matches(re.compile(r"[1-9]\d*:[1-9]\d*|[a-z]+")),
    "read_only": _one_of(True),
    "init": _one_of(True),
    "tmpfs": _list_of(_matches(re.compile(r"/[a-z/]+"))),
    "shm_size": _matches(_SIZE),
    "cap_drop": _one_of(["ALL"]),
    "security_opt": _one_of(["no-new-privileges:true"]),
    "restart": _one_of("no", "unless-stopped"),
    "stop_grace_period": _DURATIONS,
    "logging": _record(_LOGGING, needed=("driver", "options")),
}
_NEEDED: Final = ("image", "user", "cap_drop", "security_opt", "restart", "logging", "networks")
_TOP: Final[Mapping[str, Check]] = {
    "name": _NAMES,
    "services": _mapping_of(_NAMES, _is(dict)),
    "networks": _mapping_of(_NAMES, _record({"internal": _one_of(True)})),
    "volumes": _mapping_of(_NAMES, _record({})),
    "configs": _mapping_of(_NAMES, _record({"file": _matches(re.compile(r"\./[\w./-]+"))}, needed=("file",))),
}
