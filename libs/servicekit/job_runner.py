"""Claims jobs with a lease, runs their handlers, and settles how they ended."""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, text

from libs.servicekit.clock import Clock
from libs.servicekit.database import Database
from libs.servicekit.errors import JobRefused, LeaseLost
from libs.servicekit.identity import new_id
from libs.servicekit.jobs import LEASE, JobHandler, JobRun
from libs.servicekit.logs import logger
from libs.servicekit.waiting import wait_for_stop

_log = logger(__name__)
_MAX_ATTEMPTS = 20


class JobRunner:
    """Runs this process's share of the jobs, one at a time."""

    def __init__(
        self, database: Database, handlers: Mapping[str, JobHandler], clock: Clock, *, poll_seconds: float = 0.5
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._clock = clock
        self._poll_seconds = poll_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Jobs are worked on until `stop`; a job under way is left at its last position."""
        while not stop.is_set():
            try:
                busy = await self.run_one(stop)
            except Exception as error:  # the database is away: the next round asks again
                _log.error("job_round_failed", error=type(error).__name__)
                busy = False
            if not busy:
                await wait_for_stop(stop, self._poll_seconds)

    async def run_one(self, stop: asyncio.Event) -> bool:
        """The oldest job that nobody holds is worked on; False if there is none."""
        run = await self._claim()
        if run is None:
            return False
        try:
            result = await self._handlers[run.kind](run, stop)
        except LeaseLost:
            _log.warning("job_lease_lost", job_id=str(run.job_id))
        except JobRefused as refusal:
            await self._finish(run, "failed", problem={"title": refusal.title, "detail": str(refusal)})
        except Exception as error:  # an outage or a bug: tried again from the last position, then failed for good
            _log.error("job_step_failed", job_id=str(run.job_id), kind=run.kind, error=type(error).__name__)
            await self._release(run, error)
        else:
            await (self._release(run, None) if result is None else self._finish(run, "succeeded", result=result))
        return True

    async def _claim(self) -> JobRun | None:
        now = self._clock.now()
        async with self._database.begin() as uow:
            row = (
                await uow.connection.execute(
                    _CLAIM,
                    {"kinds": list(self._handlers), "now": now, "until": now + LEASE, "lease_id": new_id()},
                )
            ).one_or_none()
        return _run_of(row, self._clock) if row else None

    async def _finish(
        self,
        run: JobRun,
        state: str,
        *,
        result: Mapping[str, Any] | None = None,
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        async with self._database.begin() as uow:
            await uow.connection.execute(
                _FINISH,
                {
                    **_hold(run),
                    "state": state,
                    "result": json.dumps(dict(result)) if result is not None else None,
                    "problem": json.dumps(dict(problem)) if problem is not None else None,
                    "now": self._clock.now(),
                },
            )

    async def _release(self, run: JobRun, error: Exception | None) -> None:
        retry_at = self._clock.now() + (timedelta(seconds=1) if error else timedelta())
        async with self._database.begin() as uow:
            await uow.connection.execute(
                _RELEASE,
                {
                    **_hold(run),
                    "now": self._clock.now(),
                    "retry_at": retry_at,
                    "failed": error is not None,
                    "max_attempts": _MAX_ATTEMPTS,
                    "problem": json.dumps({"title": "The job kept failing", "detail": type(error).__name__}),
                },
            )


def _hold(run: JobRun) -> dict[str, Any]:
    return {"merchant_no": run.merchant_no, "job_id": run.job_id, "lease_id": run.lease_id}


def _run_of(row: Row[Any], clock: Clock) -> JobRun:
    return JobRun(
        job_id=row.job_id,
        merchant_id=row.merchant_id,
        merchant_no=row.merchant_no,
        kind=row.kind,
        request=row.request,
        position=row.position,
        done=row.done,
        lease_id=row.lease_id,
        clock=clock,
    )


_CLAIM = text(
    """
    UPDATE job j SET state = 'running', lease_id = :lease_id, lease_until = :until, updated_at = :now
    FROM (SELECT merchant_no, job_id FROM job
          WHERE state IN ('queued', 'running') AND kind = ANY(CAST(:kinds AS text[]))
            AND (lease_until IS NULL OR lease_until <= :now)
          ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED) next, merchant m
    WHERE (j.merchant_no, j.job_id) = (next.merchant_no, next.job_id) AND m.merchant_no = j.merchant_no
    RETURNING j.merchant_no, m.merchant_id, j.job_id, j.kind, j.request, j.position, j.done, j.lease_id
    """
)
_FINISH = text(
    """
    UPDATE job SET state = :state, result = CAST(:result AS jsonb), problem = CAST(:problem AS jsonb),
        lease_id = NULL, lease_until = NULL, updated_at = :now
    WHERE merchant_no = :merchant_no AND job_id = :job_id AND lease_id = :lease_id
    """
)
_RELEASE = text(
    """
    UPDATE job SET lease_id = NULL, lease_until = :retry_at, updated_at = :now,
        attempts = attempts + CASE WHEN :failed THEN 1 ELSE 0 END,
        state = CASE WHEN :failed AND attempts + 1 >= :max_attempts THEN 'failed' ELSE state END,
        problem = CASE WHEN :failed AND attempts + 1 >= :max_attempts THEN CAST(:problem AS jsonb) ELSE problem END
    WHERE merchant_no = :merchant_no AND job_id = :job_id AND lease_id = :lease_id
    """
)
