"""One batch, one transaction: marks locked, parked subjects probed, handler run, marks moved."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus import forgotten, marks, metrics, parked, trail
from libs.eventbus.answers import Action, BatchPlan, Step
from libs.eventbus.arrivals import Arrival, Item
from libs.eventbus.group import Group
from libs.eventbus.parked import Parking
from libs.eventbus.protocol import plan_batch
from libs.eventbus.protocol_epochs import may_apply
from libs.eventbus.subscriptions import AnyEvent
from libs.eventbus.transaction import Transaction
from libs.eventbus.words import Lane, Mark, Record, Signal, Subject, Trace
from libs.eventbus.writes import Writes

# Nearly always nothing is parked or forgotten: one small probe then saves sending the batch's keys and ids.
ANY: Final = text("""
SELECT EXISTS (SELECT 1 FROM parked_event WHERE consumer_group = :group AND status = 'parked'),
    EXISTS (SELECT 1 FROM forgotten_event WHERE consumer_group = :group)
""")


def plan(items: Sequence[Item], known: Mapping[Lane, Mark], halted: Mapping[Lane, int]) -> BatchPlan:
    """What the items mean to marks that are known already, for items of which none is next: nothing is applied."""
    return plan_batch(known, (), halted, (), _judged(items))


def any_next(items: Sequence[Item], known: Mapping[Lane, Mark]) -> bool:
    """Whether a record is the next of its lane."""
    return any(isinstance(item, Arrival) and may_apply(known[item.lane], item.record) for item in items)


def any_beyond(items: Sequence[Item], known: Mapping[Lane, Mark]) -> bool:
    """Whether a record lies further on than the next one."""
    return any(isinstance(item, Arrival) and item.record.sequence > known[item.lane].sequence + 1 for item in items)


async def apply(
    transaction: Transaction,
    group: Group,
    items: Sequence[Item],
    *,
    known: Mapping[Lane, Mark],
    halted: Mapping[Lane, int],
) -> BatchPlan:
    """The batch's effects are in the transaction, and the marks with them; all marks met are returned.

    `known` serves lanes of which only signals were read. Raises: whatever the handler raises, UnknownVersion,
    pydantic.ValidationError.
    """
    arrivals = [item for item in items if isinstance(item, Arrival)]
    connection = transaction.connection
    locked = await marks.lock(connection, group.name, {one.lane for one in arrivals})
    records = [one.record for one in arrivals]
    held, repeated = await _exceptions(connection, group.name, records)
    planned = plan_batch({**known, **locked}, held, halted, repeated, _judged(items))
    by_record = {id(one.record): one for one in arrivals}
    await _carry_out(transaction, group, planned.steps, by_record)
    writes = Writes()
    marks.add(writes, group.name, planned.marks)
    trail.add(writes, group.name, [trace(by_record[id(step.record)]) for step in planned.steps])
    await writes.send(connection)
    return replace(planned, marks={**locked, **planned.marks})


async def _exceptions(
    connection: AsyncConnection, group: str, records: Sequence[Record]
) -> tuple[set[Subject], set[UUID]]:
    """Subjects with an open parked event, and ids that took effect already; asked under the lanes' locks."""
    any_parked, any_forgotten = (await connection.execute(ANY, {"group": group})).one()
    held = await parked.open_subjects(connection, group, records) if any_parked else set()
    repeated = await forgotten.among(connection, group, records) if any_forgotten else set()
    return held, repeated


async def due(
    connection: AsyncConnection, group: str, items: Sequence[Item], halted: Mapping[Lane, int]
) -> Sequence[Record]:
    """The records that a transaction would take in now; their lanes stay locked until this one ends."""
    records = [item.record for item in items if isinstance(item, Arrival)]
    locked = await marks.lock(connection, group, {record.lane for record in records})
    return [step.record for step in plan_batch(locked, (), halted, (), records).steps]


async def _carry_out(
    transaction: Transaction, group: Group, steps: Sequence[Step], arrivals: Mapping[int, Arrival]
) -> None:
    by_action: dict[Action, list[Record]] = {action: [] for action in Action}
    for step in steps:
        by_action[step.action].append(step.record)
    connection = transaction.connection
    for record in by_action[Action.ERASE]:
        await parked.erase(connection, group.name, topic=record.lane.topic, subject=record.key)
    waiting = [parking(arrivals[id(record)]) for record in by_action[Action.PARK]]
    await parked.park_waiting(connection, group.name, waiting)
    await parked.keep_discarded(connection, group.name, by_action[Action.DISCARD])
    events = _events(group, steps, arrivals)
    if events:
        await group.handler(transaction, events)
    metrics.PARKED.labels(group.name, "waits").inc(len(waiting))


def parking(arrival: Arrival) -> Parking:
    """The arrival as the parked table keeps it."""
    return Parking(arrival.record, arrival.envelope.merchant_id, arrival.keep())


def trace(arrival: Arrival) -> tuple[Lane, Trace]:
    """The arrival as its lane's trail keeps it."""
    record = arrival.record
    return record.lane, Trace(record.sequence, record.chain, record.event_id, arrival.envelope.type)


def _events(group: Group, steps: Sequence[Step], arrivals: Mapping[int, Arrival]) -> list[AnyEvent]:
    events = []
    for step in steps:
        if step.action in (Action.APPLY, Action.ERASE):
            arrival = arrivals[id(step.record)]
            fact = group.fact_class(arrival.envelope.type)
            if fact is not None:
                events.append(arrival.event(fact))
    return events


def _judged(items: Sequence[Item]) -> list[Record | Signal]:
    return [item.record if isinstance(item, Arrival) else item for item in items]
