"""One session of a consumer: fetch, sort out, apply, commit the offsets, watch the lanes."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from libs.eventbus import arrivals, garbage, metrics
from libs.eventbus.answers import Demand, HaltGroup, HaltLane, Reread, Seen
from libs.eventbus.applying import Applier
from libs.eventbus.arrivals import Arrival, Garbage, Item
from libs.eventbus.control import Requests
from libs.eventbus.errors import HistoryLost
from libs.eventbus.lanes import epoch_of
from libs.eventbus.port import Arrived, Bus, Fetched, Partition, Subscription
from libs.eventbus.waiting import wait
from libs.eventbus.watching import Watching
from libs.eventbus.words import Lane, Mark, Nak, Opened, Progress, Record, Verify

_log = logging.getLogger(__name__)


REPORT_EVERY: Final = timedelta(hours=1)
LOOK_EVERY: Final = timedelta(seconds=0.5)


@dataclass(slots=True)
class Vitals:
    """Signs of life, for the watchdog."""

    progressed_at: datetime | None = None
    """When something was last taken in, or nothing owned was found unread."""
    taken: int = 0
    """How many records were taken in."""


@dataclass(frozen=True, slots=True)
class BatchSize:
    """How much a group takes at once: a batch of ten costs hardly less than one of a hundred."""

    records: int = 500
    gather_seconds: float = 0.0
    """After less than half of that, how long the next batch may grow before it is fetched."""


class Reading:
    """The rounds of one session; what it remembers of its lanes dies with it."""

    def __init__(
        self, applier: Applier, *, bus: Bus, new_id: Callable[[], UUID], vitals: Vitals, batch: BatchSize
    ) -> None:
        self._applier = applier
        self._group = applier.transactions.group
        self._bus = bus
        self._clock = applier.clock
        self._vitals = vitals
        self._batch_records, self._gather_seconds = batch.records, batch.gather_seconds
        self._watching = Watching(applier.clock, new_id)
        self._requests = Requests(self._group.name, bus, applier.clock, new_id)
        self._partitions: dict[str, int] = {}
        self._reread: set[Partition] = set()
        self._withheld: dict[Partition, int] = {}
        self._looked_at = self._reported_at = applier.clock.now()

    async def report(self) -> None:
        """Every source knows the group and where it stands."""
        self._reported_at = self._clock.now()
        await self._requests.report(self._applier.known)

    async def rounds(self, subscription: Subscription, stop: asyncio.Event) -> None:
        """Batch after batch until `stop`; after a large one the next is fetched while it is applied.

        After a small one nothing else was there: what comes while it is applied is fetched then, instead of waiting for
        a batch that was fetched too early, and given time to grow first, if the group may take it.
        """
        ahead = asyncio.create_task(subscription.fetch(self._batch_records))
        try:
            while not stop.is_set():
                fetched = await ahead
                if 0 < len(fetched.records) < self._batch_records // 2:
                    await self._round(fetched, subscription)
                    if self._gather_seconds:
                        await wait(stop, self._gather_seconds)
                    ahead = asyncio.create_task(subscription.fetch(self._batch_records))
                else:
                    ahead = asyncio.create_task(subscription.fetch(self._batch_records))
                    await self._round(fetched, subscription)
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

    async def _round(self, fetched: Fetched, subscription: Subscription) -> None:
        """What one fetch brought is applied, its offsets are committed, and waiting lanes had their tick."""
        # Fetched before the last round asked for a re-read: of those partitions it saw no end.
        ended, self._reread = fetched.ended - self._reread, set()
        if fetched.records:
            await self._take(fetched, subscription)
        if fetched.records or fetched.ended >= subscription.owned():
            self._vitals.progressed_at = self._clock.now()
        await self._tick(ended - self._reread, subscription)

    async def _take(self, fetched: Fetched, subscription: Subscription) -> None:
        items, broken = self._sorted_out(fetched.records)
        seen = await self._applier.apply(items)
        for one in broken:
            await self._take_garbage(one)
        self._vitals.taken += len(fetched.records)
        self._note_lag(items)
        for sight in (one.sight for one in seen):
            if isinstance(sight, Opened):
                await self._keep_opening(sight.record)
        await self._obey(self._watching.see(seen), subscription)
        self._withheld.update(fetched.positions)
        # Every batch, though offsets are only where reading starts: it also tells the transport that the batch is done.
        await self._commit(subscription)

    async def _commit(self, subscription: Subscription) -> None:
        """The positions of partitions in which no lane waits for anything are committed; the others are withheld.

        What told of a gap was dropped: whoever reads on after this process died must meet it again.
        """
        known, owned = self._applier.known, subscription.owned()
        waiting = {await self._partition(lane) for lane in self._watching.restless(known, known)}
        settled = {partition: offset for partition, offset in self._withheld.items() if partition not in waiting}
        self._withheld = {one: offset for one, offset in self._withheld.items() if one in waiting and one in owned}
        await subscription.commit(settled)

    def _sorted_out(self, records: Sequence[Arrived]) -> tuple[list[Item], list[Garbage]]:
        items: list[Item] = []
        broken: list[Garbage] = []
        behind, sources, known = 0, self._group.sources, self._applier.known
        for record in records:
            if arrivals.is_behind(record, sources, known):
                behind += 1
                continue
            found = arrivals.read(record, sources)
            if isinstance(found, Arrival):
                items.append(found)
            elif isinstance(found, Garbage):
                broken.append(found)
            else:
                items.extend(found)
        if behind:
            metrics.DUPLICATES.labels(self._group.name).inc(behind)
        return items, broken

    async def _take_garbage(self, found: Garbage) -> None:
        metrics.GARBAGE.labels(self._group.name).inc()
        moved = await self._applier.surely(lambda: self._keep_garbage(found))
        self._applier.known.update(moved)

    async def _keep_garbage(self, found: Garbage) -> dict[Lane, Mark]:
        async with self._applier.transactions.begin() as transaction:
            return await garbage.take(transaction.connection, self._group.name, found)

    async def _keep_opening(self, record: Record) -> None:
        await self._applier.surely(lambda: self._applier.transactions.keep_opening(record))
        self._applier.halted[record.lane] = epoch_of(record.sequence)

    async def _release(self) -> None:
        """Lanes that an operator let go on are read again, from where their marks stand now."""
        halted = await self._applier.transactions.halted()
        released = self._applier.halted.keys() - halted.keys() - self._applier.stopped_here
        if released:
            epochs = {lane: self._applier.halted[lane] for lane in released}
            self._applier.stand(await self._applier.transactions.read_marks(), halted)
            self._watching.release(epochs)

    async def _tick(self, ended: Collection[Partition], subscription: Subscription) -> None:
        now = self._clock.now()
        if now - self._reported_at >= REPORT_EVERY:
            await self.report()
        if now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = now
        if self._applier.halted:
            await self._release()
        restless = self._watching.restless(self._applier.known, self._applier.known)
        if restless:
            await self._refresh(restless)
            at_end = {lane: await self._partition(lane) in ended for lane in restless}
            await self._obey(self._watching.tick(at_end, self._applier.known), subscription)
            if any(at_end.values()):
                # Another owner may have closed the gap: nothing that follows would commit what was withheld for it.
                await self._commit(subscription)

    async def _refresh(self, lanes: Sequence[Lane]) -> None:
        """Marks as they are now: asking for what another owner applied meanwhile would start a storm."""
        present = await self._applier.transactions.read_marks()
        moved = [lane for lane in lanes if present[lane].sequence > self._applier.known[lane].sequence]
        self._applier.known.update(present)
        self._watching.see([Seen(lane, present[lane], Progress()) for lane in moved])

    async def _obey(self, demands: Sequence[Demand], subscription: Subscription) -> None:
        for demand in demands:
            match demand:
                case Nak() | Verify():
                    await self._ask(demand)
                case Reread(lane):
                    partition = await self._partition(lane)
                    self._reread.add(partition)
                    subscription.reread(partition)
                case HaltLane(lane, reason, opening):
                    await self._applier.halt_for_good(lane, reason)
                    if opening is not None:
                        await self._keep_opening(opening)
                case HaltGroup(lane, reason):
                    raise HistoryLost(
                        f"{self._group.name}, lane {lane.number} of {lane.topic}: {reason}; start the group from "
                        f"{lane.source}'s snapshot, GET /v1/ops/snapshots/{lane.topic}"
                    )

    async def _ask(self, request: Nak | Verify) -> None:
        asked = metrics.REWINDS_ASKED if isinstance(request, Nak) else metrics.VERIFIES_ASKED
        asked.labels(self._group.name).inc()
        _log.warning("eventbus_source_asked", extra={"group": self._group.name, "request": str(request)})
        if isinstance(request, Nak):
            await self._applier.transactions.note_gap(request.lane, self._watching.high(request.lane))
        await self._requests.ask(request)

    async def _partition(self, lane: Lane) -> Partition:
        if lane.topic not in self._partitions:
            self._partitions[lane.topic] = await self._bus.partitions(lane.topic)
        return Partition(lane.topic, lane.number % self._partitions[lane.topic])

    def _note_lag(self, items: Sequence[Item]) -> None:
        recorded = [item.envelope.recorded_at for item in items if isinstance(item, Arrival)]
        if recorded:
            metrics.LAG_SECONDS.labels(self._group.name).set((self._clock.now() - min(recorded)).total_seconds())
