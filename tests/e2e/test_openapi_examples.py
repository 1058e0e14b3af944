"""What the OpenAPI documents promise is what the running services do, down to their examples."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from deploy.local.databases import SERVICES
from libs.servicekit.problems import MEDIA_TYPE
from tests.operations import Operation, call_of, operations_of
from tests.running import Running

JSON: Final = "application/json"
CSV: Final = "text/csv"
EVERY_SERVICE = pytest.mark.parametrize("service", SERVICES)


@EVERY_SERVICE
async def test_every_operation_is_described(running: Running, service: str) -> None:
    missing = [
        f"{operation}: {what}"
        for operation in await operations_of(running, service)
        for what in _undescribed(operation)
    ]

    assert not missing, "\n".join(missing)


def _undescribed(operation: Operation) -> Iterator[str]:
    told, answers = operation.told, operation.told["responses"]
    for name in ("summary", "description", "tags", "operationId"):
        if not told.get(name):
            yield name
    if "/" not in told.get("description", "") and re.fullmatch(r"Scope: \S+", told.get("description", "")):
        yield "description beside its scope"
    for media in told.get("requestBody", {}).get("content", {}).values():
        if "example" not in media and "examples" not in media:
            yield "request example"
    if any("example" not in media for kind, media in operation.success[1].get("content", {}).items() if kind == JSON):
        yield "response example"
    if not operation.is_public and not (operation.scopes and {"401", "403"} <= answers.keys()):
        yield "security"
    yield from (
        f"problem document of {status}"
        for status, answer in answers.items()
        if not status.startswith("2") and MEDIA_TYPE not in answer.get("content", {})
    )


@EVERY_SERVICE
async def test_every_example_holds_on_the_running_service(running: Running, service: str) -> None:
    wrong = []
    async with (
        running.client(service, running.token(running.ours)) as tenants,
        running.client(service, running.token(None)) as platforms,
    ):
        for operation in await operations_of(running, service):
            call = await call_of(operation, running.ours, tenants)
            answer = await call.send(platforms if operation.is_platforms else tenants)
            status, expected = operation.success
            if answer.status_code != status:
                wrong.append(f"{operation}: {answer.status_code} {answer.text[:300]}")
                continue
            kinds = expected.get("content", {})
            kind = answer.headers.get("content-type", "").partition(";")[0]
            if kinds and kind not in kinds:
                wrong.append(f"{operation}: answers {kind}")
            if kind == JSON:
                wrong += [f"{operation}: {each}" for each in _differences(operation, answer.json())]
            if CSV in kinds:
                table = await call.send(tenants, Accept=CSV)
                if table.headers["content-type"].partition(";")[0] != CSV:
                    wrong.append(f"{operation}: no table")

    assert not wrong, "\n".join(wrong)


def _differences(operation: Operation, answer: Any) -> Iterator[str]:
    """Where the answer, the example and the schema do not fit together."""
    schema, example = operation.success[1]["content"][JSON]["schema"], operation.answer_example()
    validator = Draft202012Validator(operation.schema(schema), format_checker=FormatChecker())
    for name, document in (("example", example), ("answer", answer)):
        yield from (f"{name} {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document))
    yield from _shapes(operation, schema, example, answer, "$")


def _shapes(operation: Operation, schema: Mapping[str, Any], example: Any, answer: Any, at: str) -> Iterator[str]:
    """Keys and types that differ. What may be null may be null in one and filled in the other."""
    schema = _resolved(operation, schema, example)
    if example is None or answer is None:
        return
    if kind(example) != kind(answer):
        yield f"{at}: the example has {kind(example)}, the answer {kind(answer)}"
    elif isinstance(example, dict):
        named = schema.get("properties", {})
        if named and example.keys() != answer.keys():
            yield f"{at}: keys differ by {sorted(example.keys() ^ answer.keys())}"
        for name in named.keys() & example.keys() & answer.keys():
            yield from _shapes(operation, named[name], example[name], answer[name], f"{at}.{name}")
    elif isinstance(example, list) and example and answer:
        yield from _shapes(operation, schema.get("items", {}), example[0], answer[0], f"{at}[0]")


def _resolved(operation: Operation, schema: Mapping[str, Any], example: Any) -> Mapping[str, Any]:
    for choice in schema.get("anyOf", ()):
        if choice.get("type") != "null" or example is None:
            schema = choice
            break
    while "$ref" in schema:
        schema = operation.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def kind(value: Any) -> str:
    """The JSON type, whole numbers told apart from others."""
    return type(value).__name__


@EVERY_SERVICE
async def test_the_documents_are_there_and_need_nothing_from_outside(running: Running, service: str) -> None:
    async with running.client(service) as client:
        page = (await client.get("/docs")).raise_for_status()
        linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        events = (await client.get("/asyncapi.json")).raise_for_status().json()
        sizes = [len((await client.get(f"/{each}")).raise_for_status().content) for each in linked]

    assert not re.search(r"https?:|[\"'(]//", page.text)
    assert len(linked) >= 3
    assert min(sizes) > 100
    assert events["asyncapi"].startswith("3.")
