"""The outbox: what a transaction says gets its place in a lane and is written as the last thing before COMMIT."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.contracts.envelope import Envelope, Event, Position, Said, record_key, to_headers
from libs.contracts.fact import Fact
from libs.eventbus.errors import LaneNotSeeded, PayloadTooLarge, SourceRestored
from libs.eventbus.lanes import CHAIN_START, LANES, chain_next, lane_of
from libs.kernel.identifiers import derived_id

MAX_PAYLOAD_BYTES: Final = 256 * 1024

# The materialised CTE takes the row locks in sorted order. An UPDATE joined to a sorted array would lock in join
# order, and two transactions that meet in two lanes would deadlock.
_TAKE = text("""
WITH k AS MATERIALIZED (
    SELECT o.topic, o.lane, o.chain, x.n FROM outbox_lane o
    JOIN unnest(CAST(:topics AS text[]), CAST(:lanes AS int2[]), CAST(:counts AS int8[])) x(topic, lane, n)
    USING (topic, lane) ORDER BY o.topic, o.lane FOR UPDATE OF o)
UPDATE outbox_lane t SET next_seq = next_seq + k.n FROM k WHERE (t.topic, t.lane) = (k.topic, k.lane)
RETURNING t.topic, t.lane, t.next_seq - k.n AS first_seq, k.chain,
    NOT EXISTS (SELECT 1 FROM source_identity i WHERE i.timeline <> left(pg_walfile_name(pg_current_wal_lsn()), 8)
        OR i.database_oid <> (SELECT CAST(oid AS int8) FROM pg_database WHERE datname = current_database())) AS genuine
""")

_WRITE = text("""
WITH written AS (
    INSERT INTO outbox (topic, lane, seq, event_id, chain, merchant_id, subject, type, headers, payload)
    SELECT * FROM unnest(CAST(:topics AS text[]), CAST(:lanes AS int2[]), CAST(:seqs AS int8[]),
        CAST(:ids AS uuid[]), CAST(:chains AS bytea[]), CAST(:merchants AS uuid[]), CAST(:subjects AS text[]),
        CAST(:types AS text[]), CAST(:headers AS text[]), CAST(:payloads AS bytea[])))
UPDATE outbox_lane t SET chain = x.chain
FROM unnest(CAST(:head_topics AS text[]), CAST(:head_lanes AS int2[]), CAST(:head_chains AS bytea[]))
    x(topic, lane, chain)
WHERE (t.topic, t.lane) = (x.topic, x.lane)
""")

_SEED = text("""
WITH lanes AS (SELECT CAST(n AS int2) AS lane FROM generate_series(0, :last) n),
     counters AS (INSERT INTO outbox_lane (topic, lane, chain)
         SELECT :topic, lane, CAST(:chain AS bytea) FROM lanes ON CONFLICT DO NOTHING)
INSERT INTO outbox_floor (topic, lane) SELECT :topic, lane FROM lanes ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class _Draft:
    """A fact with its envelope, before it has a place."""

    fact: Fact
    envelope: Envelope
    payload: bytes
    topic: str
    lane: int


_Lane = tuple[str, int]


async def append(
    connection: AsyncConnection,
    said: Sequence[Said],
    *,
    source: str,
    now: datetime,
    new_id: Callable[[], UUID],
    correlation_id: str,
    traceparent: str | None,
) -> Sequence[Event[Fact]]:
    """What was said stands in the outbox, numbered and chained; nothing but COMMIT may follow.

    The lanes stay locked until then. Set-based: two round trips whatever the number of facts.
    Raises: PayloadTooLarge, LaneNotSeeded, SourceRestored.
    """
    if not said:
        return ()
    causes: Counter[tuple[UUID, str]] = Counter()
    drafts = [_draft(one, _event_id(one, causes, new_id), source, now, correlation_id, traceparent) for one in said]
    ends = await _take(connection, drafts)
    events = _place(drafts, ends, source)
    await _write(connection, drafts, events, ends)
    return events


async def seed_topic(connection: AsyncConnection, topic: str) -> None:
    """Counters and floors of all lanes of the topic exist; those that did are left alone.

    Cursors are the relays' own: one for a bus that nobody feeds would hold retention, and never be published.
    """
    await connection.execute(_SEED, {"topic": topic, "last": LANES - 1, "chain": CHAIN_START})


def _event_id(said: Said, causes: Counter[tuple[UUID, str]], new_id: Callable[[], UUID]) -> UUID:
    kind = said.fact.TYPE
    if said.cause is not None:
        index = causes[(said.cause.id, kind)]
        causes[(said.cause.id, kind)] += 1
        return derived_id(said.cause.id, kind, str(index))
    if said.key is not None:
        return derived_id(said.merchant_id, kind, said.key)
    return new_id()


def _draft(
    said: Said, event_id: UUID, source: str, now: datetime, correlation_id: str, traceparent: str | None
) -> _Draft:
    payload = said.fact.to_bytes()
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLarge(f"{said.fact.TYPE} {event_id} has {len(payload)} bytes, {MAX_PAYLOAD_BYTES} are allowed")
    cause = said.cause
    envelope = Envelope(
        id=event_id,
        source=source,
        type=said.fact.TYPE,
        subject=said.fact.subject,
        merchant_id=said.merchant_id,
        occurred_at=said.occurred_at,
        recorded_at=now,
        origin=said.origin or (cause.origin if cause else "live"),
        correlation_id=cause.correlation_id if cause else correlation_id,
        causation_id=cause.id if cause else None,
        traceparent=(cause.traceparent if cause else None) or traceparent,
    )
    topic = said.topic or said.fact.TOPIC
    return _Draft(said.fact, envelope, payload, topic, lane_of(record_key(said.merchant_id, envelope.subject)))


async def _take(connection: AsyncConnection, drafts: Sequence[_Draft]) -> dict[_Lane, tuple[int, bytes]]:
    """The lanes are locked and counted on; per lane the sequence and the chain before the first draft."""
    counts = Counter((draft.topic, draft.lane) for draft in drafts)
    lanes = sorted(counts)
    rows = await connection.execute(
        _TAKE,
        {
            "topics": [topic for topic, _ in lanes],
            "lanes": [lane for _, lane in lanes],
            "counts": [counts[lane] for lane in lanes],
        },
    )
    found = rows.fetchall()
    _check(lanes, found)
    return {(row.topic, row.lane): (row.first_seq - 1, row.chain) for row in found}


def _check(lanes: Sequence[_Lane], found: Sequence[Row[tuple[object, ...]]]) -> None:
    if len(found) != len(lanes):
        missing = set(lanes) - {(row.topic, row.lane) for row in found}
        raise LaneNotSeeded(f"no counter for {sorted(missing)[:3]}")
    if not found[0].genuine:
        raise SourceRestored("this database was restored or moved since it last spoke; start a new epoch first")


def _place(drafts: Sequence[_Draft], ends: dict[_Lane, tuple[int, bytes]], source: str) -> list[Event[Fact]]:
    """Every draft with its place; `ends` is moved on to the lanes' new heads."""
    events = []
    for draft in drafts:
        lane = (draft.topic, draft.lane)
        sequence, chain = ends[lane]
        ends[lane] = sequence, chain = sequence + 1, chain_next(chain, draft.envelope.id)
        position = Position(source=source, topic=draft.topic, lane=draft.lane, sequence=sequence, chain=chain)
        events.append(Event(draft.envelope, draft.fact, position))
    return events


async def _write(
    connection: AsyncConnection,
    drafts: Sequence[_Draft],
    events: Sequence[Event[Fact]],
    heads: dict[_Lane, tuple[int, bytes]],
) -> None:
    positions = [event.position for event in events if event.position is not None]
    lanes = sorted(heads)
    await connection.execute(
        _WRITE,
        {
            "topics": [draft.topic for draft in drafts],
            "lanes": [draft.lane for draft in drafts],
            "seqs": [position.sequence for position in positions],
            "ids": [event.id for event in events],
            "chains": [position.chain for position in positions],
            "merchants": [event.merchant_id for event in events],
            "subjects": [event.envelope.subject for event in events],
            "types": [event.envelope.type for event in events],
            "headers": [headers_text(event.envelope, event.position) for event in events],
            "payloads": [draft.payload for draft in drafts],
            "head_topics": [topic for topic, _ in lanes],
            "head_lanes": [lane for _, lane in lanes],
            "head_chains": [heads[lane][1] for lane in lanes],
        },
    )


def headers_text(envelope: Envelope, position: Position | None) -> str:
    """The record's headers as the JSON text that outbox and PostgreSQL bus keep."""
    return to_json(to_headers(envelope, position)).decode()
