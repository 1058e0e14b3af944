"""`/v1/jobs/{id}`: how far long work has come, asked once or followed as server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Security
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field

from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.jobs import Job, find_job
from libs.servicekit.kit import Kit, kit
from libs.servicekit.problems import not_found

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

POLL_SECONDS: Final = 0.5


class Progress(BaseModel):
    """How much is done; `total` is null while nobody knows."""

    done: int = Field(examples=[500])
    total: int | None = Field(examples=[2000])
    unit: str = Field(examples=["rows"])


class JobOut(BaseModel):
    """One job. `result` stands once it has succeeded, `problem` once it has failed."""

    job_id: UUID
    kind: str = Field(examples=["import"])
    state: Literal["queued", "running", "succeeded", "failed"]
    progress: Progress
    result: dict[str, Any] | None
    problem: dict[str, Any] | None

    @classmethod
    def of(cls, job: Job) -> "JobOut":
        return cls(
            job_id=job.job_id,
            kind=job.kind,
            state=job.state,
            progress=Progress(done=job.done, total=job.total, unit=job.unit),
            result=dict(job.result) if job.result is not None else None,
            problem=dict(job.problem) if job.problem is not None else None,
        )


Reader = Annotated[Principal, Security(authenticated, scopes=["jobs:read"])]
TheKit = Annotated[Kit, Depends(kit)]


async def _shown(kit: Kit, merchant_id: UUID, job_id: UUID) -> JobOut:
    async with kit.database.read(merchant_id) as uow:
        job = await find_job(uow.connection, job_id)
    if job is None:
        raise not_found("job")
    return JobOut.of(job)


async def existing_job(job_id: UUID, principal: Reader, kit: TheKit) -> JobOut:
    """The caller's job.

    Raises:
        Problem: 404, there is none of this id.
    """
    return await _shown(kit, principal.merchant, job_id)


@router.get("/{job_id}", summary="Show a job")
async def show_job(job: Annotated[JobOut, Depends(existing_job)]) -> JobOut:
    """How far it has come; its result or its problem once it is over."""
    return job


@router.get("/{job_id}/events", summary="Follow a job until it is over", response_class=EventSourceResponse)
async def follow_job(
    job: Annotated[JobOut, Depends(existing_job)], principal: Reader, kit: TheKit
) -> AsyncIterator[ServerSentEvent]:
    """Each change as an event named `job`; the stream ends with the job."""

    async def look() -> JobOut:
        return await _shown(kit, principal.merchant, job.job_id)

    async for seen in changes(job, look, lambda: asyncio.sleep(POLL_SECONDS)):
        yield ServerSentEvent(event="job", data=seen)


async def changes(
    job: JobOut, look: Callable[[], Awaitable[JobOut]], pause: Callable[[], Awaitable[None]]
) -> AsyncIterator[JobOut]:
    """The job, then each state of it that differs from the one before, until it is over."""
    yield job
    while job.state in ("queued", "running"):
        await pause()
        seen = await look()
        if seen != job:
            job = seen
            yield job
