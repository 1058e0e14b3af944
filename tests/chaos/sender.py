"""Posts webhooks as a platform does: signed, and again under the same id until one is taken."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.chaos.http_line import Answer, Line
from tests.chaos.shop import Delivery

_BROKEN = (OSError, asyncio.IncompleteReadError, TimeoutError)


@dataclass(slots=True)
class Tally:
    """What the sender saw. Instants are the event loop's."""

    taken: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    """Answers other than 2xx, and broken connections, by what they were; each was sent again."""
    refused_at: list[tuple[float, str]] = field(default_factory=list)
    without_retry_after: int = 0
    """Answers 503 that did not say when to come back."""
    latencies: list[float] = field(default_factory=list)
    """Seconds of each request that was taken."""
    waits: list[float] = field(default_factory=list)
    """Seconds from the instant that each delivery was due until it was taken: a late sender's wait counts too."""
    due: dict[str, float] = field(default_factory=dict)
    """When each order's payment was to be posted."""

    @property
    def refusals(self) -> int:
        return sum(self.refused.values())

    def refuse(self, why: str) -> None:
        self.refused[why] = self.refused.get(why, 0) + 1
        self.refused_at.append((asyncio.get_running_loop().time(), why))


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


@dataclass(frozen=True, slots=True)
class Sender:
    """Posts to one hook over up to `at_once` connections, at no more than `per_second`."""

    hook: Hook
    tally: Tally
    per_second: float
    at_once: int = 32
    give_up_seconds: float = 180.0

    async def send_all(self, deliveries: Iterable[Delivery]) -> None:
        """Every delivery was taken (2xx), those of one order in their sequence.

        Raises:
            ExceptionGroup: of TimeoutError: one delivery was not taken within `give_up_seconds` of trying.
        """
        address = urlsplit(self.hook.url)
        lines = [Line(address.hostname or "", address.port or 80) for _ in range(self.at_once)]
        free: asyncio.Queue[Line] = asyncio.Queue()
        for line in lines:
            free.put_nowait(line)
        last: dict[str, asyncio.Task[None]] = {}
        try:
            async with asyncio.TaskGroup() as group:
                async for delivery, due in _paced(iter(deliveries), self.per_second):
                    if delivery.earns:
                        self.tally.due[delivery.order_id] = due
                    line = await free.get()
                    before = last.get(delivery.order_id)
                    task = group.create_task(self._in_turn(line, address.path, delivery, due, before))
                    task.add_done_callback(lambda _, line=line: free.put_nowait(line))  # type: ignore[misc]
                    last[delivery.order_id] = task
        finally:
            for line in lines:
                line.close()

    async def _in_turn(
        self, line: Line, path: str, delivery: Delivery, due: float, before: asyncio.Task[None] | None
    ) -> None:
        if before is not None:
            await asyncio.wait([before])
        await self._send(line, path, delivery)
        self.tally.waits.append(asyncio.get_running_loop().time() - due)

    async def _send(self, line: Line, path: str, delivery: Delivery) -> None:
        began, pause = time.monotonic(), 0.05
        while True:
            started = time.monotonic()
            try:
                answer = await line.post(path, self.hook.headers(delivery, int(time.time())), delivery.body)
            except _BROKEN as broken:
                self.tally.refuse(type(broken).__name__)
            else:
                if answer.is_success:
                    self.tally.taken += 1
                    self.tally.latencies.append(time.monotonic() - started)
                    return
                self._refused(answer)
            if time.monotonic() - began > self.give_up_seconds:
                raise TimeoutError(f"{delivery.webhook_id} was not taken; refusals so far: {self.tally.refused}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)

    def _refused(self, answer: Answer) -> None:
        self.tally.refuse(str(answer.status))
        self.tally.without_retry_after += answer.status == 503 and "retry-after" not in answer.headers


async def _paced(deliveries: Iterator[Delivery], per_second: float) -> AsyncIterator[tuple[Delivery, float]]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number, delivery in enumerate(deliveries):
        due = began + number / per_second
        # Even when late: whoever else lives on this loop gets its turn, also under a delivery without end.
        await asyncio.sleep(max(0.0, due - loop.time()))
        yield delivery, due
