"""The generated document is AsyncAPI 3.0: its structure holds, every reference leads somewhere, facts fit it."""

import json
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

from libs.contracts.asyncapi import document
from libs.contracts.envelope import to_headers
from libs.contracts.registry import REGISTRY, SOURCES
from tests.libs.contracts.examples import examples
from tests.libs.contracts.test_envelope import ENVELOPE, POSITION

_REFERENCE = {
    "type": "object",
    "required": ["$ref"],
    "additionalProperties": False,
    "properties": {"$ref": {"type": "string", "pattern": "^#/"}},
}
# The objects of the AsyncAPI 3.0.0 specification that the document uses, with unknown members refused.
_STRUCTURE: dict[str, Any] = {
    "type": "object",
    "required": ["asyncapi", "info", "channels", "operations", "components"],
    "additionalProperties": False,
    "properties": {
        "asyncapi": {"const": "3.0.0"},
        "info": {
            "type": "object",
            "required": ["title", "version"],
            "additionalProperties": False,
            "properties": {name: {"type": "string"} for name in ("title", "version", "description")},
        },
        "defaultContentType": {"type": "string"},
        "channels": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "type": "object",
                "required": ["address", "messages"],
                "additionalProperties": False,
                "properties": {
                    "address": {"type": "string"},
                    "messages": {"type": "object", "minProperties": 1, "additionalProperties": _REFERENCE},
                },
            },
        },
        "operations": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "type": "object",
                "required": ["action", "channel", "messages"],
                "additionalProperties": False,
                "properties": {
                    "action": {"enum": ["send", "receive"]},
                    "channel": _REFERENCE,
                    "messages": {"type": "array", "minItems": 1, "uniqueItems": True, "items": _REFERENCE},
                },
            },
        },
        "components": {
            "type": "object",
            "required": ["messages", "schemas"],
            "additionalProperties": False,
            "properties": {
                "messages": {
                    "type": "object",
                    "propertyNames": {"pattern": r"^[a-zA-Z0-9.\-_]+$"},
                    "additionalProperties": {
                        "type": "object",
                        "required": ["name", "payload", "headers"],
                        "additionalProperties": False,
                        "properties": {
                            "name": {"type": "string"},
                            "title": {"type": "string"},
                            "summary": {"type": "string", "minLength": 1},
                            "contentType": {"const": "application/json"},
                            "headers": _REFERENCE,
                            "payload": _REFERENCE,
                            "bindings": {
                                "type": "object",
                                "additionalProperties": False,
                                "properties": {"kafka": {"type": "object", "required": ["key"]}},
                            },
                        },
                    },
                },
                "schemas": {
                    "type": "object",
                    "propertyNames": {"pattern": r"^[a-zA-Z0-9.\-_]+$"},
                    "additionalProperties": {"type": "object", "not": {"required": ["prefixItems"]}},
                },
            },
        },
    },
}
SERVICES = [None, *SOURCES.values()]


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in _references(value)]
    if isinstance(node, list):
        return [found for value in node for found in _references(value)]
    return []


def _resolve(whole: dict[str, Any], reference: str) -> Any:
    node: Any = whole
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


@pytest.mark.parametrize("service", SERVICES)
def test_document_has_the_structure_of_asyncapi_3(service: str | None) -> None:
    errors = list(Draft7Validator(_STRUCTURE).iter_errors(document(service)))

    assert errors == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_reference_leads_somewhere(service: str | None) -> None:
    whole = document(service)

    resolved = [_resolve(whole, reference) for reference in _references(whole)]

    assert resolved
    assert all(resolved)


@pytest.mark.parametrize("service", SERVICES)
def test_operations_name_messages_of_their_own_channel(service: str | None) -> None:
    for operation in document(service)["operations"].values():
        prefix = operation["channel"]["$ref"] + "/messages/"
        assert all(message["$ref"].startswith(prefix) for message in operation["messages"])


def test_whole_document_has_every_registered_fact() -> None:
    assert set(document()["components"]["messages"]) == set(REGISTRY)


def test_service_document_has_its_own_facts_only() -> None:
    loyalty = document("loyalty")

    assert set(loyalty["channels"]) == {"loyalty", "control"}
    assert "order.placed.v1" not in loyalty["components"]["messages"]
    assert "OrderPlacedV1" not in loyalty["components"]["schemas"]


def test_unknown_service_is_refused() -> None:
    with pytest.raises(LookupError):
        document("weather")


@pytest.mark.parametrize("wire_name", sorted(REGISTRY))
def test_schemas_are_valid_and_examples_fit_them(wire_name: str) -> None:
    whole = document()
    payload = whole["components"]["messages"][wire_name]["payload"]
    schema = {**whole, **payload}
    Draft7Validator.check_schema(_resolve(whole, payload["$ref"]))

    told = json.loads(examples()[wire_name].to_bytes())

    assert list(Draft7Validator(schema, format_checker=FormatChecker()).iter_errors(told)) == []


def test_headers_fit_their_schema() -> None:
    schema = document()["components"]["schemas"]["Headers"]

    headers = to_headers(ENVELOPE, POSITION)

    assert set(headers) == set(schema["properties"])
    assert list(Draft7Validator(schema).iter_errors(headers)) == []
