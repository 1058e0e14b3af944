"""Orders that keep coming for as long as a fault takes: a slow machine gets more of them, no fault goes without."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.chaos.arena import Arena
from tests.chaos.sender import Hook, Sender, Tally
from tests.chaos.shop import Shop


@dataclass(slots=True)
class Load:
    """A shop whose webhooks are on their way, and what its sender saw."""

    shop: Shop
    tally: Tally = field(default_factory=Tally)


@asynccontextmanager
async def under_load(
    arena: Arena, shop: Shop, *, per_second: float, at_once: int = 32, give_up_seconds: float = 180.0
) -> AsyncIterator[Load]:
    """The shop sells until the block ends, and at least all its orders; then everything was taken.

    Its orders are in the arena's books.
    """
    load = Load(shop)
    shop.stays_open = True
    sender = Sender(arena.hook, load.tally, per_second, at_once=at_once, give_up_seconds=give_up_seconds)
    sending = asyncio.create_task(sender.send_all(shop.deliveries()))
    try:
        yield load
        shop.stays_open = False
        await sending
    finally:
        shop.stays_open = False
        sending.cancel()
        await asyncio.wait([sending])
        arena.books.update(shop.orders)


async def sold(arena: Arena, shop: Shop, *, per_second: float, at_once: int = 32, hook: Hook | None = None) -> Tally:
    """Everything the shop had to tell was taken; what the sender saw."""
    tally = Tally()
    arena.books.update(shop.orders)
    await Sender(hook or arena.hook, tally, per_second, at_once=at_once).send_all(shop.deliveries())
    arena.books.update(shop.orders)
    return tally
