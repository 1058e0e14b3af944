"""uvicorn's HTTP protocol, bounded where uvicorn waits for ever: a head must come soon and be small, a refusal ends."""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Bodies are bounded by who reads them; what comes after an answer is nobody's.

    A head has `head_seconds` from the connection's beginning, or from its own first byte where another request came
    before, and `head_bytes`. Who is answered before the body has come may go on for `linger_seconds`, so that the
    answer is read before the connection breaks off; of what comes meanwhile no more than about `linger_bytes` is read.
    """

    head_seconds: ClassVar[float] = 10.0
    head_bytes: ClassVar[int] = 64 * 1024
    linger_seconds: ClassVar[float] = 2.0
    linger_bytes: ClassVar[int] = 1 << 20

    _in_head = True
    _lingers = False
    _seen = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        super().connection_made(transport)
        self._end_after(self.head_seconds, b"408 Request Timeout")

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._seen += len(data)
        if self._in_head:
            self._bound_head()
        elif self._lingers and self._seen > self.linger_bytes:
            self.flow.pause_reading()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._seen = True, 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._wait_on()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._lingers = False
        self._wait_on()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.more_body and self.cycle.response_complete:
            self._lingers, self._seen = True, 0
            self._end_after(self.linger_seconds, b"")

    def _bound_head(self) -> None:
        if self._seen > self.head_bytes:
            self._end(b"431 Request Header Fields Too Large")
        elif self._deadline is None:
            self._end_after(self.head_seconds, b"408 Request Timeout")

    def _end_after(self, seconds: float, status: bytes) -> None:
        self._wait_on()
        self._deadline = self.loop.call_later(seconds, self._end, status)

    def _wait_on(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end(self, status: bytes) -> None:
        """The connection ends; whoever began to ask, and is owed no other answer, is told why."""
        self._wait_on()
        if self.transport.is_closing():
            return
        is_owed_none = self.cycle is None or self.cycle.response_complete
        if status and self._seen and is_owed_none:
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()
