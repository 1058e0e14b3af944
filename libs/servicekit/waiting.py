"""Waiting that a stop ends at once."""

import asyncio


async def wait_for_stop(stop: asyncio.Event, seconds: float) -> bool:
    """Returns when `stop` is set (True) or `seconds` have passed (False)."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
