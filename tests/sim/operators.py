"""Operators: they replay parked events, at times two at once, and accept the new epochs of restored sources."""

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from libs.eventbus.answers import Acceptance
from libs.eventbus.protocol_epochs import accept_plan
from libs.eventbus.words import Lane, Subject
from tests.sim.effects import ConsumerDatabase, Handler
from tests.sim.world import Aborted, Body, Process, Transaction


@dataclass(eq=False)
class Operators:
    """Replays a subject step by step: each step is one transaction under the lane's lock, lowest sequence first."""

    database: ConsumerDatabase
    handler: Handler

    def body(self, process: Process) -> Body:
        world = self.database.world
        while True:
            yield world.random.expovariate(1 / 3)
            subjects = sorted(self.database.open_subjects())
            if subjects:
                yield from self._replay(process, world.random.choice(subjects))

    def _replay(self, process: Process, subject: Subject) -> Body:
        done = False
        while not done:
            transaction = Transaction(self.database.locks, process)
            yield from transaction.lock([subject[0]])
            done = yield from self._step(transaction, subject)
            transaction.end()

    def _step(self, transaction: Transaction, subject: Subject) -> Generator[float, None, bool]:
        rows = self.database.open_rows(subject)
        yield self.database.world.moment()
        if not rows or self.handler.poison(rows[0].record) is not None:
            return True
        try:
            transaction.commit(partial(self.database.replay, rows[0]))
        except Aborted:
            return True
        return False


@dataclass(eq=False)
class Acceptances:
    """Accepts the epochs that halted lanes heard of, lane by lane, each in one transaction under the lane's lock."""

    database: ConsumerDatabase

    def body(self, process: Process) -> Body:
        world = self.database.world
        while True:
            yield world.random.expovariate(1 / 4)
            for lane in sorted(self.database.openings):
                transaction = Transaction(self.database.locks, process)
                yield from transaction.lock([lane])
                self._accept(transaction, lane)
                transaction.end()

    def _accept(self, transaction: Transaction, lane: Lane) -> None:
        opening = self.database.openings.get(lane)
        if opening is None or opening.opens is None:  # another operator was faster
            return
        plan = accept_plan(self.database.marks[lane], self.database.trail[lane], opening.opens)
        if isinstance(plan, Acceptance):
            with suppress(Aborted):
                transaction.commit(partial(self.database.accept, lane, plan))
        else:
            self.database.world.counts["seen strangers"] += 1
