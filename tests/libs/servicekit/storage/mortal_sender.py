"""A sender whose call never ends, to be killed: `python -m tests.libs.servicekit.storage.mortal_sender URL`."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime

from libs.servicekit.clock import ManualClock
from libs.servicekit.database import Database, create_engine
from libs.servicekit.effect_sender import EffectSender
from libs.servicekit.effects import Admission, Done, Effect, Outcome
from libs.servicekit.unit_of_work import UnitOfWork
from tests.libs.servicekit.storage.conftest import NOW, SERVICE


class _Hanging:
    """A call that begins and never ends."""

    repeats_unknown = False
    max_attempts = 3

    async def admit(self, uow: UnitOfWork, effects: Sequence[Effect], now: datetime, at_most: int) -> Admission:
        return Admission()

    async def call(self, effect: Effect) -> Outcome:
        print("calling", flush=True)
        await asyncio.Event().wait()
        return Done()

    async def record(self, uow: UnitOfWork, outcomes: Sequence[tuple[Effect, Outcome]], now: datetime) -> None:
        return


async def _main(url: str) -> None:
    clock = ManualClock(NOW)
    database = Database(create_engine(url, "worker"), source=SERVICE, clock=clock)
    await EffectSender(database, {"mail": _Hanging()}, clock).run_once()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
