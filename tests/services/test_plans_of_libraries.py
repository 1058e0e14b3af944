"""What the bus and the service kit ask of a service's database finds its rows by their own key."""

from typing import Final

from libs.eventbus import (
    acceptance,
    attempts,
    batch,
    forgotten,
    garbage,
    halts,
    identity,
    marks,
    outbox,
    outbox_reading,
    parked,
    replaying,
    source,
    trail,
    worker_starts,
)
from libs.servicekit import audit, effect_sender, effects, idempotency, job_runner, jobs, timers
from tests.plans import analyse, statements_of, walks
from tests.throwaway import Databases

STATEMENTS: Final = {
    **statements_of(acceptance, attempts, batch, forgotten, garbage, halts, identity, marks, outbox, parked, replaying),
    **statements_of(source, trail, worker_starts, audit, effect_sender, effects, idempotency, job_runner, jobs, timers),
    **{f"outbox_reading.{name}": getattr(outbox_reading, name) for name in ("_WORK", "_ROWS", "_ADVANCE", "_HEADS")},
}
FEW_ROWS: Final = ("source_identity", "outbox_lane", "outbox_cursor", "outbox_floor", "merchant", "job")
"""Tables with a row per lane, group or merchant, and the jobs that somebody asked for."""
# The index holds only the calls under way: a handful.
INTENDED: Final = [
    "effect_sender._STILL_OURS: walks through effect_calling (kind, calling_until) with no condition",
]


async def test_statements_use_their_keys_on_empty_tables_and_with_statistics(databases: Databases) -> None:
    urls = await databases.fresh("messaging")

    assert len(STATEMENTS) > 60
    assert await walks(urls.worker, STATEMENTS, few_rows=FEW_ROWS) == INTENDED
    await analyse(urls.owner)
    assert await walks(urls.worker, STATEMENTS, few_rows=FEW_ROWS) == INTENDED
