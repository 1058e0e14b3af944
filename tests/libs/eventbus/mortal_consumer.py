"""A consumer process that dies, as by kill -9, when it applies a certain number; it ends when all was read."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from libs.contracts.envelope import Event
from libs.eventbus.postgres import PostgresBus
from libs.eventbus.transaction import Transaction
from tests.libs.eventbus.bed import Bed, note
from tests.libs.eventbus.buses import QUICK, wipe_database
from tests.libs.eventbus.tables import connect_engine


async def main(url: str, killer: int) -> None:
    async def handle(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
        await note(transaction, events)
        if any(event.fact.n == killer for event in events):
            os.kill(os.getpid(), signal.SIGKILL)

    engine = connect_engine(url)
    async with PostgresBus.open(url, pace=QUICK) as bus:
        bed = Bed(url, url, engine, bus, partial(wipe_database, url))
        async with bed.running(bed.consumer(handle).run):
            await bed.until(lambda: _all_read(bed))
    await engine.dispose()


async def _all_read(bed: Bed) -> bool:
    read = "SELECT coalesce((SELECT sum(last_seq) FROM inbox_lane), 0) = (SELECT sum(next_seq - 1) FROM outbox_lane)"
    return bool(await bed.one(read))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
