"""Garbage: records without a readable envelope are stored raw, counted and passed."""

import json
from hashlib import blake2b
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus import marks, parked
from libs.eventbus.arrivals import Garbage, clean, keep, merchant_in
from libs.eventbus.parked import Parking
from libs.eventbus.words import Lane, Mark, Record

SIGHTINGS: Final = 3
_NO_ID = UUID(int=0)

_STORE = text("""
INSERT INTO bus_garbage (consumer_group, topic, partition, record_offset, digest, source, lane, seq, record_key,
    headers, payload, error)
VALUES (:group, :topic, :partition, :offset, :digest, :source, :lane, :seq, :key, :headers, :payload, :error)
ON CONFLICT DO NOTHING
""")
_SIGHTINGS = text("""
SELECT count(*) FROM bus_garbage
WHERE consumer_group = :group AND source = :source AND topic = :topic AND lane = :lane AND seq = :seq
""")


async def take(connection: AsyncConnection, group: str, garbage: Garbage) -> dict[Lane, Mark]:
    """The record is kept raw; marks that moved are returned.

    A record of ours that is garbage leaves a gap, and the rewind brings it again. Seen three times at one sequence it
    will not get better: it is parked from its headers, and the lane goes on. Three losses are not garbage: only
    records that were read count.
    """
    lane, sequence = garbage.lane, garbage.sequence
    locked = await marks.lock(connection, group, [lane]) if lane is not None else {}
    await connection.execute(_STORE, _row(group, garbage))
    if lane is None or sequence is None or sequence != locked[lane].sequence + 1:
        return {}
    if await _sightings(connection, group, lane, sequence) < SIGHTINGS:
        return {}
    record = Record(lane, sequence, b"", _NO_ID, clean(garbage.arrived.key))
    parking = Parking(record, merchant_in(garbage.arrived.headers), keep(garbage.arrived))
    await parked.park_failed(connection, group, parking, error=f"unreadable: {clean(garbage.error)[:300]}")
    # No chain: what the headers say of it is not worth more than the rest of them.
    moved = {lane: Mark(sequence, None)}
    await marks.store(connection, group, moved)
    return moved


async def _sightings(connection: AsyncConnection, group: str, lane: Lane, sequence: int) -> int:
    place = {"group": group, "source": lane.source, "topic": lane.topic, "lane": lane.number, "seq": sequence}
    return int(await connection.scalar(_SIGHTINGS, place) or 0)


def _row(group: str, garbage: Garbage) -> dict[str, object]:
    arrived = garbage.arrived
    headers = clean(json.dumps(dict(arrived.headers), sort_keys=True))
    return {
        "group": group,
        "topic": arrived.partition.topic,
        "partition": arrived.partition.number,
        "offset": arrived.offset,
        "digest": blake2b(headers.encode() + arrived.payload, digest_size=16).digest(),
        "source": garbage.lane.source if garbage.lane else None,
        "lane": garbage.lane.number if garbage.lane else None,
        "seq": garbage.sequence,
        "key": clean(arrived.key),
        "headers": headers,
        "payload": arrived.payload,
        "error": clean(garbage.error)[:500],
    }
