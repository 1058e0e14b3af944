"""Events of one lane, for plain calls of the protocol."""

from uuid import UUID

from libs.eventbus.lanes import CHAIN_START, chain_next
from libs.eventbus.words import (
    Lane,
    Mark,
    Record,
)

LANE = Lane("order-ingest", "commerce", 3)
OTHER = Lane("order-ingest", "commerce", 4)


def history(keys: str, *, lane: Lane = LANE, salt: int = 0) -> list[Record]:
    """Events 1.. of a lane, one letter a key; an upper-case letter erases its key. Another salt is another history."""
    chain, records = CHAIN_START, []
    for sequence, key in enumerate(keys, start=1):
        event_id = UUID(int=(salt << 64) + (lane.number << 32) + sequence)
        chain = chain_next(chain, event_id)
        records.append(Record(lane, sequence, chain, event_id, key.lower(), erases=key.isupper()))
    return records


def mark_at(record: Record) -> Mark:
    return Mark(record.sequence, record.chain)
