"""What a failure says: an outage, a timeout, or that the event itself cannot be applied."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from libs.eventbus.errors import OutboxUnusable, TransientFailure
from libs.eventbus.words import Failure

FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 5.0
"""Whoever waits longer comes back too late: as long again after an outage, orders would still stand still."""

# SQLSTATE classes and codes after which the same again may work. Source: PostgreSQL documentation, appendix A.
_OUTAGE_CLASSES: Final = ("08", "53", "57P", "58", "XX")
_OUTAGES: Final = frozenset({"40001", "40P01", "55P03", "25006"})
_TIMEOUTS: Final = frozenset({"57014", "25P03", "25P04"})


def classify(error: BaseException) -> Failure:
    """The kind of failure that the error, or what caused it, stands for. What is not known to pass is permanent."""
    for one in _chain(error):
        state = getattr(one, "sqlstate", None) or getattr(one, "pgcode", None)
        if state in _TIMEOUTS:
            return Failure.TIMEOUT
        if isinstance(state, str) and (state in _OUTAGES or state.startswith(_OUTAGE_CLASSES)):
            return Failure.TRANSIENT
        # A database from which nothing can be told fails every event alike: an operator's business, no event's fault.
        if isinstance(one, TransientFailure | OutboxUnusable) or getattr(one, "connection_invalidated", False):
            return Failure.TRANSIENT
        if isinstance(one, TimeoutError):  # before OSError: it is one
            return Failure.TIMEOUT
        if isinstance(one, OSError) or _is_driver_outage(one):
            return Failure.TRANSIENT
    return Failure.PERMANENT


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        original = getattr(error, "orig", None)
        if isinstance(original, BaseException):
            yield from _chain(original)
        error = error.__cause__


def _is_driver_outage(error: BaseException) -> bool:
    """asyncpg says that a connection is closed by InterfaceError, which has no SQLSTATE; so does SQLAlchemy's pool."""
    text = str(error)
    known = ("connection is closed", "connection was closed", "pool is closing", "QueuePool limit")
    return any(words in text for words in known) and type(error).__module__.startswith(("asyncpg", "sqlalchemy"))


@dataclass(slots=True)
class Backoff:
    """Pauses with full jitter: random up to a bound that doubles from 0.2 s to 5 s."""

    rng: random.Random = field(default_factory=random.Random)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def seconds(self, failures: int) -> float:
        """The pause that follows so many failures in a row."""
        bound = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(max(failures, 1) - 1, 20))
        return self.rng.uniform(0, bound)

    async def pause(self, failures: int) -> None:
        """Returns after the pause that follows so many failures in a row."""
        await self.sleep(self.seconds(failures))
