"""A POST sent twice takes effect once, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Depends, Security
from pydantic import BaseModel
from sqlalchemy import text
from starlette.responses import Response

from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.idempotency import Answer, Once, forget_old_keys, optional_key, required_key
from libs.servicekit.identity import new_id
from libs.servicekit.kit import Kit, kit, part
from libs.servicekit.problems import conflict
from libs.servicekit.unit_of_work import UnitOfWork
from tests.libs.servicekit.stage import NOW, bearer, client_of, make_app, make_kit
from tests.libs.servicekit.web.conftest import Ground

COUNT = "SELECT count(*) FROM redemption"
WAITING = (
    "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()"
)


class Redemption(BaseModel):
    points: int


class Gate:
    """Holds a redemption inside its transaction until the test lets it go on."""

    def __init__(self) -> None:
        self.entered, self.open = asyncio.Event(), asyncio.Event()
        self.open.set()


Caller = Annotated[Principal, Security(authenticated, scopes=["redemptions:write"])]
router = APIRouter(prefix="/v1")


async def _redeem(uow: UnitOfWork, body: Redemption, gate: Gate) -> Answer:
    redemption_id = new_id()
    await uow.connection.execute(
        text("INSERT INTO redemption VALUES (:merchant_no, :id, :points)"),
        {"merchant_no": uow.tenant, "id": redemption_id, "points": body.points},
    )
    gate.entered.set()
    await gate.open.wait()
    if body.points > 100:
        raise conflict("too-few-points", "There are not enough points.")
    location = {"Location": f"/v1/redemptions/{redemption_id}"}
    return Answer(201, {"redemption_id": str(redemption_id), "points": body.points}, location)


@router.post("/redemptions", status_code=201)
async def redeem(
    body: Redemption,
    principal: Caller,
    kit: Annotated[Kit, Depends(kit)],
    once: Annotated[Once, Depends(required_key)],
    gate: Annotated[Gate, Depends(part(Gate))],
) -> Response:
    async with kit.database.begin(principal.merchant) as uow:
        return await once.run(uow, principal, lambda: _redeem(uow, body, gate), now=kit.clock.now())


@router.post("/trials", status_code=201)
async def try_out(
    body: Redemption,
    principal: Caller,
    kit: Annotated[Kit, Depends(kit)],
    once: Annotated[Once, Depends(optional_key)],
    gate: Annotated[Gate, Depends(part(Gate))],
) -> Response:
    async with kit.database.begin(principal.merchant) as uow:
        return await once.run(uow, principal, lambda: _redeem(uow, body, gate), now=kit.clock.now())


@router.post("/platform_notes")
async def note(
    principal: Caller, kit: Annotated[Kit, Depends(kit)], once: Annotated[Once, Depends(required_key)]
) -> Response:
    async def run() -> Answer:
        return Answer(200, {"noted": str(new_id())})

    async with kit.database.begin_platform() as uow:
        return await once.run(uow, principal, run, now=kit.clock.now())


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def client(ground: Ground, gate: Gate) -> AsyncIterator[httpx.AsyncClient]:
    app = make_app(make_kit(database=ground.api, clock=ground.clock), [router])
    app.state.parts = {Gate: gate}
    async with client_of(app) as client:
        yield client


async def _post(
    client: httpx.AsyncClient,
    merchant_id: UUID | None,
    *,
    key: str | None = "k-1",
    points: int = 10,
    path: str = "redemptions",
    subject: str = "ada",
) -> httpx.Response:
    headers = bearer("redemptions:write", merchant_id=merchant_id, subject=subject)
    if key is not None:
        headers["Idempotency-Key"] = key
    return await client.post(f"/v1/{path}", json={"points": points}, headers=headers)


async def test_the_second_request_gets_the_first_answer(ground: Ground, client: httpx.AsyncClient) -> None:
    first = await _post(client, ground.merchant)
    second = await _post(client, ground.merchant)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second.headers["location"] == first.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert await ground.value(COUNT) == 1


async def test_the_same_key_for_another_request_is_refused(ground: Ground, client: httpx.AsyncClient) -> None:
    await _post(client, ground.merchant)
    other_body = await _post(client, ground.merchant, points=11)
    other_path = await _post(client, ground.merchant, path="trials")

    for answer in (other_body, other_path):
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:huitou:problem:idempotency-key-reused"
    assert await ground.value(COUNT) == 1


async def test_keys_belong_to_merchant_and_client(ground: Ground, client: httpx.AsyncClient) -> None:
    await _post(client, ground.merchant)
    other_merchant = await _post(client, ground.other, points=11)
    other_client = await _post(client, ground.merchant, points=11, subject="bob")

    assert (other_merchant.status_code, other_client.status_code) == (201, 201)
    assert await ground.value(COUNT) == 3


async def test_concurrent_requests_with_one_key_take_effect_once(
    ground: Ground, client: httpx.AsyncClient, gate: Gate
) -> None:
    gate.open.clear()
    first = asyncio.create_task(_post(client, ground.merchant))
    await gate.entered.wait()
    others = [asyncio.create_task(_post(client, ground.merchant)) for _ in range(3)]
    async with asyncio.timeout(10):
        while not await ground.value(WAITING):
            pass
    gate.open.set()
    answers = [await first, *(await asyncio.gather(*others))]

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert await ground.value(COUNT) == 1


async def test_a_request_that_waits_too_long_is_told_to_come_back(
    ground: Ground, client: httpx.AsyncClient, gate: Gate
) -> None:
    gate.open.clear()
    first = asyncio.create_task(_post(client, ground.merchant))
    await gate.entered.wait()
    second = await _post(client, ground.merchant)
    gate.open.set()

    assert (second.status_code, (await first).status_code) == (503, 201)
    assert "retry-after" in second.headers


async def test_a_refused_request_leaves_no_trace_and_may_be_tried_again(
    ground: Ground, client: httpx.AsyncClient
) -> None:
    first = await _post(client, ground.merchant, points=101)
    again = await _post(client, ground.merchant, points=101)
    smaller = await _post(client, ground.merchant, points=100)

    assert (first.status_code, again.status_code, smaller.status_code) == (409, 409, 201)
    assert await ground.value(COUNT) == 1


async def test_without_a_required_key_nothing_happens(ground: Ground, client: httpx.AsyncClient) -> None:
    answer = await _post(client, ground.merchant, key=None)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/header/Idempotency-Key"
    assert await ground.value(COUNT) == 0


async def test_where_the_key_is_optional_each_request_stands_for_itself(
    ground: Ground, client: httpx.AsyncClient
) -> None:
    for _ in range(2):
        assert (await _post(client, ground.merchant, key=None, path="trials")).status_code == 201

    assert await ground.value(COUNT) == 2
    assert await ground.value("SELECT count(*) FROM idempotency") == 0


async def test_the_platform_has_keys_of_its_own(ground: Ground, client: httpx.AsyncClient) -> None:
    first = await _post(client, None, path="platform_notes")
    second = await _post(client, None, path="platform_notes")

    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    assert await ground.value("SELECT merchant_no FROM idempotency") == 0


async def test_keys_are_kept_for_a_month(ground: Ground, client: httpx.AsyncClient) -> None:
    await _post(client, ground.merchant)
    async with ground.worker.begin() as uow:
        kept = await forget_old_keys(uow.connection, NOW + timedelta(days=30))
        gone = await forget_old_keys(uow.connection, NOW + timedelta(days=30, seconds=1))

    assert (kept, gone) == (0, 1)


def test_the_header_is_documented() -> None:
    document: dict[str, Any] = make_app(make_kit(), [router]).openapi()
    (header,) = document["paths"]["/v1/redemptions"]["post"]["parameters"]

    assert (header["name"], header["in"], header["required"]) == ("Idempotency-Key", "header", True)
