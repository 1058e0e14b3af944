"""A file of history on this machine, read in blocks and never whole."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self, TypeAlias

from services.order_ingest.application.history_service import FileChanged, Reached

BLOCK_BYTES: Final = 1 << 18
_GZIP_MAGIC: Final = b"\x1f\x8b"
_State: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class DiskFile:
    """The file as it was when it was first looked at; a file that is not so any more is not read to its end."""

    path: Path
    size: int
    is_gzip: bool
    _state: _State

    @classmethod
    def at(cls, path: Path) -> Self:
        """The file of this path. Raises: OSError: it cannot be read."""
        with path.open("rb") as file:
            state = _state_of(file)
            return cls(path, state[0], file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC, state)

    async def digest(self, reached: Reached) -> str:
        """The SHA-256 of all its bytes, as hex."""
        found, done = hashlib.sha256(), 0
        async for block in self.blocks():
            await asyncio.to_thread(found.update, block)
            done += len(block)
            reached(done)
        return found.hexdigest()

    async def blocks(self) -> AsyncIterator[bytes]:
        """All its bytes.

        Raises:
            FileChanged: it was written to; noticed before its last block leaves, so no changed file leaves whole.
        """
        with self.path.open("rb") as file:
            while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
                if _state_of(file) != self._state:
                    raise FileChanged(f"{self.path} was written to meanwhile")
                yield block


def _state_of(file: BinaryIO) -> _State:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev
