"""Sending to order_ingest: the history as one compressed file, the live days as signed webhooks at full speed."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from itertools import islice

from deploy.demo.api import Api
from deploy.demo.bodies import canonical_order
from deploy.demo.deliveries import Delivery
from deploy.demo.households import Basket
from deploy.local.together import together

Advance = Callable[[int], None]
SENDERS = 16
_ROWS_A_CHUNK = 500


async def history_file(baskets: Iterable[Basket], advance: Advance) -> AsyncIterator[bytes]:
    """The orders as JSON Lines, gzipped piece by piece; `advance` hears how many rows went into each."""
    packer = zlib.compressobj(level=1, wbits=31)
    rows = iter(baskets)
    while True:
        chunk = list(islice(rows, _ROWS_A_CHUNK))
        if not chunk:
            break
        packed = await asyncio.to_thread(packer.compress, b"".join(_row(basket) for basket in chunk))
        advance(len(chunk))
        if packed:
            yield packed
    yield packer.flush()


async def post_deliveries(
    api: Api, path: str, deliveries: Sequence[Delivery], *, domain: str, secret: str, advance: Advance
) -> None:
    """Every webhook was answered with success.

    Several leave at a time, but those of one household one after the other: which of its orders is the first to be
    thanked for, and which one meets the cap, must not depend on the race of two connections.
    """

    async def send(own: Sequence[Delivery]) -> None:
        for delivery in own:
            headers = delivery.headers(domain=domain, secret=secret)
            await api.send("POST", path, content=delivery.body, headers=dict(headers))
            advance(1)

    shares = ([each for each in deliveries if each.household_id % SENDERS == sender] for sender in range(SENDERS))
    await together(send(share) for share in shares)


def _row(basket: Basket) -> bytes:
    return json.dumps(canonical_order(basket), separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
