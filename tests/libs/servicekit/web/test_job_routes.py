"""A job is shown to its merchant only, and can be followed to its end."""

import json
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from libs.servicekit.job_routes import JobOut, changes
from libs.servicekit.jobs import enqueue
from tests.libs.servicekit.stage import NOW, bearer, client_of, make_app, make_kit
from tests.libs.servicekit.web.conftest import Ground


@pytest.fixture
async def client(ground: Ground) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(make_app(make_kit(database=ground.api, clock=ground.clock))) as client:
        yield client


async def _job(ground: Ground) -> UUID:
    async with ground.api.begin(ground.merchant) as uow:
        return await enqueue(uow, kind="import", request={"file": "x"}, unit="orders", now=NOW)


async def _ask(client: httpx.AsyncClient, path: str, merchant_id: UUID) -> httpx.Response:
    return await client.get(path, headers=bearer("jobs:read", merchant_id=merchant_id))


async def test_a_job_is_shown(ground: Ground, client: httpx.AsyncClient) -> None:
    job_id = await _job(ground)
    answer = await _ask(client, f"/v1/jobs/{job_id}", ground.merchant)

    assert answer.json() == {
        "job_id": str(job_id),
        "kind": "import",
        "state": "queued",
        "progress": {"done": 0, "total": None, "unit": "orders"},
        "result": None,
        "problem": None,
    }


@pytest.mark.parametrize("suffix", ["", "/events"])
async def test_another_merchants_job_does_not_exist(ground: Ground, client: httpx.AsyncClient, suffix: str) -> None:
    job_id = await _job(ground)

    assert (await _ask(client, f"/v1/jobs/{job_id}{suffix}", ground.other)).status_code == 404


async def test_following_a_job_that_is_over_ends_at_once(ground: Ground, client: httpx.AsyncClient) -> None:
    job_id = await _job(ground)
    await ground.execute("UPDATE job SET state = 'succeeded', done = 7, result = '{\"orders\": 7}'")
    answer = await _ask(client, f"/v1/jobs/{job_id}/events", ground.merchant)

    assert answer.headers["content-type"].startswith("text/event-stream")
    event, told = answer.text.strip().splitlines()
    assert event == "event: job"
    assert json.loads(told.removeprefix("data: "))["result"] == {"orders": 7}


async def test_following_a_job_tells_each_change_once_and_ends_with_it() -> None:
    steps = [("queued", 0), ("running", 0), ("running", 0), ("running", 5), ("succeeded", 7)]
    states = [_state(*step) for step in steps]
    pauses, looks = list[int](), iter(states[1:])

    async def look() -> JobOut:
        return next(looks)

    async def pause() -> None:
        pauses.append(1)

    told = [job async for job in changes(states[0], look, pause)]

    assert [(job.state, job.progress.done) for job in told] == [steps[0], steps[1], steps[3], steps[4]]
    assert len(pauses) == 4


def _state(state: str, done: int) -> JobOut:
    progress = {"done": done, "total": 7, "unit": "orders"}
    return JobOut.model_validate(
        {"job_id": UUID(int=1), "kind": "k", "state": state, "progress": progress, "result": None, "problem": None}
    )
