"""What a transaction says: numbered without gaps, in commit order, under ids that can be told again."""

import asyncio
import os
import random
from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from libs.contracts.envelope import Cause, Said, from_headers
from libs.contracts.privacy import ErasureCompletedV1
from libs.eventbus import outbox
from libs.eventbus.errors import LaneNotSeeded, PayloadTooLarge, SourceRestored
from libs.eventbus.lanes import CHAIN_START, chain_next
from tests.libs.eventbus.bed import Bed
from tests.libs.eventbus.tallies import MERCHANT, SOURCE, TOPIC, TalliedV1, customer, tallied

TRANSACTIONS = int(os.environ.get("R13_TRANSACTIONS", "2000"))
SEED = int(os.environ.get("R13_SEED", "20240229"))
WRITERS = 16
CUSTOMERS = 60
NO_VERSION = -1


class Changed(Exception):
    """The business thought again: rolled back on purpose."""


async def test_concurrent_transactions_leave_a_gapless_chained_outbox_in_commit_order(bed: Bed) -> None:
    await bed.sql("CREATE TABLE version (number int4 PRIMARY KEY, at int8 NOT NULL DEFAULT 0)")
    await bed.sql("INSERT INTO version (number) SELECT n FROM generate_series(1, :most) n", most=CUSTOMERS)
    deadlocks: list[str] = []
    rolled_back = 0

    async def write(rng: random.Random, count: int) -> None:
        nonlocal rolled_back
        for _ in range(count):
            try:
                await _change(bed, rng)
            except Changed:
                rolled_back += 1
            except DBAPIError as failure:
                deadlocks.append(str(failure.orig))

    async with asyncio.TaskGroup() as writers:
        for writer in range(WRITERS):
            writers.create_task(write(random.Random(SEED + writer), TRANSACTIONS // WRITERS))

    print(f"seed {SEED}, {TRANSACTIONS} transactions, {rolled_back} rolled back")
    assert deadlocks == []
    rows = await bed.sql("SELECT lane, seq, event_id, chain, payload FROM outbox ORDER BY lane, seq")
    assert len(rows) > TRANSACTIONS  # several facts each, some rolled back
    _assert_gapless_and_chained(rows)
    _assert_versions_rise([TalliedV1.from_bytes(payload) for *_, payload in rows])


async def _change(bed: Bed, rng: random.Random) -> None:
    numbers = sorted(rng.sample(range(1, CUSTOMERS + 1), rng.randint(1, 4)))
    async with bed.begin() as work:
        for number in numbers:
            version = await work.connection.scalar(
                text("UPDATE version SET at = at + 1 WHERE number = :n RETURNING at"), {"n": number}
            )
            work.say(tallied(number, version))
        for number in rng.sample(range(1000, 1200), 3):  # no row of theirs is locked: only the lanes' order helps
            work.say(tallied(number, NO_VERSION))
        if rng.random() < 0.2:
            raise Changed


def _assert_gapless_and_chained(rows: list[tuple[int, int, UUID, bytes, bytes]]) -> None:
    heads: dict[int, tuple[int, bytes]] = {}
    for lane, sequence, event_id, chain, _ in rows:
        before, digest = heads.get(lane, (0, CHAIN_START))
        assert sequence == before + 1
        assert chain == chain_next(digest, event_id)
        heads[lane] = sequence, chain


def _assert_versions_rise(facts: list[TalliedV1]) -> None:
    """Rows come lane by lane in sequence; a customer lives in one lane, so its versions must count 1, 2, 3 ..."""
    versions: dict[UUID, int] = {}
    for fact in facts:
        if fact.n == NO_VERSION:
            continue
        assert fact.n == versions.get(fact.customer_id, 0) + 1
        versions[fact.customer_id] = fact.n


async def test_a_fact_in_answer_to_another_has_the_same_id_when_it_is_said_again(bed: Bed) -> None:
    cause = Cause(id=UUID(int=7), origin="backfill", correlation_id="c", traceparent="00-1")
    said = [Said(TalliedV1(customer_id=customer(1), n=n), MERCHANT, datetime.now(UTC), cause=cause) for n in (1, 2)]

    await bed.say(*said)

    ids = [row[0] for row in await bed.sql("SELECT event_id FROM outbox ORDER BY seq")]
    assert ids == [uuid5(cause.id, f"{TalliedV1.TYPE}\x1f{index}") for index in (0, 1)]
    envelope, position = from_headers(await _headers(bed))
    assert (envelope.origin, envelope.causation_id, envelope.correlation_id) == ("backfill", cause.id, "c")
    assert position is not None
    assert (position.source, position.topic, position.sequence) == (SOURCE, TOPIC, 1)


async def test_a_keyed_root_fact_has_the_same_id_when_it_is_said_again(bed: Bed) -> None:
    said = Said(TalliedV1(customer_id=customer(1), n=1), MERCHANT, datetime.now(UTC), key="birthday 2024")

    await bed.say(said)
    await bed.say(said)

    assert len(set(await bed.sql("SELECT event_id FROM outbox"))) == 1


async def test_a_fact_of_more_than_256_kib_is_refused_and_nothing_is_committed(bed: Bed) -> None:
    large = TalliedV1(customer_id=customer(1), n=1, padding="x" * outbox.MAX_PAYLOAD_BYTES)

    with pytest.raises(PayloadTooLarge):
        await bed.say(tallied(2, 1), Said(large, MERCHANT, datetime.now(UTC)))

    assert await bed.sql("SELECT 1 FROM outbox") == []


async def test_a_lane_that_was_not_seeded_is_an_error(bed: Bed) -> None:
    await bed.sql("DELETE FROM outbox_lane")

    with pytest.raises(LaneNotSeeded):
        await bed.say(tallied(1, 1))


async def test_a_restored_source_says_nothing(bed: Bed) -> None:
    await bed.relayed()  # stores who the database is
    await bed.sql("UPDATE source_identity SET timeline = '00000000'")

    with pytest.raises(SourceRestored):
        await bed.say(tallied(1, 1))

    assert await bed.sql("SELECT 1 FROM outbox") == []


async def test_seeding_a_topic_again_leaves_its_counters_alone(bed: Bed) -> None:
    await bed.say(tallied(1, 1))

    async with bed.begin() as work:
        await outbox.seed_topic(work.connection, TOPIC)

    assert await bed.one("SELECT sum(next_seq - 1) FROM outbox_lane") == 1
    for table in ("outbox_lane", "outbox_cursor", "outbox_floor"):
        assert await bed.one(f"SELECT count(*) FROM {table}") == 64


async def _headers(bed: Bed) -> dict[str, str]:
    return dict(await bed.one("SELECT CAST(headers AS jsonb) FROM outbox ORDER BY seq LIMIT 1"))


async def test_what_every_owner_may_tell_goes_to_the_tellers_own_topic(bed: Bed) -> None:
    done = ErasureCompletedV1(
        erased_id=customer(1), kind="customer", request_id=MERCHANT, service=SOURCE, completed_at=datetime.now(UTC)
    )

    await bed.say(Said(done, MERCHANT, datetime.now(UTC), topic=TOPIC))
    with pytest.raises(LaneNotSeeded):
        await bed.say(Said(done, MERCHANT, datetime.now(UTC)))

    assert [tuple(row) for row in await bed.sql("SELECT topic, type FROM outbox")] == [(TOPIC, done.TYPE)]
