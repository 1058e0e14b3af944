"""A whole example for every JSON request and answer of a document, put together where none is written out."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

_BY_FORMAT: Final[Mapping[str, str]] = {
    "uuid": "0190a5b0-7c1e-7c3a-9d0e-3b8f6f1f2a10",
    "date-time": "2026-05-09T12:00:00Z",
    "date": "2026-05-09",
    "duration": "PT1H",
}
_BY_TYPE: Final[Mapping[str, Any]] = {"boolean": False, "integer": 1, "number": 1.0, "null": None}

# JSON documents have no narrower type than this in Python.
Document = dict[str, Any]


class NoExample(ValueError):
    """A text without an example says nothing to a reader: its field needs one."""


def show_examples(operation: Document, components: Mapping[str, Any]) -> None:
    """Every JSON body of the operation, asked for or answered with 2xx, has an example if its fields have them."""
    bodies = [operation.get("requestBody", {})]
    bodies += [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    for body in bodies:
        media = body.get("content", {}).get("application/json")
        if media and "example" not in media and "examples" not in media:
            with suppress(NoExample):  # a test asks for every example; the document shall not fall with one
                media["example"] = example_of(media["schema"], components)
        if media and "example" in media and body is not bodies[0]:
            media["example"] = _with_nulls(media["example"], media["schema"], components)


def example_of(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    """The schema's own example; else one made of its parts' examples.

    Raises:
        NoExample: a text has none.
    """
    schema = _resolved(schema, components)
    for known in ("examples", "enum"):
        if schema.get(known):
            return schema[known][0]
    for known in ("const", "default"):
        if schema.get(known) is not None:
            return schema[known]
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return _of_choices(choices, components)
    return _of_type(schema, components)


def _with_nulls(example: Any, schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    """The example with the nulls that FastAPI leaves out of every example."""
    schema = _resolved(schema, components)
    if isinstance(example, list) and "items" in schema:
        return [_with_nulls(each, schema["items"], components) for each in example]
    named = schema.get("properties", {})
    if not isinstance(example, dict) or not named:
        return example
    nulls = {name: None for name, each in named.items() if name not in example and _may_be_null(each)}
    shown = {name: _with_nulls(each, named.get(name, {}), components) for name, each in example.items()}
    return {**shown, **nulls}


def _resolved(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference refers to; of what may be null, what else it may be, if that is one thing."""
    while "$ref" in schema or _only_choice(schema):
        schema = _only_choice(schema) or components[schema["$ref"].rpartition("/")[2]]
    return schema


def _only_choice(schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    refs = [choice for choice in schema.get("anyOf", ()) if "$ref" in choice]
    return refs[0] if len(refs) == 1 and "examples" not in schema else None


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "null" or any(choice.get("type") == "null" for choice in schema.get("anyOf", ()))


def _of_choices(choices: list[Mapping[str, Any]], components: Mapping[str, Any]) -> Any:
    """The first choice's example; of what may be null, and says nothing else, null."""
    try:
        return example_of(choices[0], components)
    except NoExample:
        if any(choice.get("type") == "null" for choice in choices):
            return None
        raise


def _of_type(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return {name: example_of(each, components) for name, each in schema.get("properties", {}).items()}
    if kind == "array":
        return [example_of(schema["items"], components)]
    if kind == "string" and schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    if kind == "string":
        raise NoExample(f"give it one: {dict(schema)}")
    return _BY_TYPE.get(kind or "null")
