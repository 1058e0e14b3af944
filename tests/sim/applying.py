"""Applying what was read in the virtual world: together, or event by event after a failure or an unclean end."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from libs.eventbus.answers import Action, BatchPlan, Remedy, Seen
from libs.eventbus.protocol import is_careful, on_batch_failure, on_failure, plan_batch
from libs.eventbus.words import Failure, Lane, Progress, Record, Signal
from tests.sim.effects import ConsumerDatabase, Handler
from tests.sim.world import Aborted, Body, Process, Transaction

Items: TypeAlias = Sequence[Record | Signal]
Seens: TypeAlias = tuple[Seen, ...]
Work: TypeAlias = Generator[float, None, Seens]
HANDLED = (Action.APPLY, Action.ERASE)


class Failed(Exception):
    """The handler failed; its transaction is rolled back."""

    def __init__(self, kind: Failure) -> None:
        super().__init__(kind.name)
        self.kind = kind


@dataclass(eq=False)
class Applier:
    """One process's way into the consumer's database. `halted` is what it knows of halted lanes: a moment old."""

    database: ConsumerDatabase
    handler: Handler
    process: Process
    ended_cleanly: bool
    latency: float
    halted: dict[Lane, int] = field(default_factory=dict)
    done: int = 0

    def halt(self, lane: Lane, reason: str) -> None:
        """This process drops the lane's records from now on, and says so loudly."""
        self.halted.setdefault(lane, 0)
        self.database.alarm(lane, reason)

    def apply(self, items: Items) -> Work:
        """Every item is applied, parked or dropped once this generator has ended."""
        blamed, careful = 0, is_careful(ended_cleanly=self.ended_cleanly, done_since_start=self.done)
        while not careful or (yield from self._count_batch(items)):
            transaction = Transaction(self.database.locks, self.process)
            remedy = Remedy.RETRY
            try:
                return (yield from self._batch(transaction, items))
            except Aborted:
                self.database.world.counts["absorbed lost sessions"] += 1
            except Failed as failed:
                self._count_failure(failed.kind)
                works = self.handler.works()
                blamed = blamed + 1 if works else 0
                remedy = on_batch_failure(failed.kind, attempts=blamed, database_works=works)
            transaction.end()
            if careful:
                self._take_back(items)
            if remedy is Remedy.HALVES and len(items) > 1:
                return (yield from self._by_halves(items))
            if remedy is not Remedy.RETRY:
                break
            yield self._pause()
        return (yield from self._singly(items))

    def _by_halves(self, items: Items) -> Work:
        first = yield from self.apply(items[: len(items) // 2])
        second = yield from self.apply(items[len(items) // 2 :])
        return first + second

    def _batch(self, transaction: Transaction, items: Items) -> Work:
        yield from transaction.lock(sorted({item.lane for item in items}))
        plan = self._plan(items)
        yield self.database.world.moment() + self.latency
        yield from self._handle(plan)
        transaction.commit(partial(self.database.write, plan))
        self.done += len(plan.steps)
        return plan.seen

    def _count_batch(self, items: Items) -> Generator[float, None, bool]:
        """An attempt is counted at each event that is next, in a transaction of its own; False if one was tried."""
        while True:
            transaction = Transaction(self.database.locks, self.process)
            yield from transaction.lock(sorted({item.lane for item in items}))
            yield self.database.world.moment()
            places = [
                (step.record.lane, step.record.sequence) for step in self._plan(items).steps if step.action in HANDLED
            ]
            if any(self.database.attempts[place] for place in places):
                transaction.end()
                return False
            try:
                transaction.commit(partial(self.database.attempts.update, places))
                return True
            except Aborted:
                transaction.end()
                yield self._pause()

    def _take_back(self, items: Items) -> None:
        for item in items:
            if isinstance(item, Record) and self.database.attempts[item.lane, item.sequence]:
                self.database.attempts[item.lane, item.sequence] -= 1

    def _plan(self, items: Items) -> BatchPlan:
        open_subjects = self.database.open_subjects()
        return plan_batch(self.database.marks, open_subjects, self.halted, self.database.kept, items)

    def _handle(self, plan: BatchPlan) -> Body:
        handled = [step.record for step in plan.steps if step.action in HANDLED]
        if not handled:
            return
        failure = self.handler.hiccup() or self.handler.handle(handled)
        if failure is Failure.TIMEOUT:
            yield 1.0
        if failure is not None:
            raise Failed(failure)

    def _singly(self, items: Items) -> Work:
        seen: Seens = ()
        for item in items:
            seen += yield from self._one(item)
            self.done += isinstance(item, Record)
        return seen

    def _one(self, item: Record | Signal) -> Work:
        """One item in its own transaction, as often as it takes: the next one is never tried before."""
        while True:
            transaction = Transaction(self.database.locks, self.process)
            try:
                yield from transaction.lock([item.lane])
                seen = yield from self._try_one(transaction, item)
            except Aborted:
                seen = None
            transaction.end()
            if seen is not None:
                return seen
            yield self._pause()

    def _try_one(self, transaction: Transaction, item: Record | Signal) -> Generator[float, None, Seens | None]:
        plan = self._plan([item])
        if not isinstance(item, Record) or not plan.steps or plan.steps[0].action not in HANDLED:
            transaction.commit(partial(self.database.write, plan))
            return plan.seen
        attempts = self.database.attempts[item.lane, item.sequence]
        remedy = on_failure(item, Failure.DIED, attempts=attempts, database_works=True)
        if remedy is Remedy.AGAIN:
            failure = yield from self._counted(transaction, item, plan)
            if failure is None:
                return plan.seen
            remedy = failure
        if remedy in (Remedy.RETRY, Remedy.AGAIN):
            return None
        return self._set_aside(transaction, item, remedy)

    def _counted(
        self, transaction: Transaction, record: Record, plan: BatchPlan
    ) -> Generator[float, None, Remedy | None]:
        """Apply one event; its attempt is committed before, in a transaction of its own, under the lane's lock."""
        attempts, place = self.database.attempts, (record.lane, record.sequence)
        attempts[place] += 1
        yield self.database.world.moment()
        try:
            yield from self._handle(plan)
            transaction.commit(partial(self.database.write, plan))
            return None
        except (Failed, Aborted) as failed:
            kind = failed.kind if isinstance(failed, Failed) else Failure.TRANSIENT
            self._count_failure(kind)
            remedy = on_failure(record, kind, attempts=attempts[place], database_works=self.handler.works())
        if remedy is Remedy.RETRY:
            attempts[place] = max(0, attempts[place] - 1)
        return remedy

    def _set_aside(self, transaction: Transaction, record: Record, remedy: Remedy) -> Seens:
        """The event is parked and the mark passes it in one commit, or the lane stops."""
        after = self.database.marks[record.lane].after(record)
        if remedy is Remedy.HALT:
            self.halt(record.lane, "an erasure can't be applied")
            return ()
        transaction.commit(partial(self.database.set_aside, record, after))
        return (Seen(record.lane, after, Progress()),)

    def _count_failure(self, kind: Failure) -> None:
        self.database.world.counts[f"absorbed {kind.name.lower()} failures"] += 1

    def _pause(self) -> float:
        return 0.2 + 0.3 * self.database.world.random.random()
