"""What the bus needs of its surroundings: a transaction that can tell facts, and the time."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.contracts.envelope import Said


class Transaction(Protocol):
    """One database transaction; what it said reaches the outbox as the last thing before COMMIT."""

    @property
    def connection(self) -> AsyncConnection: ...

    def say(self, said: Said) -> None:
        """The fact is told if, and only if, this transaction commits."""


Begin: TypeAlias = Callable[[], AbstractAsyncContextManager[Transaction]]
"""Opens a transaction that commits on a clean exit and rolls back on an exception."""


class Clock(Protocol):
    """Tells the present instant, aware and in UTC."""

    def now(self) -> datetime: ...
