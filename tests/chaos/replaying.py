"""After the fix: parked events applied again, and the ledger compared with one that never saw the bad version."""

import asyncio

from deploy.demo.api import Api, DemoFailed
from deploy.local.databases import provision
from libs.eventbus.transports import open_bus
from libs.servicekit.clock import SystemClock
from libs.servicekit.database import Database, create_engine
from libs.servicekit.migrations import migrate
from libs.servicekit.worker import prepare_outbox
from services.loyalty import bootstrap
from services.loyalty.adapters.proofs import PostgresProofs
from tests.chaos.arena import Arena

_HEADS = "SELECT topic, lane, next_seq - 1 AS head FROM outbox_lane WHERE topic = 'commerce'"
_MARKS = "SELECT topic, lane, last_seq AS head FROM inbox_lane WHERE topic = 'commerce'"


async def parked_subjects(arena: Arena) -> set[str]:
    """Record keys with an open parked event in loyalty."""
    async with arena.admin("loyalty") as connection:
        rows = await connection.fetch("SELECT DISTINCT subject FROM parked_event WHERE status = 'parked'")
    return {row["subject"] for row in rows}


async def all_read(arena: Arena, *, within_seconds: float) -> None:
    """loyalty has read everything that order-ingest told; parked events count as read."""
    async with asyncio.timeout(within_seconds):
        await _until_equal(arena, "loyalty")


async def replay_all(arena: Arena, *, within_seconds: float) -> int:
    """No event is parked any more; how many subjects were replayed over HTTP."""
    api, replayed = arena.ops["loyalty"], 0
    async with asyncio.timeout(within_seconds):
        while found := (await api.get("/v1/ops/parked_events", limit=200))["items"]:
            for event in {each["subject"]: each for each in reversed(found) if each["failed"]}.values():
                replayed += await _replay(api, event["id"])
            await asyncio.sleep(1.0)
    return replayed


async def _replay(api: Api, parked_id: str) -> int:
    try:
        await api.post(f"/v1/ops/parked_events/{parked_id}/replays", {}, key=f"replay-{parked_id}")
    except DemoFailed as refused:
        if "already-resolved" not in str(refused):
            raise
        return 0  # an earlier replay's job came to it meanwhile
    return 1


async def digest(url: str) -> tuple[str, int]:
    """The ledger's hash and its number of lines, read under the worker role."""
    database = Database(create_engine(url, "worker"), source="loyalty", clock=SystemClock())
    try:
        async with database.begin() as uow:
            return await PostgresProofs().digest(uow)
    finally:
        await database.close()


async def clean_digest(arena: Arena, *, within_seconds: float) -> tuple[str, int]:
    """The hash of a ledger made from the same log by the good version, in a database of its own."""
    urls = (await provision(arena.stack.admin_url, passwords=arena.stack.keys.password, suffix="_clean")).services
    url = urls["loyalty"].worker
    await migrate("loyalty", urls["loyalty"].owner)
    clock, stop = SystemClock(), asyncio.Event()
    database = Database(create_engine(url, "worker"), source="loyalty", clock=clock)
    await prepare_outbox(database, "loyalty", clock)
    await _same_programmes(arena)
    async with open_bus(arena.stack.bus_url) as bus:
        reader = bootstrap.consumer(database, bus, clock)
        reader.group = "loyalty-clean"
        reading = asyncio.create_task(reader.run(stop))
        async with asyncio.timeout(within_seconds):
            await _until_equal(arena, "loyalty_clean")
        stop.set()
        await reading
    await database.close()
    return await digest(url)


async def _same_programmes(arena: Arena) -> None:
    """The clean database starts with the merchant and its programmes: versions are published over HTTP, not told."""
    async with arena.admin("loyalty") as source, arena.admin("loyalty_clean") as target:
        for table in ("merchant", "programme", "programme_version"):
            rows = await source.fetch(f"SELECT * FROM {table}")
            await target.copy_records_to_table(
                table, records=[tuple(row) for row in rows], columns=list(rows[0].keys())
            )


async def _until_equal(arena: Arena, reader: str) -> None:
    while await _rows(arena, "order_ingest", _HEADS) != await _rows(arena, reader, _MARKS):  # noqa: ASYNC110
        await asyncio.sleep(0.3)


async def _rows(arena: Arena, database: str, query: str) -> set[tuple[str, int, int]]:
    async with arena.admin(database) as connection:
        return {(row["topic"], row["lane"], row["head"]) for row in await connection.fetch(query)}
