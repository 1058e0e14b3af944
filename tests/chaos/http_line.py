"""One kept-alive HTTP connection, as small as it can be: at a thousand webhooks a second a client must cost little."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_PATIENCE_SECONDS = 10.0
_KEPT_SECONDS = 4.0
"""Servers close what was idle for five: a request on its way then would find nobody, through no fault of theirs."""


class Answer(NamedTuple):
    """What came back. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


@dataclass(slots=True)
class Line:
    """A connection to one address, made when first used and again after it broke."""

    host: str
    port: int
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = field(default=None, init=False)
    _used_at: float = field(default=0.0, init=False)

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to one request.

        Raises:
            OSError, asyncio.IncompleteReadError, TimeoutError: the connection broke, or ten seconds passed.
        """
        loop = asyncio.get_running_loop()
        if loop.time() - self._used_at > _KEPT_SECONDS:
            self.close()
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                reader, writer = self._streams or await asyncio.open_connection(self.host, self.port)
                self._streams = reader, writer
                writer.write(_request(self.host, path, headers, body))
                answer = await _answer(reader)
        except BaseException:
            self.close()
            raise
        self._used_at = loop.time()
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    def close(self) -> None:
        """The connection is gone; the next request makes another."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


def _request(host: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"host: {host}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if "content-length" in headers:
        await reader.readexactly(int(headers["content-length"]))
    else:  # its end is not told: read by closing
        headers["connection"] = "close"
    return Answer(int(head[0].split(" ", 2)[1]), headers)
