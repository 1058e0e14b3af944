"""Statements that write different rows, sent as one: a round trip costs more than most of what it carries."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

_PARAMETER: Final = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")


@dataclass(frozen=True, slots=True)
class _Write:
    statement: TextClause
    values: Mapping[str, Any]  # what the driver takes
    check: Callable[[int], None] | None


@dataclass(slots=True)
class Writes:
    """Collects INSERT, UPDATE and DELETE statements without RETURNING, and sends them together.

    All of them see the tables as they were before any: none may read, or write again, a row that another one writes.
    """

    _waiting: list[_Write] = field(default_factory=list)

    def add(self, statement: TextClause, values: Mapping[str, Any], check: Callable[[int], None] | None = None) -> None:
        """The statement is sent with the others. `check` is then told how many rows it wrote, and may raise."""
        self._waiting.append(_Write(statement, values, check))

    async def send(self, connection: AsyncConnection) -> None:
        """Everything that was added is written, in one round trip.

        Raises: whatever a check raises.
        """
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        counts = await _written(connection, waiting)
        for write, count in zip(waiting, counts, strict=True):
            if write.check is not None:
                write.check(count)


async def _written(connection: AsyncConnection, waiting: Sequence[_Write]) -> Sequence[int]:
    if len(waiting) == 1:
        return [(await connection.execute(waiting[0].statement, waiting[0].values)).rowcount]
    values = {f"{name}_{number}": each for number, one in enumerate(waiting) for name, each in one.values.items()}
    done = await connection.execute(together(tuple(one.statement for one in waiting)), values)
    return tuple(done.one())


@lru_cache(maxsize=256)
def together(statements: tuple[TextClause, ...]) -> TextClause:
    """One statement that runs all of them and tells how many rows each wrote; parameters get `_` and their number."""
    parts = (f"w{number} AS ({_numbered(each.text, number)} RETURNING 1)" for number, each in enumerate(statements))
    counts = (f"(SELECT count(*) FROM w{number})" for number in range(len(statements)))  # noqa: S608
    return text(f"WITH {', '.join(parts)} SELECT {', '.join(counts)}")  # statements of our own


def _numbered(statement: str, number: int) -> str:
    return _PARAMETER.sub(rf":\1_{number}", statement)
