"""The transactions of a consumer group on its service's database: apply, count an attempt, take it back, park."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from libs.eventbus import attempts, batch, halts, marks, metrics, parked, trail
from libs.eventbus.answers import BatchPlan, Judgement
from libs.eventbus.arrivals import Arrival, Item
from libs.eventbus.group import Group
from libs.eventbus.protocol import judge
from libs.eventbus.transaction import Begin
from libs.eventbus.words import Lane, Mark, Record

_PROBE = text("SELECT 1")
_PROBE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class GroupTransactions:
    """Each method is one transaction; after an error nothing of it is committed, or it is found to be when repeated."""

    group: Group
    begin: Begin
    budget_seconds: float

    async def read_marks(self) -> dict[Lane, Mark]:
        """The group's marks as they are now."""
        async with self.begin() as transaction:
            return await marks.read(transaction.connection, self.group.name)

    async def note_gap(self, lane: Lane, high: int) -> None:
        """Operators see that the lane waits."""
        async with self.begin() as transaction:
            await marks.note_gap(transaction.connection, self.group.name, lane, high)

    async def apply(
        self, items: Sequence[Item], *, known: Mapping[Lane, Mark], halted: Mapping[Lane, int]
    ) -> BatchPlan:
        """The items' effects and marks are committed."""
        with metrics.BATCH_SECONDS.labels(self.group.name).time():
            async with asyncio.timeout(self.budget_seconds), self.begin() as transaction:
                return await batch.apply(transaction, self.group, items, known=known, halted=halted)

    async def apply_counted(
        self, items: Sequence[Item], *, known: Mapping[Lane, Mark], halted: Mapping[Lane, int]
    ) -> BatchPlan:
        """The items' effects and marks are committed, and the counted attempts at them forgotten with them."""
        async with asyncio.timeout(self.budget_seconds), self.begin() as transaction:
            plan = await batch.apply(transaction, self.group, items, known=known, halted=halted)
            await attempts.forget(transaction.connection, self.group.name, [step.record for step in plan.steps])
            return plan

    async def count_batch(self, items: Sequence[Item], *, halted: Mapping[Lane, int]) -> bool:
        """True if none of the items that are next was tried before, and all of them are counted now."""
        async with self.begin() as transaction:
            connection, name = transaction.connection, self.group.name
            return await attempts.count_batch(connection, name, await batch.due(connection, name, items, halted))

    async def count(self, arrival: Arrival) -> int | None:
        """How often the event has been tried, this time included; None if it is not the next of its lane."""
        async with self.begin() as transaction:
            return await attempts.count(transaction.connection, self.group.name, arrival.record)

    async def take_back(self, items: Sequence[Item]) -> None:
        """The last attempts at these do not count."""
        records = [item.record for item in items if isinstance(item, Arrival)]
        async with self.begin() as transaction:
            await attempts.take_back(transaction.connection, self.group.name, records)

    async def park(self, arrival: Arrival, error: str) -> Mark | None:
        """The event is parked as failed and the mark moved past it; None if it was not the next any more."""
        record, name = arrival.record, self.group.name
        async with self.begin() as transaction:
            connection = transaction.connection
            mark = (await marks.lock(connection, name, [record.lane]))[record.lane]
            if judge(mark, record) is not Judgement.APPLY:
                return None
            await parked.park_failed(connection, name, batch.parking(arrival), error=error)
            await attempts.forget(connection, name, [record])
            await marks.store(connection, name, {record.lane: mark.after(record)})
            await trail.keep(connection, name, [batch.trace(arrival)])
            return mark.after(record)

    async def halt(self, lane: Lane, reason: str) -> None:
        """The lane is stopped until an operator acts."""
        async with self.begin() as transaction:
            await halts.halt(transaction.connection, self.group.name, lane, reason)

    async def halted(self) -> dict[Lane, int]:
        """The lanes that wait for an operator, with the newest epoch heard of since."""
        async with self.begin() as transaction:
            return await halts.heard(transaction.connection, self.group.name)

    async def keep_opening(self, record: Record) -> None:
        """How a halted lane's new epoch begins is known to whoever accepts it."""
        async with self.begin() as transaction:
            await halts.keep_opening(transaction.connection, self.group.name, record)

    async def database_works(self) -> bool:
        """Whether the database answers at all."""
        try:
            async with asyncio.timeout(_PROBE_SECONDS), self.begin() as transaction:
                await transaction.connection.execute(_PROBE)
        except Exception:  # whatever the driver raises, the answer is no
            return False
        return True
