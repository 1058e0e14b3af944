"""The worker's task that turns stored deliveries into orders and facts, in batches, one by one where a batch fails."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final, Protocol

from libs.eventbus.failures import Backoff, classify
from libs.eventbus.words import Failure
from libs.servicekit.logs import logger
from libs.servicekit.waiting import wait_for_stop
from services.order_ingest.application.normalise_deliveries import PARKED, Batch, Outcome, normalise
from services.order_ingest.application.read_entry import Reader

BATCH: Final = 500
_IDLE_SECONDS: Final = (0.02, 0.1)
_log = logger(__name__)


class ClaimedBatch(Batch, Protocol):
    """A batch that knows its lanes."""

    @property
    def lanes(self) -> Mapping[int, int]: ...


class Intake(Protocol):
    """Opens batches; each is one transaction that commits when its block ends well."""

    def begin(self, *, limit: int) -> AbstractAsyncContextManager[ClaimedBatch]: ...

    def begin_next(self, lane: int) -> AbstractAsyncContextManager[ClaimedBatch]: ...


@dataclass(slots=True)
class Normaliser:
    """Works on the intake until it is told to stop. Several may run: each takes lanes that no other holds."""

    intake: Intake
    reader: Reader
    backoff: Backoff = field(default_factory=Backoff)
    limit: int = BATCH
    counted: Callable[[Mapping[str, int]], None] = lambda _: None

    async def run(self, stop: asyncio.Event) -> None:
        """Deliveries are normalised as they come; an outage is waited out, a bad delivery is parked."""
        failures, pause = 0, _IDLE_SECONDS[0]
        while not stop.is_set():
            try:
                busy = await self.step()
                failures = 0
            except Exception as error:  # whatever it was, nothing was committed: the lanes stand where they stood
                failures += 1
                _log.error("normaliser_round_failed", error_type=type(error).__name__, exc_info=error)
                await wait_for_stop(stop, self.backoff.seconds(failures))
                continue
            pause = _IDLE_SECONDS[0] if busy else min(pause * 2, _IDLE_SECONDS[1])
            if not busy:
                await wait_for_stop(stop, pause)

    async def drain(self) -> None:
        """Nothing is left in the lanes that can be claimed now."""
        while await self.step():
            pass

    async def step(self) -> int:
        """One batch is normalised; how many deliveries it had.

        A batch that fails for good is redone one by one, to find the delivery that spoils it.
        """
        lanes: Mapping[int, int] = {}
        try:
            async with self.intake.begin(limit=self.limit) as batch:
                lanes = batch.lanes
                counts = await normalise(batch, self.reader)
        except Exception as error:
            if not lanes or classify(error) is not Failure.PERMANENT:
                raise
            _log.warning("batch_redone_singly", count=sum(lanes.values()), error_type=type(error).__name__)
            return await self._singly(lanes)
        self.counted(counts)
        return sum(counts.values())

    async def _singly(self, lanes: Mapping[int, int]) -> int:
        for lane, count in sorted(lanes.items()):
            for _ in range(count):
                await self._next(lane)
        return sum(lanes.values())

    async def _next(self, lane: int) -> None:
        try:
            async with self.intake.begin_next(lane) as batch:
                counts = await normalise(batch, self.reader)
        except Exception as error:
            if classify(error) is not Failure.PERMANENT:
                raise
            await self._park_next(lane, error)
        else:
            self.counted(counts)

    async def _park_next(self, lane: int, error: Exception) -> None:
        """The lane's next delivery is passed over with the reason on record. The error's words may quote the body."""
        async with self.intake.begin_next(lane) as batch:
            parked = [
                Outcome(place=place, state=PARKED, reason=f"cannot be applied: {type(error).__name__}")
                for place, _ in batch.letters
            ]
            await batch.settle([*batch.unreadable, *parked])
        _log.error("delivery_parked", lane=lane, error_type=type(error).__name__, exc_info=error)
        self.counted({PARKED: len(parked)})
