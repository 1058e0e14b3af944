"""A published fact never changes: each version decodes from, and encodes to, the JSON that was published."""

import json
from pathlib import Path

import pytest

from libs.contracts.fact import Fact
from libs.contracts.registry import REGISTRY
from tests.libs.contracts.examples import as_text, examples

GOLDEN = Path(__file__).parents[2] / "contracts" / "golden"
REQUIRED_FIELDS = "required_fields.json"
EXAMPLES = examples()
HINT = (
    "{wire_name} is published: its meaning and fields are fixed. A new optional field may be added to the golden file; "
    "anything else is a new version beside the old one."
)


@pytest.mark.parametrize("fact", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_fact_decodes_from_its_golden_file(fact: Fact) -> None:
    golden = (GOLDEN / f"{fact.TYPE}.json").read_bytes()

    decoded = type(fact).from_bytes(golden)

    assert decoded == fact


@pytest.mark.parametrize("fact", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_fact_encodes_to_its_golden_file(fact: Fact) -> None:
    golden = (GOLDEN / f"{fact.TYPE}.json").read_text()

    assert as_text(fact) == golden, HINT.format(wire_name=fact.TYPE)


@pytest.mark.parametrize("fact", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_golden_file_has_every_field_filled(fact: Fact) -> None:
    golden = json.loads((GOLDEN / f"{fact.TYPE}.json").read_text())

    assert set(golden) == set(type(fact).model_fields), HINT.format(wire_name=fact.TYPE)
    may_be_null = {"from_tier"} if fact.TYPE == "tier.upgraded.v1" else set()
    assert {name for name, value in golden.items() if value is None} <= may_be_null


def test_what_is_required_has_not_changed() -> None:
    """An optional field that becomes required would turn old facts into garbage."""
    published = json.loads((GOLDEN / REQUIRED_FIELDS).read_text())

    required = {
        wire_name: [name for name, field in fact.model_fields.items() if field.is_required()]
        for wire_name, fact in REGISTRY.items()
    }

    assert required == published


@pytest.mark.parametrize("fact", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_reader_ignores_fields_that_it_does_not_know(fact: Fact) -> None:
    later = json.loads((GOLDEN / f"{fact.TYPE}.json").read_text()) | {"told_since_v9": {"nested": [1]}}

    decoded = type(fact).from_bytes(json.dumps(later).encode())

    assert decoded == fact


def test_each_registered_fact_has_an_example_and_a_golden_file() -> None:
    files = {path.stem for path in GOLDEN.glob("*.json") if path.name != REQUIRED_FIELDS}

    assert set(EXAMPLES) == set(REGISTRY)
    assert files == set(REGISTRY)
