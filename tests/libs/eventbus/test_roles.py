"""The bus under the installation's own roles: a worker owns nothing and may still do all of this."""

from datetime import UTC, datetime
from functools import partial

import asyncpg

from libs.eventbus import postgres_schema
from libs.eventbus.postgres import PostgresBus
from libs.eventbus.retention import Retention
from libs.eventbus.schema import ensure_partitions
from tests.libs.eventbus.bed import Bed, note_nothing
from tests.libs.eventbus.buses import PARTITIONS, QUICK, wipe_database
from tests.libs.eventbus.tables import connect_engine, seed
from tests.libs.eventbus.tallies import TOPIC, tallied
from tests.throwaway import Databases


async def test_worker_and_bus_client_can_say_relay_read_and_keep_house(databases: Databases) -> None:
    urls = await databases.fresh("loyalty")
    bus_owner, bus_client = await databases.fresh_bus()
    connection = await asyncpg.connect(bus_owner)
    topics = {TOPIC: PARTITIONS, "control": 1}
    await postgres_schema.install(connection, topics=topics, now=datetime.now(UTC), client_role="bus_client")
    await connection.close()
    engine = connect_engine(urls.worker)

    async with PostgresBus.open(bus_client, pace=QUICK) as bus:
        bed = Bed(urls.worker, bus_client, engine, bus, partial(wipe_database, bus_owner))
        await seed(engine)
        await bed.say(tallied(1, 0), tallied(2, 0))
        async with bed.running(bed.relay().run, bed.source().answer, bed.consumer(note_nothing).run):
            await bed.until(lambda: _all_read(bed))
        async with bed.begin() as work:
            await ensure_partitions(work.connection, datetime.now(UTC))
        await Retention(bed.begin).run(datetime.now(UTC))
        await bus.maintain(datetime.now(UTC))
    await engine.dispose()


async def _all_read(bed: Bed) -> bool:
    return bool(await bed.one("SELECT coalesce(sum(last_seq), 0) FROM inbox_lane") == 2)
