"""Every operation's examples, tried on the running application."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from jsonschema import Draft202012Validator

from services.loyalty.domain.programmes import default_programme_id
from services.loyalty.entrypoints.examples import CUSTOMER_ID, MERCHANT_ID, PROGRAMME_ID
from tests.services.loyalty.facts import DAY, Facts
from tests.services.loyalty.stage import Stage
from tests.services.loyalty.web import client_of

OURS = ("/v1/members", "/v1/adjustments", "/v1/programmes", "/v1/ledger")
NOW = datetime(2026, 1, 31, tzinfo=UTC)
# Drafting comes before what is done with a draft.
ORDER = {"post": 0, "get": 1, "patch": 2}


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    stage.clock.set(NOW)
    tell = Facts(merchant_id=UUID(MERCHANT_ID), at=NOW - 80 * DAY)
    told = [tell.merchant(), tell.customer("x"), tell.placed("x", "o1", 61_200), tell.paid("x", "o1")]
    renamed = [
        tell.event(event.fact.model_copy(update={"customer_id": UUID(CUSTOMER_ID)}))
        if hasattr(event.fact, "customer_id")
        else event
        for event in told
    ]
    await stage.hear(*renamed)
    async with client_of(stage, UUID(MERCHANT_ID)) as opened:
        yield opened


async def test_each_operations_examples_hold_on_the_running_service(client: httpx.AsyncClient) -> None:
    assert UUID(PROGRAMME_ID) == default_programme_id(UUID(MERCHANT_ID))
    document = (await client.get("/openapi.json")).json()
    operations = [
        (path, method, operation)
        for path, item in document["paths"].items()
        if path.startswith(OURS)
        for method, operation in item.items()
    ]

    for path, method, operation in sorted(operations, key=lambda each: ("publication" in each[0], ORDER[each[1]])):
        await assert_example_holds(client, document, path, method, operation)

    assert len(operations) == 15


async def assert_example_holds(
    client: httpx.AsyncClient, document: dict[str, Any], path: str, method: str, operation: dict[str, Any]
) -> None:
    number = "2" if method == "patch" or "publication" in path else "1"
    address = path.replace("{customer_id}", CUSTOMER_ID).replace("{programme_id}", PROGRAMME_ID)
    headers = {"Idempotency-Key": "k1"} if method == "post" and "adjustments" in path else {}
    headers |= {"If-Match": '"1"'} if method == "patch" else {}
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    status = "201" if "201" in operation["responses"] else "200"
    content = operation["responses"][status]["content"]["application/json"]
    validator = Draft202012Validator({**content["schema"], "components": document["components"]})

    response = await client.request(method, address.replace("{number}", number), headers=headers, json=body)

    assert response.status_code == int(status), (method, path, response.text)
    validator.validate(content["example"])
    validator.validate(response.json())
    assert set(content["example"]) == set(response.json())
