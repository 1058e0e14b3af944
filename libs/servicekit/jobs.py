"""Long work as rows: claimed with a lease, moved on step by step, resumed by whoever lives.

A handler does its work in transactions of its own and records in each, through `JobRun.advance`, how far it came:
after a crash another worker starts it again from the recorded position, and no step is lost or done twice.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.clock import Clock
from libs.servicekit.errors import LeaseLost
from libs.servicekit.identity import new_id
from libs.servicekit.tenancy import enable_tenancy
from libs.servicekit.unit_of_work import UnitOfWork

LEASE = timedelta(seconds=30)


def job_tables(service: str) -> Sequence[str]:
    """The statements that create `job` in a service's first migration."""
    return (
        """
        CREATE TABLE job (
            merchant_no int4 NOT NULL,
            job_id uuid NOT NULL,
            kind text NOT NULL,
            state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'succeeded', 'failed')),
            request jsonb NOT NULL,
            position jsonb,
            done int8 NOT NULL DEFAULT 0,
            total int8,
            unit text NOT NULL,
            result jsonb,
            problem jsonb,
            attempts int2 NOT NULL DEFAULT 0,
            lease_id uuid,
            lease_until timestamptz,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            PRIMARY KEY (merchant_no, job_id)
        )
        """,
        "CREATE INDEX job_open ON job (created_at) WHERE state IN ('queued', 'running')",
        *enable_tenancy("job", service),
    )


@dataclass(frozen=True, slots=True)
class Job:
    """A job as others see it."""

    job_id: UUID
    kind: str
    state: str
    done: int
    total: int | None
    unit: str
    result: Mapping[str, Any] | None
    problem: Mapping[str, Any] | None
    created_at: datetime
    updated_at: datetime

    @property
    def is_over(self) -> bool:
        return self.state in ("succeeded", "failed")


async def enqueue(uow: UnitOfWork, *, kind: str, request: Mapping[str, Any], unit: str, now: datetime) -> UUID:
    """A job of `kind` waits for a worker, once the transaction commits; its id."""
    job_id = new_id()
    await uow.connection.execute(
        text(
            """
            INSERT INTO job (merchant_no, job_id, kind, request, unit, created_at, updated_at)
            VALUES (:merchant_no, :job_id, :kind, CAST(:request AS jsonb), :unit, :now, :now)
            """
        ),
        {
            "merchant_no": uow.tenant,
            "job_id": job_id,
            "kind": kind,
            "request": json.dumps(dict(request)),
            "unit": unit,
            "now": now,
        },
    )
    return job_id


async def find_job(connection: AsyncConnection, job_id: UUID) -> Job | None:
    """The job with this id, if the transaction's merchant has it."""
    row = (
        await connection.execute(
            text(
                """
                SELECT job_id, kind, state, done, total, unit, result, problem, created_at, updated_at
                FROM job WHERE job_id = :job_id
                """
            ),
            {"job_id": job_id},
        )
    ).one_or_none()
    return Job(**row._mapping) if row else None


@dataclass(slots=True)
class JobRun:
    """One worker's hold on one job."""

    job_id: UUID
    merchant_id: UUID
    merchant_no: int
    kind: str
    request: Mapping[str, Any]
    position: Mapping[str, Any] | None
    done: int
    lease_id: UUID
    clock: Clock

    async def advance(
        self,
        connection: AsyncConnection,
        *,
        done: int,
        total: int | None = None,
        position: Mapping[str, Any] | None = None,
    ) -> None:
        """Progress and position stand with this transaction's effects, and the lease is renewed.

        Raises:
            LeaseLost: another worker has the job; the transaction must roll back.
        """
        now = self.clock.now()
        changed = await connection.execute(
            _ADVANCE,
            {
                "merchant_no": self.merchant_no,
                "job_id": self.job_id,
                "lease_id": self.lease_id,
                "until": now + LEASE,
                "now": now,
                "done": done,
                "total": total,
                "position": json.dumps(dict(position)) if position is not None else None,
            },
        )
        if changed.rowcount != 1:
            raise LeaseLost(f"job {self.job_id} was taken over by another worker")
        self.done = done
        self.position = position if position is not None else self.position


JobHandler = Callable[[JobRun, asyncio.Event], Awaitable[Mapping[str, Any] | None]]
"""Does the whole job and returns its result; None if it stopped half way because the event was set."""


_ADVANCE = text(
    """
    UPDATE job SET done = :done, total = coalesce(:total, total), lease_until = :until, updated_at = :now,
        position = coalesce(CAST(:position AS jsonb), position), attempts = 0
    WHERE merchant_no = :merchant_no AND job_id = :job_id AND lease_id = :lease_id AND state = 'running'
    """
)
