"""Applying what was read: together if possible, event by event where something fails, parked where nothing helps."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from libs.eventbus import batch, metrics
from libs.eventbus.answers import BatchPlan, Remedy, Seen
from libs.eventbus.arrivals import Arrival, Item, clean
from libs.eventbus.breaker import Breaker
from libs.eventbus.errors import GroupStopped, OutboxUnusable
from libs.eventbus.failures import Backoff, classify
from libs.eventbus.group_transactions import GroupTransactions
from libs.eventbus.protocol import is_careful, on_batch_failure, on_failure
from libs.eventbus.transaction import Clock
from libs.eventbus.words import Failure, Gap, Lane, Mark, Progress, Suspicion

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

ALARM_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Failed:
    """One try at one event that came to nothing."""

    kind: Failure
    error: str


@dataclass(slots=True)
class Applier:
    """Carries batches into the service's database, one at a time."""

    transactions: GroupTransactions
    clock: Clock
    backoff: Backoff
    ended_cleanly: bool = True
    known: dict[Lane, Mark] = field(default_factory=dict)
    """Marks as last seen; another owner of a partition may have moved them on since."""
    halted: dict[Lane, int] = field(default_factory=dict)
    """Stopped lanes, each with the newest epoch that was heard of since."""
    stopped_here: set[Lane] = field(default_factory=set)
    """Those that this process alone stopped, since it could not erase: a restart tries again."""
    failing_since: float | None = None
    """Since when the same work has been failing; while it does, nobody may rebuild the consumer."""
    _done: int = field(default=0, init=False)
    _breaker: Breaker = field(init=False)

    def __post_init__(self) -> None:
        self._breaker = Breaker(self._name)

    @property
    def _name(self) -> str:
        return self.transactions.group.name

    async def apply(self, items: Sequence[Item]) -> list[Seen]:
        """Every item is durably applied or parked, or dropped; what was seen is returned for the watch.

        Transient failures are retried without limit. Raises: GroupStopped, OutboxUnusable.
        """
        if not await self._any_next(items):
            return self._noted(batch.plan(items, self.known, self.halted))
        return await self._in_one(items)

    async def halt_for_good(self, lane: Lane, reason: str) -> None:
        """The lane waits for an operator; a restart does not change that."""
        await self.surely(lambda: self.transactions.halt(lane, reason))
        self.halt(lane, reason)
        self.stopped_here.discard(lane)

    def halt(self, lane: Lane, reason: str) -> None:
        """The lane's records are dropped from now on, as long as this process lives."""
        self.stopped_here.add(lane)
        self.halted.setdefault(lane, 0)
        metrics.HALTED_LANES.labels(self._name).set(len(self.halted))
        _log.critical("eventbus_lane_halted", extra={"group": self._name, "lane": str(lane), "reason": reason})

    def stand(self, known: Mapping[Lane, Mark], halted: Mapping[Lane, int]) -> None:
        """Marks and halted lanes are as the database has them; what this process alone stopped stays stopped."""
        self.known = dict(known)
        self.halted = {**dict.fromkeys(self.stopped_here, 0), **halted}
        metrics.HALTED_LANES.labels(self._name).set(len(self.halted))

    async def _any_next(self, items: Sequence[Item]) -> bool:
        """Whether a transaction is worth opening: duplicates and gaps need none."""
        if batch.any_next(items, self.known):
            return True
        if not batch.any_beyond(items, self.known):
            return False
        # It looks like a gap: a former owner of the partition may have moved the mark since it was last seen.
        self.known.update(await self.surely(self.transactions.read_marks))
        return batch.any_next(items, self.known)

    async def _in_one(self, items: Sequence[Item]) -> list[Seen]:
        if is_careful(ended_cleanly=self.ended_cleanly, done_since_start=self._done):
            return await self._carefully(items)
        return await self._together(items)

    async def _together(self, items: Sequence[Item]) -> list[Seen]:
        tried = blamed = 0
        while True:
            tried += 1
            try:
                return self._noted(await self.transactions.apply(items, known=self.known, halted=self.halted))
            except (GroupStopped, OutboxUnusable):
                raise
            except Exception as failure:  # nothing was committed; what to do depends on its kind alone
                kind = self._note_failure(failure).kind
            remedy, blamed = await self._batch_remedy(kind, blamed)
            if remedy is not Remedy.RETRY:
                return await self._apart(items, remedy)
            await self.backoff.pause(blamed or tried)

    async def _carefully(self, items: Sequence[Item]) -> list[Seen]:
        """The batch is applied with an attempt counted at each of its events, or singly if one was tried before."""
        tried = blamed = 0
        while await self.surely(lambda: self.transactions.count_batch(items, halted=self.halted)):
            tried += 1
            try:
                plan = await self.transactions.apply_counted(items, known=self.known, halted=self.halted)
            except (GroupStopped, OutboxUnusable):
                raise
            except Exception as failure:  # the process lives: whatever it was, no event killed it
                kind = self._note_failure(failure).kind
            else:
                self._done += len(plan.steps)
                return self._noted(plan)
            await self.surely(lambda: self.transactions.take_back(items))
            remedy, blamed = await self._batch_remedy(kind, blamed)
            if remedy is not Remedy.RETRY:
                return await self._apart(items, remedy)
            await self.backoff.pause(blamed or tried)
        return await self._singly(items)

    async def _apart(self, items: Sequence[Item], remedy: Remedy) -> list[Seen]:
        """The batch's parts one after the other, each as large as it can be applied: order per subject holds."""
        if remedy is Remedy.SINGLE or len(items) < 2:
            return await self._singly(items)
        seen, middle = list[Seen](), len(items) // 2
        for half in (items[:middle], items[middle:]):
            if len(half) == 1:
                seen += await self._singly(half)
            elif batch.any_next(half, self.known):
                seen += await self._in_one(half)
            else:
                seen += self._noted(batch.plan(half, self.known, self.halted))
        return seen

    async def _singly(self, items: Sequence[Item]) -> list[Seen]:
        seen: list[Seen] = []
        for item in items:
            if isinstance(item, Arrival) and batch.any_next([item], self.known) and item.lane not in self.halted:
                seen += await self._one(item)
                self._done += 1
            else:
                seen += self._noted(batch.plan([item], self.known, self.halted))
        return seen

    async def _one(self, arrival: Arrival) -> list[Seen]:
        """The event alone, until it is applied, parked, or its lane halted: the next one never overtakes it."""
        tries = 0
        while True:
            tries += 1
            counted = await self.surely(lambda: self.transactions.count(arrival))
            outcome = await self._try(arrival, counted, tries)
            if not isinstance(outcome, _Failed):
                return self._noted(outcome)
            match await self._remedy(arrival, outcome, counted):
                case Remedy.PARK:
                    return await self._park(arrival, outcome.error)
                case Remedy.HALT:
                    self.halt(arrival.lane, outcome.error)
                    return []
                case Remedy.RETRY if counted is not None:
                    await self.surely(lambda: self.transactions.take_back([arrival]))
            await self.backoff.pause(tries)

    async def _try(self, arrival: Arrival, counted: int | None, tries: int) -> BatchPlan | _Failed:
        died = (counted or 0) - tries
        if died > 0:
            # Counted before this process met it: those attempts did not end. The death that made this process
            # careful is one more: it came with a batch, before anything was counted.
            verdict = on_failure(arrival.record, Failure.DIED, attempts=died + 1, database_works=True)
            if verdict is not Remedy.AGAIN:
                return _Failed(Failure.PERMANENT, f"{died} attempts did not come to an end")
        try:
            return await self.transactions.apply_counted([arrival], known=self.known, halted=self.halted)
        except (GroupStopped, OutboxUnusable):
            raise
        except Exception as failure:
            return self._note_failure(failure)

    async def _batch_remedy(self, kind: Failure, blamed: int) -> tuple[Remedy, int]:
        """What to do, and how often in a row the batch has failed now while the database worked."""
        works = kind is not Failure.TIMEOUT or await self.transactions.database_works()
        blamed = blamed + 1 if works else 0
        return on_batch_failure(kind, attempts=blamed, database_works=works), blamed

    async def _remedy(self, arrival: Arrival, failed: _Failed, counted: int | None) -> Remedy:
        works = failed.kind is not Failure.TIMEOUT or await self.transactions.database_works()
        return on_failure(arrival.record, failed.kind, attempts=counted or 0, database_works=works)

    async def _park(self, arrival: Arrival, error: str) -> list[Seen]:
        mark = await self.surely(lambda: self.transactions.park(arrival, error))
        if mark is None:
            return []
        self.known[arrival.lane] = mark
        self.failing_since = None
        metrics.PARKED.labels(self._name, "failed").inc()
        _log.error("eventbus_event_parked", extra={"group": self._name, "event_id": str(arrival.envelope.id)})
        self._breaker.failed(arrival.record.subject)
        return [Seen(arrival.lane, mark, Progress())]

    async def surely(self, step: Callable[[], Awaitable[_T]]) -> _T:
        """The step's result; outages are waited out, anything else is a defect of this code and raised."""
        tried = 0
        while True:
            tried += 1
            try:
                return await step()
            except Exception as failure:
                if self._note_failure(failure).kind is Failure.PERMANENT:
                    raise
            await self.backoff.pause(tried)

    def _note_failure(self, failure: Exception) -> _Failed:
        kind, now = classify(failure), self.clock.now().timestamp()
        self.failing_since = now if self.failing_since is None else self.failing_since
        metrics.RETRIES.labels(self._name, kind.name.lower()).inc()
        metrics.RETRYING_SECONDS.labels(self._name).set(now - self.failing_since)
        level = logging.ERROR if now - self.failing_since >= ALARM_SECONDS else logging.WARNING
        _log.log(level, "eventbus_try_failed", extra={"group": self._name, "kind": kind.name, "error": _words(failure)})
        return _Failed(kind, _words(failure))

    def _noted(self, plan: BatchPlan) -> list[Seen]:
        self.known.update(plan.marks)
        if self.failing_since is not None:
            self.failing_since = None
            metrics.RETRYING_SECONDS.labels(self._name).set(0)
        self._breaker.applied(step.record.subject for step in plan.steps)
        metrics.APPLIED.labels(self._name).inc(len(plan.steps))
        metrics.DUPLICATES.labels(self._name).inc(plan.skipped)
        for seen in plan.seen:
            if isinstance(seen.sight, Gap):
                metrics.OUT_OF_ORDER.labels(self._name).inc()
            elif isinstance(seen.sight, Suspicion):
                metrics.SUSPICIONS.labels(self._name).inc()
        return list(plan.seen)


def _words(failure: Exception) -> str:
    """The failure in a line, without the statement's parameters: they hold personal data."""
    original = getattr(failure, "orig", None) or failure
    return clean(f"{type(original).__name__}: {original}"[:500])
