"""FastStream by its own tutorial: a typed function per message.

Source: FastStream documentation, "Kafka", "Basic Subscriber".
"""

import asyncio
import logging
from typing import Any
from uuid import uuid4

from faststream.kafka import KafkaBroker

from libs.contracts.orders import OrderRefundedV1
from tests.bench.figures import Sample
from tests.bench.meters import Meter

_PATIENCE_SECONDS = 120.0


async def handle_some(servers: str, topic: str, count: int, meter: Meter) -> Sample:
    """So many messages were validated and handled, from the topic's beginning; measured from the first to the last."""
    broker = KafkaBroker(servers, logger=logging.getLogger(__name__))
    handled, done = 0, asyncio.Event()

    async def handle(refund: OrderRefundedV1) -> None:
        nonlocal handled
        handled += 1
        if handled == 1:
            meter.start()
        elif handled == count:
            meter.stop()
            done.set()

    subscriber: Any = broker.subscriber(topic, group_id=f"faststream-{uuid4()}", auto_offset_reset="earliest")
    subscriber(handle)
    async with broker, asyncio.timeout(_PATIENCE_SECONDS):
        await broker.start()
        await done.wait()
    return meter.sample(count - 1)
