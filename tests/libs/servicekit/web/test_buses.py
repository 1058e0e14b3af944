"""A bus that services have left is forgotten; one in use is not."""

from collections.abc import AsyncIterator

import httpx
import pytest

from libs.eventbus import outbox
from tests.libs.servicekit.stage import bearer, client_of, make_app, make_kit
from tests.libs.servicekit.web.conftest import Ground

CURSORS = "INSERT INTO outbox_cursor (bus, topic, lane) SELECT '{}', topic, lane FROM outbox_lane"
READ = "kafka://127.0.0.1:1"
FED = "postgresql://nobody@127.0.0.1:1/none#second"


@pytest.fixture
async def client(ground: Ground) -> AsyncIterator[httpx.AsyncClient]:
    async with ground.worker.begin() as uow:
        await outbox.seed_topic(uow.connection, "loyalty")
    for bus in ("postgres", "kafka", "second"):
        await ground.execute(CURSORS.format(bus))
    kit = make_kit(database=ground.api, clock=ground.clock, bus_url=READ, bus_also_url=FED)
    async with client_of(make_app(kit)) as client:
        yield client


async def retire(client: httpx.AsyncClient, bus: str, **whom: object) -> httpx.Response:
    headers = bearer("ops:write", **whom)
    return await client.post(f"/v1/ops/buses/{bus}/retirements", json={"reason": "all have moved"}, headers=headers)


async def test_a_bus_that_was_left_holds_nothing_any_more(ground: Ground, client: httpx.AsyncClient) -> None:
    first = await retire(client, "postgres", merchant_id=None)
    again = await retire(client, "postgres", merchant_id=None)

    assert (first.json(), again.json()) == ({"lanes": 64}, {"lanes": 0})
    assert await ground.value("SELECT string_agg(DISTINCT bus, ' ' ORDER BY bus) FROM outbox_cursor") == "kafka second"
    assert await ground.value("SELECT min(action) FROM audit_log WHERE merchant_no = 0") == "bus.retire"


@pytest.mark.parametrize("bus", ["kafka", "second"])
async def test_a_bus_that_is_read_or_fed_is_not_retired(ground: Ground, client: httpx.AsyncClient, bus: str) -> None:
    answer = await retire(client, bus, merchant_id=None)

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:huitou:problem:bus-in-use")
    assert await ground.value("SELECT count(*) FROM outbox_cursor") == 3 * 64


async def test_a_merchant_retires_no_bus(ground: Ground, client: httpx.AsyncClient) -> None:
    answer = await retire(client, "postgres", merchant_id=ground.merchant)

    assert answer.json()["type"] == "urn:huitou:problem:platform-required"
