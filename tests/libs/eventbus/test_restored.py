"""R20 on real PostgreSQL: a source's database is put back to an older point; found, stopped, healed by a new epoch."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from libs.contracts.envelope import Said
from libs.eventbus import acceptance, new_epoch
from libs.eventbus.answers import Acceptance
from libs.eventbus.errors import EpochUnknown, HistoriesApart, SourceRestored
from libs.eventbus.words import Lane
from tests.libs.eventbus.bed import Bed, effects_of_one
from tests.libs.eventbus.buses import postgres_bus, wipe_database
from tests.libs.eventbus.tables import connect_engine, empty_database, lay_tables
from tests.libs.eventbus.tallies import GROUP, LANE, MERCHANT, SOURCE, TOPIC, TalliedV1, customer
from tests.throwaway import Databases

ONE = Lane(SOURCE, TOPIC, LANE)
Run = Callable[[asyncio.Event], Awaitable[None]]


@dataclass
class Pair:
    """A source with a database of its own, and a reader with another one."""

    source: Bed
    reader: Bed
    backups: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)

    async def back_up(self) -> None:
        """A copy of the source's database as it is now. Nobody may be connected to it meanwhile."""
        await self.source.engine.dispose()
        name = f"b{uuid4().hex[:12]}"
        admin = await asyncpg.connect(self.reader.url)
        try:
            await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{urlsplit(self.source.url).path[1:]}"')
        finally:
            await admin.close()
        self.copies.append(name)
        self.backups.append(urlunsplit(urlsplit(self.source.url)._replace(path=f"/{name}")))

    async def drop_copies(self) -> None:
        admin = await asyncpg.connect(self.reader.url)
        try:
            for name in self.copies:
                await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        finally:
            await admin.close()

    async def restore(self) -> None:
        """The source's database is the copy made last."""
        await self.source.engine.dispose()
        url = self.backups.pop()
        self.source = replace(self.source, url=url, engine=connect_engine(url))

    async def start_epoch(self) -> new_epoch.Started:
        async with self.source.engine.begin() as connection:
            return await new_epoch.start(
                connection,
                source=SOURCE,
                by="somebody",
                reason="restored from a backup",
                now=self.source.clock.now(),
                new_id=self.source.new_id,
            )

    async def accept_all(self) -> None:
        for one in await self.pending():
            async with self.reader.begin() as work:
                await acceptance.accept(work.connection, GROUP, one.halted.lane, by="somebody", reason="restored")

    async def accept(self) -> list[int]:
        async with self.reader.begin() as work:
            taken = await acceptance.accept(work.connection, GROUP, ONE, by="somebody", reason="it was restored")
        return [trace.sequence for trace in taken]

    async def pending(self) -> list[acceptance.Forgotten]:
        async with self.reader.begin() as work:
            return await acceptance.pending(work.connection, GROUP)

    def tasks(self) -> tuple[Run, Run]:
        return self.source.relay().run, self.source.source().answer

    async def read(self, count: int) -> None:
        """Relay and reader ran until the reader had so many effects."""
        async with self.reader.running(*self.tasks(), self.reader.consumer().run):
            await self.reader.applied(count)
            await self.reader.until(self.drained)

    async def drained(self) -> bool:
        return sum((await self.reader.bus.lag(GROUP, [TOPIC])).values()) == 0

    async def halted(self) -> bool:
        return bool(await self.reader.sql("SELECT 1 FROM halted_lane"))

    async def heard(self) -> bool:
        waiting = "SELECT lane FROM halted_lane WHERE opening IS NULL"
        return bool(await self.halted() and not await self.reader.sql(waiting))

    async def all_heard(self) -> bool:
        return bool(await self.reader.one("SELECT count(opening) FROM halted_lane") == 64)

    async def stopped(self, holds: Callable[[], Awaitable[bool]]) -> None:
        async with self.reader.running(*self.tasks(), self.reader.consumer().run):
            await self.reader.until(holds)


@pytest.fixture(scope="session")
async def two_databases(databases: Databases) -> tuple[str, str]:
    """The source's, and one for reader and bus; their tables are laid anew for each test."""
    return await databases.blank(), await databases.blank()


@pytest.fixture
async def pair(two_databases: tuple[str, str]) -> AsyncIterator[Pair]:
    source_url, reader_url = two_databases
    await empty_database(source_url)
    async with postgres_bus(reader_url) as bus:
        source, reader = await lay_tables(source_url), await lay_tables(reader_url)
        reading = Bed(reader_url, reader_url, reader, bus, partial(wipe_database, reader_url))
        pair = Pair(replace(reading, url=source_url, engine=source), reading)
        yield pair
        await pair.source.engine.dispose()
        await pair.drop_copies()
    await reader.dispose()


def keyed(n: int) -> Said:
    """A number about customer 1, under an id that is the same whenever it is said."""
    return Said(TalliedV1(customer_id=customer(1), n=n), MERCHANT, datetime.now(UTC), key=f"tally {n}")


async def forgotten_tail(pair: Pair) -> None:
    """0 and 1 are in the backup, 2 and 3 were applied after it, and the backup was put back."""
    await pair.source.say(keyed(0), keyed(1))
    await pair.read(2)
    await pair.back_up()
    await pair.source.say(keyed(2), keyed(3))
    await pair.read(4)
    await pair.restore()


async def test_a_restored_source_neither_writes_nor_relays(pair: Pair) -> None:
    await forgotten_tail(pair)

    with pytest.raises(SourceRestored):
        await pair.source.say(keyed(4))
    with pytest.raises(SourceRestored):
        await pair.source.relay().run(asyncio.Event())


async def test_a_forgotten_tail_stops_the_lane_until_it_is_accepted_and_then_everything_flows(pair: Pair) -> None:
    await forgotten_tail(pair)
    started = await pair.start_epoch()

    await pair.stopped(pair.heard)
    forgotten = (await pair.pending())[0]
    accepted = await pair.accept()
    await pair.source.say(keyed(3), keyed(4))  # 3 is said again, under the same id
    await pair.read(5)

    assert started.lanes == 64
    assert isinstance(forgotten.plan, Acceptance)
    assert [(one.sequence, one.type) for one in forgotten.plan.forgotten] == [(3, TalliedV1.TYPE), (4, TalliedV1.TYPE)]
    assert accepted == [3, 4]
    assert await effects_of_one(pair.reader) == [0, 1, 2, 3, 4]
    assert await marks_reach(pair)


async def test_a_stopped_lane_stays_stopped_over_a_restart_and_a_wiped_log(pair: Pair) -> None:
    await forgotten_tail(pair)
    await pair.start_epoch()
    await pair.source.say(keyed(4))
    await pair.stopped(pair.halted)
    await pair.reader.sql("UPDATE halted_lane SET epoch = 0, opening = NULL")  # as if it had not been heard
    await pair.reader.wipe()

    await pair.stopped(pair.heard)
    before = await effects_of_one(pair.reader)
    await pair.accept()
    await pair.read(5)

    assert before == [0, 1, 2, 3]
    assert await effects_of_one(pair.reader) == [0, 1, 2, 3, 4]


async def test_a_running_reader_goes_on_as_soon_as_it_is_let(pair: Pair) -> None:
    await forgotten_tail(pair)
    await pair.start_epoch()
    await pair.source.say(keyed(4))

    async with pair.reader.running(*pair.tasks(), pair.reader.consumer().run):
        await pair.reader.until(pair.heard)
        await pair.accept()
        await pair.reader.applied(5)

    assert await effects_of_one(pair.reader) == [0, 1, 2, 3, 4]


async def test_lanes_that_forgot_nothing_go_on_without_an_operator(pair: Pair) -> None:
    await pair.source.say(keyed(0), keyed(1))
    await pair.read(2)
    await pair.back_up()
    await pair.restore()
    await pair.start_epoch()
    await pair.source.say(keyed(2))

    await pair.read(3)

    assert await effects_of_one(pair.reader) == [0, 1, 2]
    assert not await pair.halted()


async def test_a_reader_behind_the_cut_hears_the_rest_first(pair: Pair) -> None:
    await pair.source.say(keyed(0), keyed(1))
    await pair.back_up()
    await pair.restore()
    await pair.start_epoch()
    await pair.source.say(keyed(2))

    await pair.read(3)

    assert await effects_of_one(pair.reader) == [0, 1, 2]


async def test_a_branch_that_nobody_noticed_is_left_where_it_began(pair: Pair) -> None:
    """A snapshot of the disk was put back: the database looks the same, and it said other things meanwhile."""
    await pair.source.say(keyed(0), keyed(1))
    await pair.read(2)
    await pair.back_up()
    await pair.source.say(keyed(2))
    await pair.read(3)
    await pair.restore()
    await pair.source.sql("DELETE FROM source_identity")
    await pair.source.say(keyed(10), keyed(11))
    await pair.stopped(pair.halted)
    await pair.start_epoch()
    await pair.source.say(keyed(2), keyed(12))

    await pair.stopped(pair.heard)
    accepted = await pair.accept()
    await pair.read(6)

    assert accepted == [3]
    assert await effects_of_one(pair.reader) == [0, 1, 2, 10, 11, 12]


async def test_what_was_parked_and_forgotten_is_discarded_and_applied_when_it_is_said_again(pair: Pair) -> None:
    await pair.source.say(keyed(0), keyed(1))
    await pair.read(2)
    await pair.back_up()
    await pair.source.say(keyed(2), keyed(3))
    async with pair.reader.running(*pair.tasks(), pair.reader.consumer(refuse).run):
        await pair.reader.until(lambda: parked_are(pair, 2))
    await pair.restore()
    await pair.start_epoch()
    await pair.stopped(pair.heard)
    accepted = await pair.accept()
    await pair.source.say(keyed(2))

    await pair.read(3)

    assert accepted == []
    assert await effects_of_one(pair.reader) == [0, 1, 2]
    assert await pair.reader.sql("SELECT status FROM parked_event ORDER BY seq") == [("discarded",), ("discarded",)]


async def test_what_a_branch_says_at_the_place_of_a_forgotten_parked_event_is_parked_as_well(pair: Pair) -> None:
    """Both stand at sequence 3; the first one was discarded with the branch that the source forgot."""
    await pair.source.say(keyed(0), keyed(1))
    await pair.read(2)
    await pair.back_up()
    await pair.source.say(keyed(2))
    async with pair.reader.running(*pair.tasks(), pair.reader.consumer(refuse).run):
        await pair.reader.until(lambda: parked_are(pair, 1))
    await pair.restore()
    await pair.source.sql("DELETE FROM source_identity")
    await pair.source.say(keyed(10))
    await pair.stopped(pair.halted)
    await pair.start_epoch()
    await pair.stopped(pair.heard)
    await pair.accept()

    async with pair.reader.running(*pair.tasks(), pair.reader.consumer(refuse).run):
        await pair.reader.until(lambda: parked_are(pair, 1))

    [(event,)] = await pair.reader.sql("SELECT event ->> 'payload' FROM parked_event WHERE status = 'parked'")
    assert '"n":10' in bytes.fromhex(event).decode()


async def test_two_restores_one_after_the_other(pair: Pair) -> None:
    """The second one goes back to before the first one's epoch: what every lane heard of that one is forgotten."""
    await pair.source.say(keyed(0), keyed(1))
    await pair.read(2)
    await pair.back_up()
    await pair.back_up()
    await pair.source.say(keyed(2))
    await pair.read(3)
    for n, halted in ((3, pair.heard), (4, pair.all_heard)):
        await pair.restore()
        pair.reader.clock.advance(600)
        await pair.start_epoch()
        await pair.source.say(keyed(n))
        await pair.stopped(halted)
        await pair.accept_all()
        await pair.read(n + 1)

    assert await effects_of_one(pair.reader) == [0, 1, 2, 3, 4]
    assert await marks_reach(pair)


async def test_nothing_is_accepted_before_the_epoch_was_heard_or_beyond_what_is_remembered(pair: Pair) -> None:
    await forgotten_tail(pair)
    await pair.reader.sql(
        "INSERT INTO halted_lane (consumer_group, source, topic, lane, reason) VALUES (:g, :s, :t, :l, 'by hand')",
        g=GROUP,
        s=SOURCE,
        t=TOPIC,
        l=LANE,
    )
    with pytest.raises(EpochUnknown):
        await pair.accept()
    await pair.start_epoch()
    await pair.stopped(pair.heard)
    await pair.reader.sql("DELETE FROM inbox_trail")

    with pytest.raises(HistoriesApart):
        await pair.accept()


async def marks_reach(pair: Pair) -> bool:
    """Every mark of the reader stands at its source's head."""
    marks = await pair.reader.sql("SELECT lane, last_seq, chain FROM inbox_lane ORDER BY lane")
    heads = await pair.source.sql("SELECT lane, next_seq - 1, chain FROM outbox_lane ORDER BY lane")
    return bool(marks == heads)


async def parked_are(pair: Pair, count: int) -> bool:
    return bool(await pair.reader.one("SELECT count(*) FROM parked_event WHERE status = 'parked'") == count)


async def refuse(transaction: Any, events: Any) -> None:
    raise ValueError("a handler that cannot")
