"""`python -m tests.bench.load`: posts webhooks over keep-alive connections, in a process of its own.

Reads a `Load` as JSON from standard input, writes a `Report`. Raw sockets: an HTTP client library would take more of
the two cores than the server that it is to load.
"""

import asyncio
import dataclasses
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import uvloop

from tests.bench.figures import percentile
from tests.bench.shopify_bodies import Shop

_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`per_second` of None is a closed loop: every connection sends as soon as it was answered.

    Otherwise requests are due at fixed instants, and latency counts from there, sent late or not. It ends after
    `seconds`, or after `count` requests.
    """

    shop: Shop
    first: int
    connections: int = 64
    seconds: float | None = None
    count: int | None = None
    per_second: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was answered; `sent_at` are the instants (monotonic clock) at which each request was due, in order."""

    answered: int
    seconds: float
    refused: dict[str, int]
    p50_ms: float
    p99_ms: float
    sent_at: list[float]

    @property
    def rate(self) -> float:
        return self.answered / self.seconds


async def load(what: Load) -> Report:
    """Runs the load in a process of its own.

    Raises:
        RuntimeError: it failed, or something was answered otherwise than 2xx.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate(json.dumps(dataclasses.asdict(what)).encode())
    if process.returncode:
        raise RuntimeError(f"the load generator ended with {process.returncode}")
    report = Report(**json.loads(told))
    if report.refused or not report.answered:
        raise RuntimeError(f"answers other than 2xx: {report.refused} of {report.answered}")
    return report


@dataclass(slots=True)
class _Run:
    """One run's state: who is idle, what is due, what came back."""

    what: Load
    numbers: Iterator[int]
    over: asyncio.Future[None]
    idle: deque["_Connection"] = field(default_factory=deque)
    due: deque[float] = field(default_factory=deque)
    open: int = 0
    sent_at: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    stopped: bool = False

    def answered(self, connection: "_Connection", status: bytes, now: float) -> None:
        self.open -= 1
        self.latencies.append(now - connection.due_at)
        if not status.startswith(b"2"):
            self.refused[status.decode()] += 1
        if self.what.per_second is None:
            self.send(connection, now)
        elif self.due:
            self.send(connection, self.due.popleft())
        else:
            self.idle.append(connection)
        self.look_whether_over()

    def send(self, connection: "_Connection", due_at: float) -> None:
        if self.stopped and self.what.per_second is None:
            return
        number = next(self.numbers, None)
        if number is None:
            self.stopped = True
            return
        self.open += 1
        self.sent_at.append(due_at)
        connection.post(self.what.shop.request(number), due_at)

    def look_whether_over(self) -> None:
        if self.stopped and not self.open and not self.due and not self.over.done():
            self.over.set_result(None)


class _Connection(asyncio.Protocol):
    """A keep-alive connection with at most one request on its way."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._received = b""
        self.due_at = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def post(self, request: bytes, due_at: float) -> None:
        self.due_at = due_at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or len(self._received) < end + 4 + _length(self._received[:end]):
            return
        status, self._received = self._received[9:12], b""
        self._run.answered(self, status, time.monotonic())

    def connection_lost(self, error: Exception | None) -> None:
        if not self._run.over.done():
            self._run.over.set_exception(error or ConnectionError("the server closed a connection"))


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise ValueError("the answer has no content-length")


async def _drive(what: Load) -> Report:
    loop = asyncio.get_running_loop()
    numbers = iter(range(what.first, what.first + (what.count or sys.maxsize)))
    run = _Run(what, numbers, loop.create_future())
    shop = what.shop
    made = [
        await loop.create_connection(lambda: _Connection(run), shop.host, shop.port) for _ in range(what.connections)
    ]
    began = time.monotonic()
    connections = [connection for _, connection in made]
    if what.per_second is None:
        await _closed(run, connections, began)
    else:
        await _open(run, connections, began)
    run.look_whether_over()
    await asyncio.wait_for(run.over, _PATIENCE_SECONDS)
    return _report(run, time.monotonic() - began)


async def _closed(run: _Run, connections: list[_Connection], began: float) -> None:
    for connection in connections:
        run.send(connection, time.monotonic())
    if run.what.seconds is not None:
        await asyncio.wait([run.over], timeout=began + run.what.seconds - time.monotonic())
        run.stopped = True
    else:
        await asyncio.wait([run.over])


async def _open(run: _Run, connections: list[_Connection], began: float) -> None:
    run.idle.extend(connections)
    rate, seconds = run.what.per_second or 1.0, run.what.seconds
    number = 0
    while not run.over.done():
        due_at = began + number / rate
        if (seconds is not None and due_at - began >= seconds) or (run.what.count or sys.maxsize) <= number:
            break
        if (wait := due_at - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        number += 1
        run.send(run.idle.popleft(), due_at) if run.idle else run.due.append(due_at)
    run.stopped = True


def _report(run: _Run, seconds: float) -> Report:
    return Report(
        answered=len(run.latencies),
        seconds=seconds,
        refused=dict(run.refused),
        p50_ms=percentile(run.latencies, 0.5) * 1e3,
        p99_ms=percentile(run.latencies, 0.99) * 1e3,
        sent_at=run.sent_at if run.what.per_second else [],
    )


def _load_from(told: str) -> Load:
    given = json.loads(told)
    return Load(**{**given, "shop": Shop(**given["shop"])})


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(_drive(_load_from(sys.stdin.read())))
    json.dump(dataclasses.asdict(found), sys.stdout)
