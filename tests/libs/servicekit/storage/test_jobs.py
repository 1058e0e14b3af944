"""A job is done once, step by step, whoever dies in between."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from libs.servicekit.errors import JobRefused
from libs.servicekit.job_runner import JobRunner
from libs.servicekit.jobs import Job, JobRun, enqueue, find_job
from tests.libs.servicekit.storage.conftest import NOW, Kit


class PowerCut(BaseException):
    """What kill -9 looks like from inside: nothing is caught, nothing is tidied."""


async def _queued(kit: Kit) -> UUID:
    async with kit.api.begin(kit.merchant) as uow:
        return await enqueue(uow, kind="count", request={"to": 4}, unit="steps", now=NOW)


async def _seen(kit: Kit, job_id: UUID) -> Job:
    async with kit.api.begin(kit.merchant) as uow:
        job = await find_job(uow.connection, job_id)
    assert job is not None
    return job


class Counter:
    """Counts to the requested number, a transaction a step; may be cut at a step."""

    def __init__(self, kit: Kit, cut_at: int | None = None) -> None:
        self._kit, self._cut_at = kit, cut_at
        self.steps: list[int] = []

    async def __call__(self, run: JobRun, stop: asyncio.Event) -> Mapping[str, Any] | None:
        start = run.position["at"] if run.position else 0
        for step in range(start, run.request["to"]):
            if stop.is_set():
                return None
            async with self._kit.worker.begin() as uow:
                self.steps.append(step)
                await uow.connection.execute(
                    text("INSERT INTO thing VALUES (:m, :n)"), {"m": run.merchant_no, "n": str(step)}
                )
                if step == self._cut_at:
                    raise PowerCut
                await run.advance(uow.connection, done=step + 1, total=run.request["to"], position={"at": step + 1})
        return {"counted": run.done}


async def test_a_job_runs_to_its_result(kit: Kit) -> None:
    job_id = await _queued(kit)

    assert await JobRunner(kit.worker, {"count": Counter(kit)}, kit.clock).run_one(asyncio.Event())

    job = await _seen(kit, job_id)
    assert (job.state, job.done, job.total, job.result) == ("succeeded", 4, 4, {"counted": 4})


async def test_a_job_cut_in_a_step_is_resumed_there_by_another_worker(kit: Kit) -> None:
    job_id = await _queued(kit)
    with contextlib.suppress(PowerCut):
        await JobRunner(kit.worker, {"count": Counter(kit, cut_at=2)}, kit.clock).run_one(asyncio.Event())

    second = Counter(kit)
    runner = JobRunner(kit.worker, {"count": second}, kit.clock)
    assert not await runner.run_one(asyncio.Event())  # the lease of the dead still runs
    kit.clock.advance(timedelta(minutes=1))
    assert await runner.run_one(asyncio.Event())

    assert second.steps == [2, 3]
    assert (await _seen(kit, job_id)).state == "succeeded"
    async with kit.worker.begin() as uow:
        assert await uow.connection.scalar(text("SELECT count(*) FROM thing")) == 4


async def test_a_worker_whose_lease_was_taken_leaves_no_trace(kit: Kit) -> None:
    await _queued(kit)
    other = Counter(kit)

    async def slow(run: JobRun, stop: asyncio.Event) -> Mapping[str, Any] | None:
        kit.clock.advance(timedelta(minutes=1))
        await JobRunner(kit.worker, {"count": other}, kit.clock).run_one(asyncio.Event())
        async with kit.worker.begin() as uow:
            await uow.connection.execute(text("INSERT INTO thing VALUES (:m, 'late')"), {"m": run.merchant_no})
            await run.advance(uow.connection, done=1)
        return {}

    await JobRunner(kit.worker, {"count": slow}, kit.clock).run_one(asyncio.Event())

    async with kit.worker.begin() as uow:
        assert await uow.connection.scalar(text("SELECT count(*) FROM thing WHERE name = 'late'")) == 0
    assert other.steps == [0, 1, 2, 3]


async def test_a_refused_job_fails_with_its_reason(kit: Kit) -> None:
    job_id = await _queued(kit)

    async def refuses(run: JobRun, stop: asyncio.Event) -> Mapping[str, Any] | None:
        raise JobRefused("Unreadable file", "line 1 is not JSON")

    await JobRunner(kit.worker, {"count": refuses}, kit.clock).run_one(asyncio.Event())

    job = await _seen(kit, job_id)
    assert job.state == "failed"
    assert job.problem == {"title": "Unreadable file", "detail": "line 1 is not JSON"}


async def test_a_stop_leaves_the_job_to_the_next_process(kit: Kit) -> None:
    job_id = await _queued(kit)
    stop = asyncio.Event()
    stop.set()

    await JobRunner(kit.worker, {"count": Counter(kit)}, kit.clock).run_one(stop)
    assert (await _seen(kit, job_id)).state == "running"

    await JobRunner(kit.worker, {"count": Counter(kit)}, kit.clock).run_one(asyncio.Event())
    assert (await _seen(kit, job_id)).state == "succeeded"
