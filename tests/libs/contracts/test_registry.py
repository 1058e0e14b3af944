"""The registry is complete and unique, and says what it does not know."""

import pkgutil
from importlib import import_module

import pytest

import libs.contracts
from libs.contracts.fact import DATA_TOPICS, Fact
from libs.contracts.registry import REGISTRY, SOURCES, TOPICS, UnknownFact, UnknownFactVersion, _registry, fact_class


def _published_subclasses(root: type[Fact]) -> list[type[Fact]]:
    found = []
    for child in root.__subclasses__():
        # A parent that only shares fields has a private name and no wire name of its own.
        if "TYPE" in child.__dict__ and child.__module__.startswith("libs.contracts."):
            found.append(child)
        found.extend(_published_subclasses(child))
    return found


def test_registry_holds_every_fact_class() -> None:
    for module in pkgutil.iter_modules(libs.contracts.__path__):
        import_module(f"libs.contracts.{module.name}")

    facts = _published_subclasses(Fact)

    assert set(facts) == set(REGISTRY.values())
    assert len(facts) == len(REGISTRY)


def test_names_follow_the_rule() -> None:
    for wire_name, fact in REGISTRY.items():
        name, _, version = wire_name.rpartition(".v")
        words = name.replace(".", "_").split("_")
        assert fact.__name__ == "".join(word.capitalize() for word in words) + f"V{version}"
        assert fact.TOPIC in {*TOPICS, DATA_TOPICS}
        assert fact.SUBJECT in fact.model_fields


def test_every_data_topic_has_one_owner() -> None:
    assert set(SOURCES) | {"control"} == set(TOPICS)
    assert len(set(SOURCES.values())) == len(SOURCES)


def test_two_facts_of_one_name_are_refused() -> None:
    fact = REGISTRY["order.paid.v1"]

    with pytest.raises(ValueError, match=r"order\.paid\.v1"):
        _registry([fact, fact])


def test_unknown_name_and_unknown_version_are_told_apart() -> None:
    assert fact_class("order.paid.v1") is REGISTRY["order.paid.v1"]
    with pytest.raises(UnknownFactVersion):
        fact_class("order.paid.v2")
    with pytest.raises(UnknownFact) as unknown:
        fact_class("order.teleported.v1")
    assert not isinstance(unknown.value, UnknownFactVersion)
