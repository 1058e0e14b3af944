"""What an operator does with a lane whose source was restored: see what was forgotten, and accept it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus import attempts, forgotten, halts, marks, trail
from libs.eventbus.answers import Acceptance, Stranger
from libs.eventbus.errors import EpochUnknown, HistoriesApart, NotHalted
from libs.eventbus.halts import Halted
from libs.eventbus.protocol_epochs import accept_plan
from libs.eventbus.words import Lane, Trace

# What was parked of the forgotten never took effect: said again under the same id it shall, so its id is not kept.
_DISCARD = text("""
UPDATE parked_event SET status = 'discarded', resolved_at = now(), resolved_by = :by, reason = :reason
WHERE consumer_group = :group AND source = :source AND topic = :topic AND lane = :lane AND status = 'parked'
AND seq = ANY(CAST(:seqs AS int8[])) RETURNING seq
""")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A halted lane with what its source forgot; None as long as no new epoch was heard of, or none can be accepted."""

    halted: Halted
    mark: int
    plan: Acceptance | Stranger | None


async def pending(connection: AsyncConnection, group: str) -> list[Forgotten]:
    """The group's halted lanes, and what accepting their new epoch would mean."""
    known = await marks.read(connection, group)
    found = []
    for one in await halts.listed(connection, group):
        passed = await trail.read(connection, group, one.lane)
        plan = accept_plan(known[one.lane], passed, one.opening) if one.opening else None
        found.append(Forgotten(one, known[one.lane].sequence, plan))
    return found


async def accept(connection: AsyncConnection, group: str, lane: Lane, *, by: str, reason: str) -> Sequence[Trace]:
    """The lane goes on in its source's new epoch; what took effect and was forgotten is returned.

    Raises: NotHalted; EpochUnknown: no new epoch was heard of yet; HistoriesApart.
    """
    mark = (await marks.lock(connection, group, [lane])).get(lane)
    halted = next((one for one in await halts.listed(connection, group) if one.lane == lane), None)
    if mark is None or halted is None:
        raise NotHalted(f"{lane} of {group} is not halted")
    if halted.opening is None:
        raise EpochUnknown(f"{lane.source} has not started a new epoch in lane {lane.number} yet")
    plan = accept_plan(mark, await trail.read(connection, group, lane), halted.opening)
    if isinstance(plan, Stranger):
        raise HistoriesApart(f"no place in lane {lane.number} is remembered that {lane.source} still knows")
    return await _carry_out(connection, group, lane, plan, by=by, reason=reason)


async def _carry_out(
    connection: AsyncConnection, group: str, lane: Lane, plan: Acceptance, *, by: str, reason: str
) -> Sequence[Trace]:
    place = {"group": group, "source": lane.source, "topic": lane.topic, "lane": lane.number}
    sequences = [trace.sequence for trace in plan.forgotten]
    parked = await connection.scalars(_DISCARD, {**place, "seqs": sequences, "by": by, "reason": reason})
    waiting = set(parked)
    effective = [trace for trace in (*plan.unsure, *plan.forgotten) if trace.sequence not in waiting]
    await forgotten.keep(connection, group, lane, effective, by=by, reason=reason)
    await attempts.forget_lane(connection, group, lane)
    await trail.cut(connection, group, lane, after=plan.resume)
    await halts.end(connection, group, lane)
    await marks.store(connection, group, {lane: plan.resume})
    return effective
