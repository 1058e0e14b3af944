"""The relay's rounds: fetch, send in order, advance by compare-and-set, watermarks."""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from libs.contracts.control import BusRewoundV1
from libs.eventbus import metrics
from libs.eventbus.answers import Hole, Jump, Send
from libs.eventbus.bus_records import bus_record
from libs.eventbus.outbox_reading import Advance, LaneKey, OutboxReader, Stored, Work
from libs.eventbus.port import Bus, Outgoing
from libs.eventbus.protocol import relay_plan
from libs.eventbus.transaction import Clock
from libs.eventbus.watermarks import Watermarks

_log = logging.getLogger(__name__)

ROUND_ROWS: Final = 2000
ROUND_BYTES: Final = 8 * 1024 * 1024
MEASURE_EVERY: Final = timedelta(seconds=5)


class Rounds:
    """One session's rounds: what it remembers of its lanes dies with it."""

    def __init__(
        self, source: str, *, bus: Bus, reader: OutboxReader, clock: Clock, new_id: Callable[[], UUID]
    ) -> None:
        self._source = source
        self._bus = bus
        self._reader = reader
        self._clock = clock
        self._new_id = new_id
        self._last_seen: dict[LaneKey, int] = {}
        self._holes: set[LaneKey] = set()
        self._watermarks = Watermarks(source, new_id)
        self._row_bytes = 0.0
        self._measured_at = clock.now()

    async def once(self) -> int:
        """Hands over one even share of each lane's backlog; how many rows that were."""
        work = await self._reader.work()
        sent = await self._hand_over(work) if work else 0
        await self._speak_of_heads({one.key for one in work})
        if not work:
            await self._reader.settle(self._clock.now())
        await self._measure()
        return sent

    async def _hand_over(self, work: Sequence[Work]) -> int:
        rows = await self._reader.rows(work, self._share(len(work)))
        records: list[Outgoing] = []
        moves: list[Advance] = []
        for one in work:
            self._plan_lane(one, rows[one.key], records, moves)
        await self._bus.append(records)
        self._remember(moves, records)
        await self._reader.advance(moves)
        metrics.HOLES.labels(self._source, self._bus.name).set(len(self._holes))
        return len(records)

    async def _measure(self) -> None:
        now = self._clock.now()
        if now - self._measured_at >= MEASURE_EVERY:
            self._measured_at = now
            metrics.UNPUBLISHED_SECONDS.labels(self._source, self._bus.name).set(await self._reader.oldest_seconds())

    def _share(self, lanes: int) -> int:
        """Rows per lane: 2,000 in all, fewer where the last ones were large."""
        budget = min(ROUND_ROWS, int(ROUND_BYTES / self._row_bytes) if self._row_bytes else ROUND_ROWS)
        return max(1, budget // lanes)

    def _plan_lane(self, work: Work, rows: Sequence[Stored], records: list[Outgoing], moves: list[Advance]) -> None:
        plan = relay_plan(
            [stored.row for stored in rows],
            cursor=work.published,
            floor=work.floor,
            head=work.head,
            last_seen=self._last_seen.get(work.key),
        )
        match plan:
            case Send(count, rewound_to, low, high):
                if rewound_to is not None:
                    records.append(self._rewound(work.key, rewound_to))
                records.extend(stored.outgoing for stored in rows[:count])
                moves.append(Advance(work.key, low, high))
                self._holes.discard(work.key)
                metrics.PUBLISHED.labels(self._source, work.key.topic).inc(count)
            case Jump(low, high):
                moves.append(Advance(work.key, low, high))
                metrics.JUMPS.labels(self._source, work.key.topic).inc()
                _log.error("eventbus_cursor_below_floor", extra={"lane": work.key, "from": low, "to": high})
            case Hole(expected):
                self._meet_hole(work.key, expected)

    def _meet_hole(self, lane: LaneKey, expected: int) -> None:
        # A cursor lowered since the last look points at days that the read left out: look again before an alarm.
        if not self._reader.look_everywhere() and lane not in self._holes:
            self._holes.add(lane)
            _log.critical("eventbus_hole_in_outbox", extra={"lane": lane, "expected": expected})

    def _remember(self, moves: Sequence[Advance], records: Sequence[Outgoing]) -> None:
        self._last_seen.update((move.key, move.high) for move in moves)
        self._watermarks.changed([move.key for move in moves], self._clock.now())
        if records:
            self._row_bytes = sum(len(record.payload) + len(record.headers) for record in records) / len(records)

    def _rewound(self, lane: LaneKey, to: int) -> Outgoing:
        now = self._clock.now()
        fact = BusRewoundV1(source=self._source, topic=lane.topic, lane=lane.lane, to=to, at=now)
        return bus_record(fact, source=self._source, topic=lane.topic, lane=lane.lane, now=now, new_id=self._new_id)

    async def _speak_of_heads(self, busy: set[LaneKey]) -> None:
        now = self._clock.now()
        if not self._watermarks.any_due(busy, now):
            return
        heads = await self._reader.heads()
        topics = {head.key.topic for head in heads}
        partitions = {topic: await self._bus.partitions(topic) for topic in topics}
        await self._bus.append(self._watermarks.records(heads, partitions, now))
