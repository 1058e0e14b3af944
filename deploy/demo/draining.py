"""Knowing that everything has arrived: nothing waits anywhere between a delivery and a sent message."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from deploy.demo.api import Api, DemoFailed

LONGEST_SECONDS = 900.0
_LOOKS_IN_A_ROW = 2
"""A fact read just now may say another one that no look has counted yet: the second look finds it."""


async def wait_until_drained(ops: Mapping[str, Api], waiting: Callable[[], Any], show: Callable[[int], None]) -> None:
    """No service has anything untold, unread, or undone. `waiting` counts what is undone outside the bus.

    Raises:
        DemoFailed: events were parked, or it took longer than fifteen minutes.
    """
    deadline, quiet = asyncio.get_running_loop().time() + LONGEST_SECONDS, 0
    while quiet < _LOOKS_IN_A_ROW:
        # What waits outside the bus takes the services more to count: it is asked last.
        left = await on_the_way(ops) or await waiting()
        show(left)
        quiet = quiet + 1 if left == 0 else 0
        if asyncio.get_running_loop().time() > deadline:
            raise DemoFailed(f"After fifteen minutes {left} events are still on their way; see `make up`'s logs.")
        await asyncio.sleep(0.5)


async def on_the_way(ops: Mapping[str, Api]) -> int:
    """Facts that are told or read too little, over all services.

    Raises:
        DemoFailed: a service has parked events: they wait for a person, not for time.
    """
    total = 0
    for service, api in ops.items():
        lag = await api.get("/v1/ops/lag")
        parked = sum(topic["parked"] for topic in lag["reading"])
        if parked:
            raise DemoFailed(f"{service} has parked {parked} events: GET {api.address}/v1/ops/parked_events says why.")
        total += sum(topic["unpublished"] for topic in lag["telling"])
        total += sum(topic["unread"] or 0 for topic in lag["reading"])
    return total
