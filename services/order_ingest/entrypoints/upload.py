"""An upload as it streams in: unpacked, cut into lines, kept in chunks; constant memory whatever its size."""

import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

UPLOAD_LIMIT: Final = 8 << 30
CHUNK_BYTES: Final = 1 << 20
CHUNK_ROWS: Final = 100
"""A chunk is one transaction that holds its merchant: with 500 rows, live orders of the merchant waited for seconds."""
LINE_BYTES: Final = 1 << 20
_UNPACK_BYTES: Final = 1 << 18
_GZIP: Final = 31
"""zlib's number for "a gzip header, the largest window"."""

Keep = Callable[[int, int, Sequence[bytes]], Awaitable[None]]
"""Keeps a chunk: its number, the number of its first row, its lines."""


class UploadRefused(Exception):
    """The upload cannot be taken as it is; the message says where and why."""


@dataclass(slots=True)
class Chunks:
    """Lines gathered into chunks of at most 100 rows or about 1 MiB, so that each is one short transaction."""

    keep: Keep
    most_bytes: int
    rows: int = 0
    _chunk_no: int = 0
    _lines: list[bytes] = field(default_factory=list)
    _size: int = 0
    _rest: bytes = b""
    _unpacked: int = 0

    async def take(self, part: bytes) -> None:
        """The part's whole lines are gathered; the rest waits for the next part.

        Raises:
            UploadRefused: a line or the whole is too long.
        """
        self._unpacked += len(part)
        if self._unpacked > self.most_bytes:
            raise UploadRefused(f"unpacked, the file has more than {self.most_bytes} bytes; split it")
        *lines, self._rest = (self._rest + part).split(b"\n")
        for line in lines:
            await self._line(line)
        if len(self._rest) > LINE_BYTES:
            raise UploadRefused(f"row {self.rows + 1} is longer than {LINE_BYTES} bytes")

    async def end(self) -> None:
        """The last line, which need not end with a line feed, and the last chunk are kept."""
        if self._rest.strip():
            await self._line(self._rest)
        await self._flush()

    async def _line(self, line: bytes) -> None:
        if len(line) > LINE_BYTES:
            raise UploadRefused(f"row {self.rows + 1} is longer than {LINE_BYTES} bytes")
        self._lines.append(line)
        self._size += len(line)
        self.rows += 1
        if len(self._lines) >= CHUNK_ROWS or self._size >= CHUNK_BYTES:
            await self._flush()

    async def _flush(self) -> None:
        if not self._lines:
            return
        await self.keep(self._chunk_no, self.rows - len(self._lines) + 1, self._lines)
        self._chunk_no += 1
        self._lines, self._size = [], 0


async def plain(parts: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The parts as they are."""
    async for part in parts:
        yield part


async def gunzipped(parts: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The parts unpacked, a bounded piece at a time: a small part may hold a thousand times its size.

    Raises:
        UploadRefused: it is not gzip, or it ends too early.
    """
    unpacker = zlib.decompressobj(_GZIP)
    async for part in parts:
        pending, more = part, bool(part)
        while more:
            try:
                piece = unpacker.decompress(pending, _UNPACK_BYTES)
            except zlib.error as error:
                raise UploadRefused("the body is not gzip") from error
            if piece:
                yield piece
            pending = unpacker.unconsumed_tail
            if unpacker.eof and unpacker.unused_data:  # several members one behind the other are one file
                pending, unpacker = unpacker.unused_data, zlib.decompressobj(_GZIP)
            # A full piece may leave output inside even when all input was taken.
            more = bool(pending) or len(piece) == _UNPACK_BYTES
    if not unpacker.eof:
        raise UploadRefused("the gzip stream ends too early")
