"""Every operation's examples, tried on the running application."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from jsonschema import Draft202012Validator

from services.messaging.adapters.liquid_renderer import LiquidRenderer
from tests.services.messaging.facts import consented, earned, ident, merchant, paid, registered
from tests.services.messaging.messaging import Messaging
from tests.services.messaging.web import client_of

OURS = ("/v1/contacts", "/v1/messages", "/v1/templates", "/v1/suppressions", "/v1/policies", "/v1/u")
OPERATIONS = 21


@pytest.fixture
async def client(messaging: Messaging, renderer: LiquidRenderer) -> AsyncIterator[httpx.AsyncClient]:
    await messaging.apply(merchant(), registered("ada"), consented("ada"), paid("ada", 1), earned("ada", 1))
    await messaging.send_all()
    async with client_of(messaging.urls.api, renderer, messaging.clock) as opened:
        yield opened


async def test_each_operations_examples_hold_on_the_running_service(
    client: httpx.AsyncClient, messaging: Messaging
) -> None:
    document = (await client.get("/openapi.json")).json()
    known = await _existing(client, messaging)
    tried = 0

    for path, item in document["paths"].items():
        for method, operation in item.items():
            if path.startswith(OURS):
                await _try(client, document, method, path, operation, known)
                tried += 1

    assert tried == OPERATIONS


async def _existing(client: httpx.AsyncClient, messaging: Messaging) -> Mapping[str, str]:
    """Ids of things that are there, by the parameter that takes them; version 2 is a draft."""
    template = (await client.get("/v1/templates")).json()["items"][0]["template_id"]
    await client.post(f"/v1/templates/{template}/versions", json={"subject": "s", "html": "<p>s</p>"})
    suppressed = await client.post("/v1/suppressions", json={"email": "eve@shop.example"})
    link = str(messaging.mailbox.received[0].message["List-Unsubscribe"]).strip("<>")
    return {
        "customer_id": str(ident("customer", "ada")),
        "intent_id": (await client.get("/v1/messages")).json()["items"][0]["intent_id"],
        "template_id": template,
        "number": "2",
        "suppression_id": suppressed.json()["suppression_id"],
        "token": urlsplit(link).path.rpartition("/")[2],
    }


async def _try(
    client: httpx.AsyncClient,
    document: dict[str, Any],
    method: str,
    path: str,
    operation: dict[str, Any],
    known: Mapping[str, str],
) -> None:
    assert operation["summary"], path
    headers, query = {}, {}
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query" and (examples := parameter["schema"].get("examples")):
            query[parameter["name"]] = examples[0]
        if parameter["name"] == "if-match":
            headers["If-Match"] = (await client.get(path.format(**known))).headers["ETag"]
    status, expected = next((int(code), found) for code, found in operation["responses"].items() if code[0] == "2")

    answer = await client.request(
        method, path.format(**known), params=query, headers=headers, json=_body(document, operation)
    )

    assert answer.status_code == status, (method, path, answer.text)
    if json_answer := expected["content"].get("application/json"):
        validator = Draft202012Validator({**json_answer["schema"], "components": document["components"]})
        validator.validate(json_answer["example"])
        validator.validate(answer.json())


def _body(document: dict[str, Any], operation: dict[str, Any]) -> Any:
    if "requestBody" not in operation:
        return None
    content = operation["requestBody"]["content"]["application/json"]
    [example] = content["examples"].values()
    Draft202012Validator({**content["schema"], "components": document["components"]}).validate(example["value"])
    return example["value"]
