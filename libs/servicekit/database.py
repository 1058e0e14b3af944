"""Transactions on a service's own database, each telling its facts through the outbox."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from libs.eventbus import outbox
from libs.servicekit.clock import Clock
from libs.servicekit.direct_connection import DirectEngine
from libs.servicekit.identity import new_id
from libs.servicekit.tenancy import enter_platform, enter_tenant
from libs.servicekit.tracing import correlation_id, traceparent
from libs.servicekit.unit_of_work import UnitOfWork

Role = Literal["owner", "api", "worker", "intake"]

_GUARDS = {"lock_timeout": "2s", "statement_timeout": "15s", "idle_in_transaction_session_timeout": "10s"}
_BY_ROLE: Mapping[Role, Mapping[str, str]] = {
    "owner": {"lock_timeout": "10s"},
    "api": _GUARDS,
    "intake": {**_GUARDS, "plan_cache_mode": "force_generic_plan"},
    # A probe planned on an empty table would stay a sequential scan for the life of the connection.
    "worker": {**_GUARDS, "plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"},
}


ANSWER_SECONDS: Final = 16.0
"""A server that lives ends a statement after 15; one that says nothing until now is not there."""


def create_engine(
    url: str, role: Role, *, pool_size: int = 8, answer_seconds: float | None = ANSWER_SECONDS
) -> AsyncEngine:
    """An engine on asyncpg with the role's guards; it connects when first used.

    `url` is `postgresql://user:password@host:port/database`. The owner's statements (migrations) may take any time.
    """
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_use_lifo=True,  # the one used last has its statements planned and its memory warm
        hide_parameters=True,  # an error's text ends up in logs and parked rows: no row's values in it
        connect_args={
            "timeout": 5,
            "command_timeout": None if role == "owner" else answer_seconds,
            "prepared_statement_cache_size": 500,
            "server_settings": {**_BY_ROLE[role], "application_name": f"huitou-{role}", "jit": "off"},
        },
    )
    event.listen(engine.sync_engine, "handle_error", _leave_silent_server)
    return DirectEngine(engine.sync_engine)


def _leave_silent_server(failure: ExceptionContext) -> None:
    """Whoever waited in vain, or was cancelled for it, leaves no connection of that time in the pool.

    A connection can be half open: nothing comes, and no end either. Its neighbours are then too, and each would be
    found out one after the other only, 16 seconds apart.
    """
    if isinstance(failure.original_exception, TimeoutError | asyncio.CancelledError):
        failure.is_disconnect = True
        failure.invalidate_pool_on_disconnect = True


class Database:
    """Opens the transactions of one process under one role."""

    def __init__(self, engine: AsyncEngine, *, source: str, clock: Clock) -> None:
        """`source` is the service's name in envelopes, e.g. `order-ingest`."""
        self._engine = engine
        self._source = source
        self._clock = clock
        self.told = asyncio.Event()
        """Set after every commit that told facts: the relay of the same process waits for it."""

    @property
    def engine(self) -> AsyncEngine:
        return self._engine

    @asynccontextmanager
    async def begin(self, merchant_id: UUID | None = None) -> AsyncIterator[UnitOfWork]:
        """A transaction that commits on a clean exit and rolls back on an exception.

        With `merchant_id` the transaction sees that merchant's rows only (API role).

        Raises:
            UnknownMerchant: the service does not know `merchant_id`.
            OutboxError: what was said cannot be told; nothing is committed.
        """
        async with self._engine.begin() as connection:
            uow = UnitOfWork(connection, merchant_id)
            if merchant_id is not None:
                uow.merchant_no = await enter_tenant(connection, merchant_id)
            yield uow
            await self._tell(uow)
        if uow.said:
            self.told.set()

    @asynccontextmanager
    async def begin_platform(self) -> AsyncIterator[UnitOfWork]:
        """A transaction of the platform's operator: all merchants' names, no merchant's rows."""
        async with self.begin() as uow:
            await enter_platform(uow.connection)
            yield uow

    @asynccontextmanager
    async def read(self, merchant_id: UUID | None = None) -> AsyncIterator[UnitOfWork]:
        """A read-only transaction on one snapshot: figures of several statements fit together."""
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            async with connection.begin():
                uow = UnitOfWork(connection, merchant_id)
                if merchant_id is not None:
                    uow.merchant_no = await enter_tenant(connection, merchant_id)
                yield uow

    async def is_reachable(self) -> bool:
        """True if the server answers now."""
        try:
            async with self._engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except Exception:  # whatever the driver raises, the answer is no
            return False
        return True

    async def close(self) -> None:
        """Every pooled connection is closed."""
        await self._engine.dispose()

    async def _tell(self, uow: UnitOfWork) -> None:
        if not uow.said:
            return
        await outbox.append(
            uow.connection,
            uow.said,
            source=self._source,
            now=self._clock.now(),
            new_id=new_id,
            correlation_id=correlation_id.get() or str(new_id()),
            traceparent=traceparent.get(),
        )


__all__ = ["AsyncConnection", "Database", "Role", "create_engine"]
