"""The judge: it knows what the source committed and what took effect, and nothing of the protocol."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.eventbus.words import Lane, Record
from tests.sim.effects import ConsumerDatabase, Effect, Status
from tests.sim.mixes import Mix
from tests.sim.source import Committed, Source

DEATHS = 5 + 2  # five counted attempts, and one batch of each of two members before


@dataclass(frozen=True, slots=True)
class History:
    """One lane: what was committed, what took effect, and what was set aside."""

    lane: Lane
    committed: Sequence[Committed]
    effects: Sequence[Effect]
    aside: Sequence[Record]
    discarded: Collection[UUID]
    open: Collection[UUID]
    accepted_at: float | None
    """When an operator last accepted what the source forgot: what had been taken by then stays."""

    def taken(self) -> list[Record]:
        """Everything that the mark passed."""
        return [*(effect.record for effect in self.effects), *self.aside]

    def forgotten(self) -> bool:
        """Whether something was taken that is not at its place in the source's history, and nobody accepted that."""
        since = -1.0 if self.accepted_at is None else self.accepted_at
        taken = [effect.record for effect in self.effects if effect.at > since]
        taken += [record for record in self.aside if self.accepted_at is None or record.event_id in self.open]
        return any(self.known.get(record.sequence) != record for record in taken)

    @property
    def known(self) -> Mapping[int, Record]:
        """The source's history by place."""
        return {done.record.sequence: done.record for done in self.committed}


def histories(source: Source, database: ConsumerDatabase) -> list[History]:
    """The final state, lane by lane."""
    return [
        History(
            lane,
            state.history,
            [effect for effect in database.effects if effect.record.lane == lane],
            [row.record for place, row in database.parked.items() if place[0] == lane],
            {row.record.event_id for row in database.parked.values() if row.status is Status.DISCARDED},
            {row.record.event_id for row in database.parked.values() if row.status is Status.OPEN},
            database.accepted.get(lane),
        )
        for lane, state in source.lanes.items()
    ]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run is judged by, beside the histories."""

    mix: Mix
    drained: bool
    losses: Sequence[float]
    poisoned: Collection[UUID]
    in_log: Collection[tuple[Lane, int]]
    deaths: Mapping[UUID, int]
    holes: int
    naks: int
    disruptions: int


def check(source: Source, database: ConsumerDatabase, verdict: Verdict) -> list[str]:
    """Every broken promise, each beginning with its kind. Empty: the run is right."""
    lanes = histories(source, database)
    failures = [] if verdict.drained else ["not drained: not at rest within the bounded time"]
    failures += _false_stops(source, database, lanes, verdict)
    failures += _storms(verdict)
    failures += _wrongly_parked(database, verdict)
    failures += [f"kills on: {event_id} killed {n} times" for event_id, n in verdict.deaths.items() if n > DEATHS]
    if verdict.holes:
        failures.append("false stop: the relay stands before a hole")
    for history in lanes:
        stopped = database.group_halted is not None or history.lane in database.alarms
        failures += _twice(history)
        failures += _order(history)
        failures += _late(history, verdict)
        alarm = database.alarms.get(history.lane)
        if alarm and history.forgotten() and any(effect.at > alarm.at for effect in history.effects):
            failures.append(f"silent loss: lane {history.lane.number} went on after its stop")
        if not stopped and history.forgotten():
            failures.append(f"silent loss: lane {history.lane.number} goes on beside a forgotten history")
        if not stopped and verdict.drained:
            failures += _lost(history, verdict.poisoned)
    return failures


def _false_stops(
    source: Source, database: ConsumerDatabase, lanes: Sequence[History], verdict: Verdict
) -> Iterator[str]:
    for history in lanes:
        # A fact may be said again after the stop: what counts is that it was taken and forgotten.
        if history.lane in database.alarms and not source.forgotten.intersection(history.taken()):
            yield f"false stop: lane {history.lane.number}: {database.alarms[history.lane].reason}"
    if database.group_halted is not None:
        lane, reason = database.group_halted
        # Only what retention took and the log does not hold either is gone for good.
        wanted = database.marks[lane].sequence + 1
        if source.lanes[lane].floor <= wanted or (lane, wanted) in verdict.in_log:
            yield f"false stop: group, lane {lane.number}: {reason}"


def _wrongly_parked(database: ConsumerDatabase, verdict: Verdict) -> Iterator[str]:
    for row in database.parked.values():
        if row.record.erases:
            yield f"erasure parked: {row.record.key} {row.record.sequence}"
        if row.failed and row.record.event_id not in verdict.poisoned:
            yield f"healthy event parked: {row.record.key} {row.record.sequence}"


def _storms(verdict: Verdict) -> Iterator[str]:
    # A disruption costs each of the four lanes one request, seldom more.
    allowed = 0 if verdict.mix.asks_nothing else 4 + 4 * verdict.disruptions
    if verdict.naks > allowed:
        yield f"resend storm: {verdict.naks} rewinds asked, {verdict.disruptions} disruptions"


def _twice(history: History) -> Iterator[str]:
    times = Counter(effect.record.event_id for effect in history.effects)
    for event_id, count in times.items():
        if count > 1:
            yield f"twice: {event_id} in lane {history.lane.number} took effect {count} times"


def _order(history: History) -> Iterator[str]:
    last: dict[str, int] = {}
    known = history.known
    for effect in history.effects:
        if known.get(effect.record.sequence) != effect.record:
            continue  # its place is forgotten, and others may have been given the number since
        key, sequence = effect.record.key, effect.record.sequence
        if sequence < last.get(key, 0):
            yield f"out of order: {key}: {sequence} after {last[key]}"
        last[key] = sequence


def _lost(history: History, poisoned: Collection[UUID]) -> Iterator[str]:
    done = {effect.record.event_id for effect in history.effects}
    erased_at = {c.record.key: c.record.sequence for c in history.committed if c.record.erases}
    poisoned_from: dict[str, int] = {}
    for committed in history.committed:
        record = committed.record
        if record.event_id in poisoned:
            poisoned_from.setdefault(record.key, record.sequence)
        # An erasure discards what waits behind poison of the same key.
        erased = record.event_id in history.discarded and record.sequence < erased_at.get(record.key, 0)
        waited = record.sequence >= poisoned_from.get(record.key, record.sequence + 1)
        if record.event_id not in done and not (erased and waited):
            yield f"lost: {record.key} {record.sequence} in lane {history.lane.number}"


def _late(history: History, verdict: Verdict) -> Iterator[str]:
    if verdict.mix.heals_in is None:
        return
    committed = {done.record.sequence: done.at for done in history.committed}
    for effect in history.effects:
        since = max(
            [committed.get(effect.record.sequence, effect.at), *(at for at in verdict.losses if at <= effect.at)]
        )
        if effect.at - since > verdict.mix.heals_in:
            yield f"gap not healed: {effect.record.sequence} in lane {history.lane.number} {effect.at - since:.1f} s"
            return
