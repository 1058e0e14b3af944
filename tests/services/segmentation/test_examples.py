"""Every operation's examples, tried on the running application."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.services.segmentation.conftest import Folded
from tests.services.segmentation.facts import Teller
from tests.services.segmentation.web import NOW, client_of

# The merchant whose default segment has the id of the examples.
MERCHANT_ID = UUID("0197a1c2-0000-7000-8000-000000000001")
CUSTOMER_ID = UUID("0197a1c2-7b1e-7c64-9f1a-3f0b6a6d2e11")
OURS = ("/v1/customers", "/v1/segments", "/v1/measures")


@pytest.fixture
async def client(folded: Folded) -> AsyncIterator[httpx.AsyncClient]:
    tell = Teller(MERCHANT_ID)
    events = [tell.merchant()]
    for number, days in enumerate((170, 100, 20)):
        event = tell.placed(number, "a", NOW - timedelta(days=days), discount_minor=5)
        events.append(tell.event(event.fact.model_copy(update={"customer_id": CUSTOMER_ID}), event.fact.placed_at))
    await folded.apply(events)
    async with client_of(folded.urls.api, MERCHANT_ID) as opened:
        yield opened


async def test_each_operations_examples_hold_on_the_running_service(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    tried = 0

    for path, item in document["paths"].items():
        if path.startswith(OURS):
            assert set(item) == {"get"}, path
            await assert_examples_hold(client, document, path, item["get"])
            tried += 1

    assert tried == 11


async def assert_examples_hold(
    client: httpx.AsyncClient, document: dict[str, Any], path: str, operation: dict[str, Any]
) -> None:
    address, query = path, {}
    for parameter in operation.get("parameters", ()):
        examples = parameter.get("examples") or parameter["schema"].get("examples") or []
        if parameter["in"] == "path":
            address = address.replace(f"{{{parameter['name']}}}", examples[0])
        elif examples:
            query[parameter["name"]] = examples[0]
    content = operation["responses"]["200"]["content"]["application/json"]
    validator = Draft202012Validator({**content["schema"], "components": document["components"]})

    response = await client.get(address, params=query)

    assert response.status_code == 200, (path, response.text)
    validator.validate(content["example"])
    validator.validate(response.json())
    assert set(content["example"]) <= set(response.json())
