"""Watching the lanes that a consumer reads: what was seen goes in, what must be asked or stopped comes out."""

from collections.abc import Callable, Collection, Mapping, Sequence
from uuid import UUID

from libs.eventbus.answers import Demand, Seen
from libs.eventbus.protocol import watch
from libs.eventbus.protocol_epochs import first_of
from libs.eventbus.transaction import Clock
from libs.eventbus.words import Lane, LaneWatch, Mark, Progress, Tick


class Watching:
    """The soft state of all lanes; forgetting it is harmless."""

    def __init__(self, clock: Clock, new_id: Callable[[], UUID]) -> None:
        self._clock = clock
        self._new_id = new_id
        self._states: dict[Lane, LaneWatch] = {}

    def see(self, seen: Sequence[Seen]) -> list[Demand]:
        """The sights are taken in, in order."""
        demands: list[Demand] = []
        moved: dict[Lane, Mark] = {}
        for one in seen:
            if isinstance(one.sight, Progress):
                moved[one.lane] = one.mark  # of a run of progress only the last matters
                continue
            self._settle(moved, one.lane)
            demands += self._watch(one.lane, one.mark, one, nonce="")
        for lane in list(moved):
            self._settle(moved, lane)
        return demands

    def restless(self, known: Mapping[Lane, Mark], lanes: Collection[Lane]) -> list[Lane]:
        """Those of the lanes that wait for something; all others need no tick."""
        return [lane for lane in lanes if lane in self._states and _waits(self._states[lane], known[lane])]

    def release(self, lanes: Mapping[Lane, int]) -> None:
        """Nothing of the lanes is remembered but that the epochs they are let into have begun."""
        now = self._clock.now().timestamp()
        for lane, epoch in lanes.items():
            self._states[lane] = LaneWatch(lane, progressed_at=now, high=first_of(epoch))

    def high(self, lane: Lane) -> int:
        """The highest sequence of the lane that was heard of."""
        return self._states[lane].high

    def tick(self, lanes: Mapping[Lane, bool], known: Mapping[Lane, Mark]) -> list[Demand]:
        """Time passed for these lanes; true where nothing of their partition is unread."""
        demands: list[Demand] = []
        for lane, at_end in lanes.items():
            seen = Seen(lane, known[lane], Tick(at_end))
            demands += self._watch(lane, known[lane], seen, nonce=self._new_id().hex)
        return demands

    def _settle(self, moved: dict[Lane, Mark], lane: Lane) -> None:
        mark = moved.pop(lane, None)
        if mark is not None:
            self._watch(lane, mark, Seen(lane, mark, Progress()), nonce="")

    def _watch(self, lane: Lane, mark: Mark, seen: Seen, *, nonce: str) -> Sequence[Demand]:
        now = self._clock.now().timestamp()
        state = self._states.get(lane) or LaneWatch(lane, progressed_at=now)
        self._states[lane], demands = watch(state, mark, seen.sight, now=now, nonce=nonce)
        return demands


def _waits(state: LaneWatch, mark: Mark) -> bool:
    return state.high > mark.sequence or state.suspected or state.rereading is not None
