"""Every fact that may be on the bus, by its wire name."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from libs.contracts import commerce, control, loyalty, messaging, privacy, segmentation
from libs.contracts.fact import Fact

TOPICS = ("commerce", "loyalty", "segmentation", "messaging", "control")
SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "commerce": "order-ingest",
        "loyalty": "loyalty",
        "segmentation": "segmentation",
        "messaging": "messaging",
    }
)
"""The one service that owns each data topic."""


class UnknownFact(LookupError):
    """Nobody registered a fact of this name: a consumer passes it by."""


class UnknownFactVersion(UnknownFact):
    """The name is known, this version is not: the reader is older than the writer."""


def _registry(facts: Iterable[type[Fact]]) -> Mapping[str, type[Fact]]:
    found: dict[str, type[Fact]] = {}
    for fact in facts:
        if fact.TYPE in found:
            raise ValueError(f"two facts are called {fact.TYPE}")
        found[fact.TYPE] = fact
    return MappingProxyType(found)


REGISTRY: Mapping[str, type[Fact]] = _registry(
    (
        *commerce.FACTS,
        *loyalty.FACTS,
        *segmentation.FACTS,
        *messaging.FACTS,
        *privacy.FACTS,
        *control.FACTS,
    )
)

_NAMES = frozenset(wire_name.rpartition(".v")[0] for wire_name in REGISTRY)


def fact_class(wire_name: str) -> type[Fact]:
    """The class that reads facts of this wire name.

    Raises: UnknownFact, or UnknownFactVersion when another version of the same name is registered.
    """
    found = REGISTRY.get(wire_name)
    if found is not None:
        return found
    if wire_name.rpartition(".v")[0] in _NAMES:
        raise UnknownFactVersion(wire_name)
    raise UnknownFact(wire_name)
