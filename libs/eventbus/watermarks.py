"""Watermarks: how far the lanes reach, told inside the partitions themselves, behind their data."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from uuid import UUID

from libs.contracts.control import BusWatermarkV1, LaneHead
from libs.eventbus.bus_records import bus_record
from libs.eventbus.outbox_reading import Head, LaneKey
from libs.eventbus.port import Outgoing
from libs.eventbus.protocol import watermark_due

_LONG_AGO = 0.0


class Watermarks:
    """Remembers when lanes changed and were last spoken of.

    A lane settles by itself: in a partition that never rests, a quiet lane's lost tail is found all the same.
    """

    def __init__(self, source: str, new_id: Callable[[], UUID]) -> None:
        self._source = source
        self._new_id = new_id
        self._changed: dict[LaneKey, float] = {}
        self._written: dict[LaneKey, float] = {}

    def changed(self, lanes: Collection[LaneKey], now: datetime) -> None:
        """Records of these lanes were appended."""
        self._changed.update(dict.fromkeys(lanes, now.timestamp()))

    def any_due(self, busy: Collection[LaneKey], now: datetime) -> bool:
        """Whether it is worth reading the heads."""
        if not self._changed:
            return True
        return any(self._due(lane, now.timestamp()) for lane in self._changed.keys() - busy)

    def records(self, heads: Sequence[Head], partitions: dict[str, int], now: datetime) -> list[Outgoing]:
        """One record for each partition with a lane that is due; `heads`: lanes that are handed over completely."""
        together: dict[tuple[str, int], list[Head]] = {}
        for head in heads:
            self._changed.setdefault(head.key, _LONG_AGO)
            together.setdefault((head.key.topic, head.key.lane % partitions[head.key.topic]), []).append(head)
        due = {place: lanes for place, lanes in together.items() if self._one_due(lanes, now.timestamp())}
        for lanes in due.values():
            self._written.update((head.key, now.timestamp()) for head in lanes)
        return [self._record(topic, number, lanes, now) for (topic, number), lanes in sorted(due.items())]

    def _one_due(self, heads: Sequence[Head], now: float) -> bool:
        return any(self._due(head.key, now) for head in heads)

    def _due(self, lane: LaneKey, now: float) -> bool:
        return watermark_due(changed_at=self._changed[lane], written_at=self._written.get(lane), drained=True, now=now)

    def _record(self, topic: str, partition: int, heads: Sequence[Head], now: datetime) -> Outgoing:
        lanes = {one.key.lane: LaneHead(one.epoch, one.floor, one.head, one.chain.hex()) for one in heads}
        fact = BusWatermarkV1(source=self._source, topic=topic, partition=partition, lanes=lanes, at=now)
        # Any lane of the partition leads into it.
        return bus_record(fact, source=self._source, topic=topic, lane=partition, now=now, new_id=self._new_id)
