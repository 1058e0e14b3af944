"""A new epoch: the source that was restored goes on under numbers that nobody has heard yet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.contracts.control import Ancestor, EpochStartedV1
from libs.contracts.envelope import NO_MERCHANT, Position
from libs.eventbus import identity
from libs.eventbus.bus_records import bus_envelope
from libs.eventbus.lanes import chain_next, epoch_of
from libs.eventbus.outbox import headers_text
from libs.eventbus.protocol_epochs import first_of, next_epoch, waypoint_sequences
from libs.eventbus.schema import ensure_partitions
from libs.eventbus.words import LaneNumber, Point

_LOCK = text("SELECT topic, lane, next_seq - 1 AS head, chain FROM outbox_lane ORDER BY topic, lane FOR UPDATE")
_END = text("""
INSERT INTO outbox_epoch (topic, lane, epoch, last_seq, chain, ended_at, ended_by, reason)
SELECT topic, lane, CAST((next_seq - 1) >> 40 AS int4), next_seq - 1, chain, CAST(:now AS timestamptz),
    CAST(:by AS text), CAST(:reason AS text) FROM outbox_lane
""")
_LINEAGE = text("SELECT topic, lane, last_seq, chain FROM outbox_epoch ORDER BY topic, lane, epoch")
_ENDED = text("""
SELECT DISTINCT topic, epoch, ended_at, ended_by, reason FROM outbox_epoch ORDER BY ended_at DESC, topic, epoch DESC
""")
_WAYPOINTS = text("""
SELECT o.topic, o.lane, o.seq, o.chain
FROM unnest(CAST(:topics AS text[]), CAST(:lanes AS int2[]), CAST(:seqs AS int8[])) x(topic, lane, seq)
JOIN outbox o ON (o.topic, o.lane, o.seq) = (x.topic, x.lane, x.seq) ORDER BY o.topic, o.lane, o.seq
""")
_SAY = text("""
INSERT INTO outbox (topic, lane, seq, event_id, chain, merchant_id, subject, type, headers, payload)
SELECT x.topic, x.lane, CAST(:seq AS int8), x.id, x.chain, CAST(:merchant AS uuid), x.subject, CAST(:type AS text),
    x.headers, x.payload
FROM unnest(CAST(:topics AS text[]), CAST(:lanes AS int2[]), CAST(:ids AS uuid[]), CAST(:chains AS bytea[]),
    CAST(:subjects AS text[]), CAST(:headers AS text[]), CAST(:payloads AS bytea[]))
    x(topic, lane, id, chain, subject, headers, payload)
""")
_BEGIN = text("""
UPDATE outbox_lane t SET next_seq = CAST(:seq AS int8) + 1, chain = x.chain, epoch = :epoch
FROM unnest(CAST(:topics AS text[]), CAST(:lanes AS int2[]), CAST(:chains AS bytea[])) x(topic, lane, chain)
WHERE (t.topic, t.lane) = (x.topic, x.lane)
""")


@dataclass(frozen=True, slots=True)
class Started:
    """The epoch that began, and in how many lanes."""

    epoch: int
    lanes: int


@dataclass(frozen=True, slots=True)
class Ended:
    """An epoch that another one followed."""

    topic: str
    epoch: int
    ended_at: datetime
    ended_by: str
    reason: str


async def ended(connection: AsyncConnection) -> Sequence[Ended]:
    """The epochs that are over, newest first."""
    return [Ended(*row) for row in await connection.execute(_ENDED)]


async def start(
    connection: AsyncConnection, *, source: str, by: str, reason: str, now: datetime, new_id: Callable[[], UUID]
) -> Started:
    """Every lane's next event is its epoch's first, and this database is the one that speaks from here on.

    All of it in the running transaction: there is no half of an epoch. Asked twice, it begins two, and readers follow
    both. Nothing but COMMIT may follow: every lane is locked.
    """
    await ensure_partitions(connection, now)
    heads = {(row.topic, row.lane): Point(row.head, row.chain) for row in await connection.execute(_LOCK)}
    epoch = next_epoch(max((epoch_of(head.sequence) for head in heads.values()), default=0), now)
    await connection.execute(_END, {"now": now, "by": by, "reason": reason})
    openings = await _openings(connection, heads, source=source, epoch=epoch, now=now, new_id=new_id)
    await _say(connection, heads, openings, source=source, now=now, new_id=new_id)
    await identity.renew(connection)
    return Started(epoch, len(heads))


async def _openings(
    connection: AsyncConnection,
    heads: Mapping[LaneNumber, Point],
    *,
    source: str,
    epoch: int,
    now: datetime,
    new_id: Callable[[], UUID],
) -> dict[LaneNumber, EpochStartedV1]:
    """The first fact of each lane's epoch."""
    lineage = await _points(connection, heads)
    waypoints = await _waypoints(connection, lineage)
    incarnation = new_id()
    return {
        (topic, lane): EpochStartedV1(
            source=source,
            topic=topic,
            lane=lane,
            epoch=epoch,
            lineage=_ancestors(lineage[topic, lane]),
            waypoints=_ancestors(waypoints[topic, lane]),
            incarnation=incarnation,
            at=now,
        )
        for topic, lane in heads
    }


async def _points(connection: AsyncConnection, heads: Mapping[LaneNumber, Point]) -> dict[LaneNumber, list[Point]]:
    ended: dict[LaneNumber, list[Point]] = {lane: [] for lane in heads}
    for row in await connection.execute(_LINEAGE):
        ended[row.topic, row.lane].append(Point(row.last_seq, row.chain))
    return ended


async def _waypoints(
    connection: AsyncConnection, lineage: Mapping[LaneNumber, Sequence[Point]]
) -> dict[LaneNumber, list[Point]]:
    ends = {lane: [point.sequence for point in line] for lane, line in lineage.items()}
    wanted = [(*lane, sequence) for lane in ends for sequence in waypoint_sequences(ends[lane])]
    topics, lanes, sequences = ([one[n] for one in wanted] for n in range(3))
    found: dict[LaneNumber, list[Point]] = {lane: [] for lane in lineage}
    for row in await connection.execute(_WAYPOINTS, {"topics": topics, "lanes": lanes, "seqs": sequences}):
        found[row.topic, row.lane].append(Point(row.seq, row.chain))
    return found


def _ancestors(points: Sequence[Point]) -> tuple[Ancestor, ...]:
    return tuple(Ancestor(epoch_of(point.sequence), point.sequence, point.chain.hex()) for point in points)


async def _say(
    connection: AsyncConnection,
    heads: Mapping[LaneNumber, Point],
    openings: Mapping[LaneNumber, EpochStartedV1],
    *,
    source: str,
    now: datetime,
    new_id: Callable[[], UUID],
) -> None:
    """The facts stand in the outbox, and the lanes go on behind them."""
    lanes, facts = list(openings), list(openings.values())
    if not lanes:
        return
    epoch = facts[0].epoch
    first = first_of(epoch)
    ids = [new_id() for _ in lanes]
    chains = [chain_next(heads[lane].chain, event_id) for lane, event_id in zip(lanes, ids, strict=True)]
    named = zip(facts, ids, strict=True)
    envelopes = [bus_envelope(fact, event_id=event_id, source=source, now=now) for fact, event_id in named]
    places = [Position(source, topic, lane, first, chain) for (topic, lane), chain in zip(lanes, chains, strict=True)]
    columns = {"topics": [topic for topic, _ in lanes], "lanes": [lane for _, lane in lanes], "chains": chains}
    texts = {
        "ids": ids,
        "subjects": [fact.subject for fact in facts],
        "headers": [headers_text(envelope, place) for envelope, place in zip(envelopes, places, strict=True)],
        "payloads": [fact.to_bytes() for fact in facts],
    }
    fixed = {"seq": first, "merchant": NO_MERCHANT, "type": EpochStartedV1.TYPE}
    await connection.execute(_SAY, {**columns, **texts, **fixed})
    await connection.execute(_BEGIN, {**columns, "seq": first, "epoch": epoch})
