"""The AsyncAPI 3.0 document of what is said on the bus, generated from the registry.

`python -m libs.contracts.asyncapi` prints it for all services; with a service's name for that one.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from libs.contracts.envelope import ORIGINS
from libs.contracts.fact import DATA_TOPICS, Fact
from libs.contracts.registry import REGISTRY, SOURCES

# A JSON document has no narrower type than this in Python.
Document = dict[str, Any]

_SCHEMAS = "#/components/schemas/"
_UUID = {"type": "string", "format": "uuid"}
_INSTANT = {"type": "string", "format": "date-time"}
_TEXT = {"type": "string"}
_HEADERS: Document = {
    "type": "object",
    "description": "CloudEvents 1.0 in binary mode: attributes as headers, the value is the fact's JSON.",
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": _UUID,
        "ce_source": _TEXT,
        "ce_type": _TEXT,
        "ce_subject": _TEXT,
        "ce_time": _INSTANT,
        "content-type": {"type": "string", "const": "application/json"},
        "ce_merchantid": _UUID,
        "ce_recordedtime": _INSTANT,
        "ce_origin": {"type": "string", "enum": sorted(ORIGINS)},
        "ce_correlationid": _TEXT,
        "ce_causationid": _UUID,
        "ce_traceparent": _TEXT,
        "ce_topic": _TEXT,
        "ce_lane": {"type": "string", "pattern": "^[0-9]+$"},
        "ce_sequence": {"type": "string", "pattern": "^[0-9]+$"},
        "ce_chain": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    },
    "required": [
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_subject",
        "ce_time",
        "content-type",
        "ce_merchantid",
        "ce_recordedtime",
        "ce_origin",
        "ce_correlationid",
    ],
}


def document(service: str | None = None) -> Document:
    """What the service sends and, on `control`, receives; without a name: what all services do.

    Raises: LookupError when no service of that name owns a topic.
    """
    topics = [topic for topic, source in SOURCES.items() if service in (None, source)]
    if not topics:
        raise LookupError(f"no service is called {service!r}")
    spoken = {topic: _facts_of(topic) for topic in [*topics, "control"]}
    facts = {fact.TYPE: fact for on_topic in spoken.values() for fact in on_topic}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"Huitou: {service or 'all services'}",
            "version": "1.0.0",
            "description": "The facts on the event bus. Consumers ignore unknown fields and unknown facts.",
        },
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic, on_topic) for topic, on_topic in spoken.items()},
        "operations": _operations(spoken),
        "components": {
            "messages": {name: _message(fact) for name, fact in facts.items()},
            "schemas": {**_schemas(facts.values()), "Headers": _HEADERS},
        },
    }


def _facts_of(topic: str) -> list[type[Fact]]:
    """The facts that may stand on a topic; the bus writes its own records into every data topic."""
    allowed = {topic} if topic == "control" else {topic, DATA_TOPICS}
    return [fact for fact in REGISTRY.values() if fact.TOPIC in allowed]


def _channel(topic: str, facts: Iterable[type[Fact]]) -> Document:
    return {
        "address": topic,
        "messages": {fact.TYPE: {"$ref": f"#/components/messages/{fact.TYPE}"} for fact in facts},
    }


def _operations(spoken: Mapping[str, Iterable[type[Fact]]]) -> Document:
    sends = {f"send_{topic}": _operation("send", topic, facts) for topic, facts in spoken.items()}
    return {**sends, "receive_control": _operation("receive", "control", spoken["control"])}


def _operation(action: str, topic: str, facts: Iterable[type[Fact]]) -> Document:
    channel = f"#/channels/{topic}"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{fact.TYPE}"} for fact in facts],
    }


def _message(fact: type[Fact]) -> Document:
    return {
        "name": fact.TYPE,
        "title": fact.__name__,
        "summary": (fact.__doc__ or "").partition("\n")[0],
        "contentType": "application/json",
        "headers": {"$ref": f"{_SCHEMAS}Headers"},
        "payload": {"$ref": f"{_SCHEMAS}{fact.__name__}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": f"merchant_id:{fact.SUBJECT}"}}},
    }


def _schemas(facts: Iterable[type[Fact]]) -> Document:
    _, found = models_json_schema([(fact, "serialization") for fact in facts], ref_template=_SCHEMAS + "{model}")
    return {name: _as_draft_07(schema) for name, schema in found["$defs"].items()}


def _as_draft_07(schema: Any) -> Any:
    """The schema in the dialect of AsyncAPI, which says the types of a tuple in `items`."""
    if isinstance(schema, list):
        return [_as_draft_07(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {("items" if key == "prefixItems" else key): _as_draft_07(part) for key, part in schema.items()}


if __name__ == "__main__":
    print(json.dumps(document(*sys.argv[1:2]), indent=2))
