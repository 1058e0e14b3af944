"""Lanes: which numbered stream a record key belongs to, and the running digest that tells two histories apart."""

from hashlib import blake2b
from typing import Final
from uuid import UUID
from zlib import crc32

LANES: Final = 64
"""Streams per (source, topic). A constant for ever: marks are kept per lane, and a key must never change lanes."""

CHAIN_START: Final = bytes(16)
"""The digest before the first event of a lane."""

EPOCH_BITS: Final = 40
"""A source that starts a new epoch numbers on from `epoch << EPOCH_BITS`, so sequences alone order epochs."""


def lane_of(record_key: str) -> int:
    """The lane of a record key. crc32, not hash(): Python salts its own hash per process."""
    return crc32(record_key.encode()) % LANES


def chain_next(previous: bytes, event_id: UUID) -> bytes:
    """The digest of a lane after this event.

    An event id alone can't tell two histories apart: a restored source re-says facts under the same deterministic ids,
    possibly behind different predecessors.
    """
    return blake2b(previous + event_id.bytes, digest_size=16).digest()


def epoch_of(sequence: int) -> int:
    """The epoch in which the source gave out this sequence."""
    return sequence >> EPOCH_BITS
