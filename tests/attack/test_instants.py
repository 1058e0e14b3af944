"""No route of a running service reads a number, or a time without offset, as an instant."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from deploy.local.databases import SERVICES
from tests.operations import Call, Operation, call_of, operations_of
from tests.running import Running

_IN_THE_QUERY: Final = ("5.0", "1767225600", "2026-03-01T12:00:00", "20260301T120000Z", "2026-03-01")
_IN_A_BODY: Final = (5.0, 1767225600, "1767225600", "2026-03-01T12:00:00", "20260301T120000Z")
_KNOWN: Final = {"order_ingest": 2, "loyalty": 3, "segmentation": 8, "messaging": 0}
"""How many there are at least: a check of no instants proves nothing."""


@pytest.mark.parametrize("service", SERVICES)
async def test_every_instant_of_every_request_is_rfc_3339(running: Running, service: str) -> None:
    wrong, instants = [], 0
    async with running.client(service, running.token(running.ours)) as client:
        for operation in await operations_of(running, service):
            names = list(_instants(operation))
            instants += len(names)
            for pointer in names:
                for call in _garbled(await call_of(operation, running.ours, client), pointer):
                    answer = await call.send(client)
                    if answer.status_code != 422 or [e["pointer"] for e in answer.json()["errors"]] != [pointer]:
                        wrong.append(f"{operation} {pointer}: {call.params} {call.content!r} -> {answer.text[:200]}")

    assert not wrong, "\n".join(wrong)
    assert instants >= _KNOWN[service]


def _instants(operation: Operation) -> Iterator[str]:
    """Pointers of the query parameters and JSON fields that the document calls instants."""
    yield from (f"/query/{each['name']}" for each in operation.parameters("query") if _is_instant(each["schema"]))
    media = operation.told.get("requestBody", {}).get("content", {}).get("application/json")
    if media is not None and "$ref" in media["schema"]:
        schema = operation.document["components"]["schemas"][media["schema"]["$ref"].rpartition("/")[2]]
        yield from (f"/{name}" for name, told in schema["properties"].items() if _is_instant(told))


def _is_instant(schema: Mapping[str, Any]) -> bool:
    return any(choice.get("format") == "date-time" for choice in (schema, *schema.get("anyOf", ())))


def _garbled(call: Call, pointer: str) -> Iterator[Call]:
    """The call with each thing in the instant's place that is none."""
    name = pointer.rpartition("/")[2]
    if pointer.startswith("/query/"):
        for text in _IN_THE_QUERY:
            yield Call(call.method, call.path, {**call.params, name: text}, call.headers, call.content)
    else:
        for value in _IN_A_BODY:
            content = json.dumps({**json.loads(call.content or b"{}"), name: value}).encode()
            yield Call(call.method, call.path, call.params, call.headers, content)
