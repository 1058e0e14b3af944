"""P5: the loyalty fold beside the ORM that does the same per event, and beside COPY of the rows that it writes."""

import os
from collections.abc import Sequence
from typing import Final

from libs.eventbus.port import Outgoing
from tests.bench import loyalty_contestants as contestants
from tests.bench.figures import Result, Row, Sample, Target, cpu_ratios, rates, ratios
from tests.bench.grounds import grounds
from tests.bench.loyalty_year import year_of_events
from tests.bench.profiles import profiled
from tests.bench.records import numbered, redelivered
from tests.bench.terms import Terms

_ORDERS: Final = 8_000
_ORDERS_PER_CUSTOMER: Final = 8
_ORM_EVENTS: Final = 500


async def loyalty_fold(terms: Terms) -> Result:
    """Decoding, marks, ledger, lots, tiers, outbox and COMMIT, batch by batch; 5 % of the events come twice."""
    records = history(terms.sized(_ORDERS))
    few = records[: max(200, terms.sized(_ORM_EVENTS))]
    ours: list[Sample] = []
    orm: list[Sample] = []
    copies: list[Sample] = []
    async with grounds() as ground:
        result = Result(broken=await contestants.disagreement(ground, few))
        for _ in range(terms.repeats):
            urls = await ground.databases.fresh("loyalty")
            ours.append(await contestants.fold(ground, urls, records))
            copies.append(await contestants.copy(ground, urls, len(records)))
            orm.append(await contestants.orm(ground, await ground.databases.blank(), few))
        if not terms.is_short:
            urls = await ground.databases.fresh("loyalty")
            async with profiled(os.getpid(), terms.svg("loyalty-fold"), result):
                await contestants.fold(ground, urls, records)
    result.rows = _rows(ours, orm, copies)
    return result


def history(orders: int) -> list[Outgoing]:
    """A year of the shop as records, about 700 bytes each."""
    events = year_of_events(orders=orders, customers=max(20, orders // _ORDERS_PER_CUSTOMER), seed=7)
    return redelivered(numbered(events, source="order-ingest", topic="commerce"), every=20, behind=30)


def _rows(ours: Sequence[Sample], orm: Sequence[Sample], copies: Sequence[Sample]) -> list[Row]:
    return [
        Row(
            id="P5",
            what="loyalty fold / ORM, a transaction per event (its CPU)",
            values=ratios(ours, orm),
            unit="x",
            target=Target(at_least=60),
            samples=orm,
        ),
        Row(id="P5", what="the same by CPU, process and database together", values=cpu_ratios(ours, orm), unit="x"),
        Row(
            id="P5",
            what="loyalty fold / binary COPY of its rows",
            values=ratios(ours, copies),
            unit="x",
            target=Target(at_least=0.3),
        ),
        Row(
            id="P5",
            what="loyalty fold",
            values=rates(ours),
            unit="events/s",
            target=Target(at_least=5_000),
            absolute=True,
            samples=ours,
        ),
    ]
