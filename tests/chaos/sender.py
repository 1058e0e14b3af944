"""Posts webhooks as a platform does: signed, and again under the same id until one is taken."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field

import httpx

from tests.chaos.shop import Delivery

_GIVE_UP_SECONDS = 180.0


@dataclass(slots=True)
class Tally:
    """What the sender saw."""

    taken: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    """Answers other than 2xx, and broken connections, by what they were; each was sent again."""
    latencies: list[float] = field(default_factory=list)

    def refuse(self, why: str) -> None:
        self.refused[why] = self.refused.get(why, 0) + 1


@dataclass(frozen=True, slots=True)
class Hook:
    """Where to post, and the secret to sign with (`whsec_...`)."""

    url: str
    secret: str

    def headers(self, delivery: Delivery, at: int) -> dict[str, str]:
        """Standard Webhooks 1.0.0: `id.timestamp.body` signed with the decoded secret."""
        signed = b".".join((delivery.webhook_id.encode(), str(at).encode(), delivery.body))
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        return {
            "content-type": "application/json",
            "webhook-id": delivery.webhook_id,
            "webhook-timestamp": str(at),
            "webhook-signature": f"v1,{signature}",
        }


async def send_all(
    hook: Hook, deliveries: Iterable[Delivery], *, per_second: float, tally: Tally, at_once: int = 32
) -> None:
    """Every delivery was taken (2xx), those of one order in their sequence, at no more than `per_second`.

    Raises:
        TimeoutError: one delivery was not taken within three minutes of trying.
    """
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(limits=limits, timeout=10, trust_env=False) as client, asyncio.TaskGroup() as group:
        slots = asyncio.Semaphore(at_once)
        last: dict[str, asyncio.Task[None]] = {}
        async for delivery in _paced(iter(deliveries), per_second):
            await slots.acquire()
            task = group.create_task(_send(client, hook, delivery, tally, last.get(delivery.order_id)))
            task.add_done_callback(lambda _: slots.release())
            last[delivery.order_id] = task


async def _send(
    client: httpx.AsyncClient, hook: Hook, delivery: Delivery, tally: Tally, after: asyncio.Task[None] | None
) -> None:
    if after is not None:
        await asyncio.wait([after])
    began, pause = time.monotonic(), 0.05
    while True:
        started = time.monotonic()
        try:
            answer = await client.post(
                hook.url, content=delivery.body, headers=hook.headers(delivery, int(time.time()))
            )
        except httpx.HTTPError as broken:
            tally.refuse(type(broken).__name__)
        else:
            if answer.is_success:
                tally.taken += 1
                tally.latencies.append(time.monotonic() - started)
                return
            tally.refuse(str(answer.status_code))
        if time.monotonic() - began > _GIVE_UP_SECONDS:
            raise TimeoutError(f"{delivery.webhook_id} was not taken; refusals so far: {tally.refused}")
        await asyncio.sleep(pause)
        pause = min(pause * 2, 1.0)


async def _paced(deliveries: Iterator[Delivery], per_second: float) -> AsyncIterator[Delivery]:
    began = time.monotonic()
    for number, delivery in enumerate(deliveries):
        wait = began + number / per_second - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        yield delivery
