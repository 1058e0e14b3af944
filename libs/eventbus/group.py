"""A consumer group: who reads what, and what it does with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from libs.contracts.fact import Fact
from libs.contracts.registry import REGISTRY
from libs.eventbus import metrics
from libs.eventbus.errors import UnknownVersion
from libs.eventbus.subscriptions import Handler


@dataclass(frozen=True, slots=True)
class Group:
    """`sources`: topic -> the one service that owns it. `facts`: wire name -> class, of what the handler wants."""

    name: str
    sources: Mapping[str, str]
    facts: Mapping[str, type[Fact]]
    handler: Handler

    def fact_class(self, wire_name: str) -> type[Fact] | None:
        """The class to decode with, or None where the handler does not want the fact.

        Raises: UnknownVersion: the fact is wanted, but in a version that this code does not know.
        """
        found = self.facts.get(wire_name)
        if found is not None:
            return found
        if wire_name not in REGISTRY:
            if any(_name(known) == _name(wire_name) for known in self.facts):
                raise UnknownVersion(f"{self.name} reads {_name(wire_name)}, but not {wire_name}: deploy it first")
            metrics.UNKNOWN.labels(self.name).inc()
        return None


def _name(wire_name: str) -> str:
    return wire_name.rpartition(".v")[0]
