"""How far behind the others are: what an import looks at before each chunk."""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy import text

from libs.eventbus.port import Partition
from libs.servicekit.clock import Clock
from libs.servicekit.database import Database

MOST_WAITING: Final = 100
"""Live deliveries beyond which history steps aside."""

_LOOK_AGAIN_AFTER: Final = timedelta(milliseconds=40)
_OWN = text(
    """
    SELECT (SELECT coalesce(sum(least(l.next_seq - 1 - c.published,
                                      (l.next_seq - 1) & ((CAST(1 AS int8) << 40) - 1))), 0) FROM outbox_lane l
            JOIN outbox_cursor c USING (topic, lane) WHERE l.topic = 'commerce' AND c.bus = :bus) AS unpublished,
           (SELECT coalesce(sum(l.next_seq - 1 - m.last_seq), 0) FROM intake_lane l
            JOIN intake_mark m USING (lane)) AS waiting
    """
)


class Lagging(Protocol):
    """The part of a bus that is needed here."""

    @property
    def name(self) -> str: ...

    def lag(self, group: str, topics: Sequence[str]) -> Awaitable[Mapping[Partition, int]]: ...


class Pressure:
    """Facts that are told but not yet applied by the slowest group, and deliveries that wait to be normalised."""

    def __init__(self, database: Database, bus: Lagging, groups: Sequence[str], clock: Clock) -> None:
        self._database = database
        self._bus = bus
        self._groups = groups
        self._clock = clock
        self._seen: tuple[datetime, int, int] | None = None

    async def busy(self, most: int) -> bool:
        """True while many live deliveries wait, or more than `most` facts are on their way to some group.

        Some deliveries always wait where a shop is busy: they must not hold history back for ever.
        """
        now = self._clock.now()
        if self._seen is None or now - self._seen[0] > _LOOK_AGAIN_AFTER:
            self._seen = (now, *await self._look())
        _, waiting, behind = self._seen
        return waiting > MOST_WAITING or behind > most

    async def _look(self) -> tuple[int, int]:
        async with self._database.read() as uow:
            own = (await uow.connection.execute(_OWN, {"bus": self._bus.name})).one()
        lags = [sum((await self._bus.lag(group, ["commerce"])).values()) for group in self._groups]
        return int(own.waiting), int(own.unpublished) + max(lags, default=0)
