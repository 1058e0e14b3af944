"""A second relay that does not ask whether somebody leads: python -m tests.chaos.rogue_relay SOURCE URL BUS_URL."""

import asyncio
import signal
import sys
from typing import Any

from libs.eventbus.relay import Relay
from libs.eventbus.transports import open_bus
from libs.servicekit.clock import SystemClock
from libs.servicekit.identity import new_id


class RogueRelay(Relay):
    """Leads beside the leader."""

    async def _lead(self, connection: Any, stop: asyncio.Event) -> bool:  # Any: an asyncpg connection, untyped
        if not self.leads:
            self.leads = True
            print("leads", flush=True)
        return True


async def _main(source: str, url: str, bus_url: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with open_bus(bus_url) as bus:
        await RogueRelay(source, bus, url, SystemClock(), new_id, asyncio.Event()).run(stop)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:4]))
