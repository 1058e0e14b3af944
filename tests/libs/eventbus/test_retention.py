"""Retention: a day goes when everybody has read it, behind a committed floor, and never with a row above it."""

from datetime import UTC, datetime, timedelta

from libs.eventbus.retention import CAP_DAYS, KEEP_DAYS, Retention
from libs.eventbus.schema import ensure_partitions
from tests.libs.eventbus.bed import Bed
from tests.libs.eventbus.tallies import GROUP, LANE, TOPIC, tallied


async def say_in_the_past(bed: Bed, days: int, count: int) -> datetime:
    """Facts that were said so many days ago."""
    then = datetime.now(UTC) - timedelta(days=days)
    async with bed.begin() as work:
        await ensure_partitions(work.connection, then)
    await bed.say(*(tallied(1, n) for n in range(count)))
    await bed.sql("UPDATE outbox SET created_at = :then", then=then)
    await bed.sql("UPDATE outbox_cursor SET published = :count WHERE lane = :lane", count=count, lane=LANE)
    return then


async def report(bed: Bed, mark: int) -> None:
    await bed.sql(
        "INSERT INTO consumer_group_member SELECT :group, :topic, n, CASE WHEN n = :lane THEN :mark ELSE 0 END, now(),"
        " now() FROM generate_series(0, 63) n",
        group=GROUP,
        topic=TOPIC,
        lane=LANE,
        mark=mark,
    )


async def test_a_day_that_every_group_has_read_is_dropped_and_the_floor_says_so(bed: Bed) -> None:
    then = await say_in_the_past(bed, KEEP_DAYS + 1, 3)
    await report(bed, 3)

    dropped = await Retention(bed.begin).run(datetime.now(UTC))

    assert f"outbox_{then:%Y%m%d}" in dropped
    assert await bed.sql("SELECT 1 FROM outbox") == []
    assert await bed.one("SELECT floor FROM outbox_floor WHERE lane = :lane", lane=LANE) == 4


async def test_a_day_that_a_group_has_not_read_stays(bed: Bed) -> None:
    await say_in_the_past(bed, KEEP_DAYS + 1, 3)
    await report(bed, 2)

    await Retention(bed.begin).run(datetime.now(UTC))

    assert await bed.one("SELECT count(*) FROM outbox") == 3
    assert await bed.one("SELECT max(floor) FROM outbox_floor") == 1


async def test_a_day_that_was_not_handed_over_stays(bed: Bed) -> None:
    await say_in_the_past(bed, KEEP_DAYS + 1, 3)
    await bed.sql("UPDATE outbox_cursor SET published = 0")

    await Retention(bed.begin).run(datetime.now(UTC))

    assert await bed.one("SELECT count(*) FROM outbox") == 3


async def test_beyond_the_cap_a_day_goes_whoever_is_behind(bed: Bed) -> None:
    await say_in_the_past(bed, CAP_DAYS + 1, 3)
    await report(bed, -1)

    await Retention(bed.begin).run(datetime.now(UTC))

    assert await bed.sql("SELECT 1 FROM outbox") == []
    assert await bed.one("SELECT floor FROM outbox_floor WHERE lane = :lane", lane=LANE) == 4


async def test_a_row_above_the_floor_keeps_its_day(bed: Bed) -> None:
    """A clock step back put a new row into an old day, after the floor was decided."""
    then = await say_in_the_past(bed, KEEP_DAYS + 1, 3)
    await bed.sql("UPDATE outbox_floor SET floor = 3 WHERE lane = :lane", lane=LANE)

    kept = await bed.one("SELECT NOT outbox_drop_day(:child)", child=f"outbox_{then:%Y%m%d}")

    assert kept
    assert await bed.one("SELECT count(*) FROM outbox") == 3


async def test_resolved_parked_events_and_garbage_go_after_14_days_and_open_ones_never(bed: Bed) -> None:
    for sequence, status in enumerate(("parked", "replayed", "discarded")):
        await bed.sql(
            "INSERT INTO parked_event (consumer_group, source, topic, lane, seq, subject, event, failed, status,"
            " parked_at, resolved_at) VALUES ('g', 's', 't', 1, :seq, 'x', '{}', true, :status,"
            " now() - interval '30 days', now() - interval '15 days')",
            seq=sequence,
            status=status,
        )

    await Retention(bed.begin).run(datetime.now(UTC))

    assert await bed.sql("SELECT status FROM parked_event") == [("parked",)]


async def test_days_are_made_ahead_and_making_them_again_is_harmless(bed: Bed) -> None:
    async with bed.begin() as work:
        await ensure_partitions(work.connection, datetime.now(UTC) + timedelta(days=10))
        await ensure_partitions(work.connection, datetime.now(UTC) + timedelta(days=10))

    days = await bed.one("SELECT count(*) FROM pg_inherits WHERE inhparent = CAST('outbox' AS regclass)")
    assert days == 5 + 5
