"""The outbox's retention in the virtual world: floor, detach, look again, drop."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from libs.eventbus.answers import KeepAll
from libs.eventbus.protocol import floor_plan
from libs.eventbus.words import LaneNumber
from tests.sim.source import Source
from tests.sim.world import Body, Process


@dataclass(eq=False)
class Retention:
    """Drops expired children below the reported marks."""

    source: Source
    kept_days: int
    reported: dict[str, dict[LaneNumber, int]] = field(default_factory=dict)

    def body(self, process: Process) -> Body:
        world = self.source.world
        yield from self._finish_detached(self._floors())
        while True:
            yield 2.0 + 4.0 * world.random.random()
            days = [day for day in self.source.held_days() if day < self.source.day() - self.kept_days]
            plan = floor_plan(self.source.children(days), self.reported, self._floors(), capped=())
            yield world.moment()
            if isinstance(plan, KeepAll):
                continue
            going = [int(child.name) for child in plan.children]
            process.delicate = True
            self.source.raise_floors(plan.floors)
            yield 0.3 * world.random.random()
            self.source.detached.update(going)
            yield world.moment()
            yield from self._finish_detached(plan.floors)
            process.delicate = False

    def _floors(self) -> dict[LaneNumber, int]:
        return {(lane.topic, lane.number): state.floor for lane, state in self.source.lanes.items()}

    def _finish_detached(self, floors: Mapping[LaneNumber, int]) -> Body:
        """No child is left detached: dropped if nothing at or above the floor is in it, else attached again."""
        world = self.source.world
        for day in sorted(self.source.detached):
            yield world.moment()
            if all(highest < floors[lane] for lane, highest in self.source.highest(day).items()):
                self.source.drop(day)
                world.counts["injected outbox drops"] += 1
            else:
                world.counts["absorbed children attached again"] += 1
            self.source.detached.discard(day)
