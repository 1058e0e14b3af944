"""A5: streams without end, slow senders, bombs and deep bodies cost the hook path little, and nobody else anything.

`ATTACK_BODIES` beyond the usual 40 has more genuine deliveries timed beside the slow senders.
"""

import asyncio
import gzip
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.asking import eventually
from tests.attack.hooks import Sender
from tests.attack.test_hooks import every_sender
from tests.chaos.shop import Delivery
from tests.running import Running

LONG: Final = int(os.environ.get("ATTACK_BODIES", "40")) > 40
_SLOW: Final = 500
_ANNOUNCED: Final = 10 << 30
_CHUNK: Final = b"x" * 65_536
_DEPTH: Final = 10_000
_MOST_RSS: Final = 100 << 20
_P99_SECONDS: Final = 0.3
_ENDS_WITHIN_SECONDS: Final = 20.0
_HEALTHY: Final = 400 if LONG else 150


@pytest.mark.parametrize("form", ["announced", "chunked"])
async def test_a_stream_of_10_gb_is_refused_after_a_megabyte(running: Running, form: str) -> None:
    length = f"content-length: {_ANNOUNCED}" if form == "announced" else "transfer-encoding: chunked"
    before = await _rss(running)

    answers, taken = await _streamed(running, length, is_chunked=form == "chunked")

    assert [answer[:13] for answer in answers] == [b"HTTP/1.1 413 "] * len(answers)
    # What the sockets on the way hold is taken too; of ten gigabytes that is nothing.
    assert max(taken) < 64 << 20
    assert await _rss(running) - before < _MOST_RSS


async def _streamed(running: Running, length: str, *, is_chunked: bool) -> tuple[Sequence[bytes], Sequence[int]]:
    """The answers to some streams at once, and how many bytes of each were taken before it was cut off."""
    found = await asyncio.gather(*(_stream(running, length, is_chunked=is_chunked) for _ in range(8)))
    return [answer for answer, _ in found], [taken for _, taken in found]


async def _stream(running: Running, length: str, *, is_chunked: bool) -> tuple[bytes, int]:
    async with _hooked(running, length) as (reader, writer):
        sending = asyncio.create_task(_pour(writer, is_chunked=is_chunked))
        try:
            async with asyncio.timeout(_ENDS_WITHIN_SECONDS):
                answer = await reader.readuntil(b"\r\n\r\n")
                return answer, await sending
        finally:
            sending.cancel()


async def _pour(writer: asyncio.StreamWriter, *, is_chunked: bool) -> int:
    """Bytes that left before the other end was gone."""
    part = b"%x\r\n%b\r\n" % (len(_CHUNK), _CHUNK) if is_chunked else _CHUNK
    taken = 0
    try:
        while taken < _ANNOUNCED:
            writer.write(part)
            await writer.drain()
            taken += len(_CHUNK)
    except ConnectionError:
        pass
    return taken


@pytest.mark.parametrize("place", ["head", "body"])
async def test_500_senders_of_a_byte_a_second_are_cut_off_and_keep_nobody_waiting(running: Running, place: str) -> None:
    before = await _rss(running)

    async with asyncio.TaskGroup() as group:
        slow = [group.create_task(_slow(running, place)) for _ in range(_SLOW)]
        healthy = group.create_task(_healthy(running))

    ends = [task.result() for task in slow]
    assert {end[:13] for end in ends} <= {b"", b"HTTP/1.1 408 "}
    assert sum(end.startswith(b"HTTP/1.1 408 ") for end in ends) > _SLOW * 0.9
    assert sorted(healthy.result())[int(_HEALTHY * 0.99)] < _P99_SECONDS
    assert await _rss(running) - before < _MOST_RSS


async def _slow(running: Running, place: str) -> bytes:
    """What a sender of a byte a second is told before the connection ends."""
    head = "" if place == "head" else "content-length: 100000"
    async with _hooked(running, head, is_whole=place == "body") as (reader, writer):
        sending = asyncio.create_task(_trickle(writer))
        try:
            async with asyncio.timeout(_ENDS_WITHIN_SECONDS):
                return await reader.read()
        except ConnectionError:  # it was cut off while a byte was on its way
            return b""
        finally:
            sending.cancel()


async def _trickle(writer: asyncio.StreamWriter) -> None:
    try:
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(1)
    except ConnectionError:
        pass


async def _healthy(running: Running) -> list[float]:
    """Seconds of genuine deliveries while all this goes on."""
    times = []
    async with running.client("order_ingest") as client:
        for _ in range(_HEALTHY):
            began = time.perf_counter()
            answer = await client.post(running.ours.hook.url, **_genuine(running))
            times.append(time.perf_counter() - began)
            assert answer.status_code == 200
            await asyncio.sleep(0.03)
    return times


def _genuine(running: Running) -> dict[str, Any]:
    body = json.dumps({"type": "nothing.known", "timestamp": "2026-05-01T00:00:00Z", "data": {}}).encode()
    headers = running.ours.hook.headers(Delivery(secrets.token_hex(8), "", body), int(time.time()))
    return {"content": body, "headers": headers}


async def test_a_gzip_bomb_is_refused_unopened(running: Running) -> None:
    bomb = gzip.compress(bytes(64 << 20))
    genuine = _genuine(running)
    before = await _rss(running)

    async with running.client("order_ingest") as client:
        headers = {**genuine["headers"], "content-encoding": "gzip"}
        answers = [
            (await client.post(running.ours.hook.url, content=bomb, headers=headers)).status_code for _ in range(20)
        ]

    assert answers == [415] * 20
    assert await _rss(running) - before < _MOST_RSS


@every_sender
async def test_what_is_signed_and_too_deep_or_no_json_at_all_is_parked(running: Running, sender: Sender) -> None:
    """Whoever holds the secret is answered 200 for whatever it signs, and the worker reads on behind it."""
    letters = [_deep(b'{"a":', b"}"), _deep(b"[", b"]"), b"{", b"\xff\xfe{}", b'{"id":1e999999}', b'"text"', b"[1]"]
    async with running.client("order_ingest", running.token(running.ours)) as client:
        store_id, path = await _store(client, sender)
        answers = [await _post(client, path, sender, letter) for letter in letters]
        parked = await eventually(lambda: _parked(client, store_id, len(letters)), "deliveries that were parked")

    assert answers == [200] * len(letters)
    assert all(delivery["reason"] for delivery in parked)


def _deep(opened: bytes, closed: bytes) -> bytes:
    return opened * _DEPTH + b"1" + closed * _DEPTH


async def _store(client: httpx.AsyncClient, sender: Sender) -> tuple[str, str]:
    account = sender.store["account"] if sender.platform != "standard" else secrets.token_hex(6)
    told = {"currency": "USD", **sender.store, "platform": sender.platform, "secret": sender.secret}
    shown = (await client.post("/v1/stores", json={**told, "account": account, "site": secrets.token_hex(4)})).json()
    return shown["store_id"], urlsplit(shown["hook_url"]).path


async def _post(client: httpx.AsyncClient, path: str, sender: Sender, body: bytes) -> int:
    headers = sender.sign(body, sender.secret, f"m-{secrets.token_hex(8)}", int(time.time()))
    return (await client.post(path, content=body, headers=dict(headers))).status_code


async def _parked(client: httpx.AsyncClient, store_id: str, count: int) -> list[dict[str, Any]] | None:
    query = {"store_id": store_id, "state": "parked"}
    found: list[dict[str, Any]] = (await client.get("/v1/deliveries", params=query)).raise_for_status().json()["items"]
    return found if len(found) == count else None


@asynccontextmanager
async def _hooked(
    running: Running, header: str, *, is_whole: bool = True
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to our tenant's hook on which a request has begun."""
    address = urlsplit(running.ours.hook.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        lines = [f"POST {address.path} HTTP/1.1", f"host: {address.netloc}", *([header] if header else [])]
        writer.write("\r\n".join([*lines, *(["", ""] if is_whole else ["x-slow: "])]).encode())
        yield reader, writer
    finally:
        writer.close()


async def _rss(running: Running) -> int:
    """Bytes of memory that order-ingest's API holds."""
    async with running.client("order_ingest") as client:
        text = (await client.get("/metrics")).raise_for_status().text
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    return int(next(each.value for each in samples if each.name == "process_resident_memory_bytes"))
