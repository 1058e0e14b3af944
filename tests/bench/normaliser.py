"""P4: the normaliser, from stored deliveries to canonical orders and facts in the outbox."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from libs.servicekit.clock import SystemClock
from libs.servicekit.sealing import Sealer, Vault
from libs.servicekit.worker import open_database
from services.order_ingest.adapters.addresses import LibraryAddresses
from services.order_ingest.adapters.intake_log import IntakeLog
from services.order_ingest.application.read_entry import Reader
from services.order_ingest.entrypoints.normaliser import Normaliser
from services.order_ingest.settings import Settings
from services.order_ingest.worker_tasks import NAME
from tests.bench.figures import Result, Row, Sample, Target, rates, ratios
from tests.bench.meters import Meter
from tests.bench.profiles import profiled
from tests.bench.stand import Contestant, stand
from tests.bench.terms import Terms

_ORDERS: Final = 3_000


async def normaliser(terms: Terms) -> Result:
    """So many webhooks are taken in, then normalised: parsing, people, books, outbox and COMMIT."""
    taken: list[Sample] = []
    normalised: list[Sample] = []
    result, orders = Result(), terms.sized(_ORDERS)
    async with stand() as found, _opened(found.stack.environment("order_ingest", "worker")) as ours:
        await _round(ours, found.intake, 50)
        for _ in range(terms.repeats):
            taken.append(await found.intake.filled(orders))
            normalised.append(await _drained(ours, found.intake, orders))
        if not terms.is_short:
            await found.intake.filled(orders)
            async with profiled(os.getpid(), terms.svg("normaliser"), result):
                await ours.drain()
    result.rows = [
        Row(
            id="P4",
            what="normaliser / intake of the same deliveries",
            values=ratios(normalised, taken),
            unit="x",
            target=Target(at_least=0.5),
        ),
        Row(
            id="P4",
            what="normaliser",
            values=rates(normalised),
            unit="orders/s",
            target=Target(at_least=3_000),
            absolute=True,
            samples=normalised,
        ),
    ]
    return result


async def _round(ours: Normaliser, intake: Contestant, orders: int) -> None:
    """Statements are prepared and products known, as after the first minute of a day."""
    await intake.filled(orders)
    await ours.drain()


async def _drained(ours: Normaliser, intake: Contestant, orders: int) -> Sample:
    meter = Meter([os.getpid()], intake.postmaster)
    with meter.running():
        await ours.drain()
    return meter.sample(orders)


@asynccontextmanager
async def _opened(environment: Mapping[str, str]) -> AsyncIterator[Normaliser]:
    """The worker's normaliser, built as the worker builds it, on the stack's own database."""
    settings = Settings(**{name.lower(): value for name, value in environment.items()})  # type: ignore[arg-type]
    clock, vault = SystemClock(), Vault(settings.vault_key_ring)
    database = open_database(
        settings.database_worker_url, "worker", source=NAME, pool_size=settings.worker_pool_size, clock=clock
    )
    reader = Reader(LibraryAddresses(), Sealer(settings.seal_key_ring, settings.match_key_bytes))
    try:
        yield Normaliser(IntakeLog(database, vault, clock), reader)
    finally:
        await database.close()
