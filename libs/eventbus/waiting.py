"""Waiting for an event, but not for ever."""

import asyncio


async def wait(event: asyncio.Event, seconds: float) -> bool:
    """True as soon as the event is set, False after `seconds` without."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
