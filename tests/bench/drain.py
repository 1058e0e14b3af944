"""P9, P16: webhooks at full speed through all four services until nothing is left, and what they hold in memory."""

import itertools
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final

from tests.bench.figures import Result, Row, Sample, Target, rates
from tests.bench.profiles import profiled
from tests.bench.system import System, system
from tests.bench.terms import Terms

_ORDERS: Final = 20_000
_WARM: Final = 500
_MOST_REPEATS: Final = 3
"""Two thirds of a minute each at the target's rate: three say what five would."""
_FACTS: Final = "SELECT sum(next_seq - 1)::int8 FROM outbox_lane"


async def drain(terms: Terms) -> Result:
    """Posted as fast as they are taken, drained to the last message decision; nobody of the shop wants mail."""
    orders = terms.sized(_ORDERS)
    samples: list[Sample] = []
    memory: list[dict[str, float]] = []
    result = Result()
    async with system() as found:
        await found.post(min(_WARM, orders))
        await found.drain()
        before = found.cpu_seconds()
        for _ in range(min(terms.repeats, _MOST_REPEATS)):
            samples.append(await _drained(found, orders))
            memory.append(found.resident_mb())
        shares = _shares(before, found.cpu_seconds(), sum(sample.units for sample in samples))
        facts = await _facts(found)
        if not terms.is_short:
            await _profile(found, orders // 4, terms, result)
    result.rows = [*_drain_rows(samples, shares), *_memory_rows(memory, facts)]
    return result


async def _drained(found: System, orders: int) -> Sample:
    meter = found.meter()
    with meter.running():
        await found.post(orders)
        await found.drain()
    return meter.sample(orders)


async def _profile(found: System, orders: int, terms: Terms, result: Result) -> None:
    """The workers' flame graphs, all of one more drain."""
    async with AsyncExitStack() as spies:
        for name, pid in found.services.items():
            if name.endswith("-worker"):
                await spies.enter_async_context(profiled(pid, terms.svg(name), result))
        await _drained(found, orders)


def _shares(before: Mapping[str, float], after: Mapping[str, float], orders: int) -> str:
    """Milliseconds of CPU per order by process, the busiest first."""
    spent = {name: (after[name] - before[name]) / orders * 1e3 for name in after}
    return ", ".join(f"{name} {spent[name]:.2f} ms" for name in sorted(spent, key=lambda name: -spent[name]))


async def _facts(found: System) -> int:
    count = 0
    for service in found.arena.stack.urls:
        async with found.arena.admin(service) as connection:
            count += await connection.fetchval(_FACTS) or 0
    return count


def _drain_rows(samples: list[Sample], shares: str) -> list[Row]:
    return [
        Row(
            id="P9",
            what="webhooks posted and drained, all four services",
            values=rates(samples),
            unit="orders/s",
            target=Target(at_least=800),
            absolute=True,
            samples=samples,
        ),
        Row(
            id="P9",
            what="CPU per order, services and database",
            values=[sample.cpu_us / 1e3 for sample in samples],
            unit="ms",
            target=Target(at_most=2.2),
            absolute=True,
            note=shares,
        ),
    ]


def _memory_rows(memory: list[dict[str, float]], facts: int) -> list[Row]:
    last = memory[-1]
    largest = max(last, key=lambda name: last[name])
    growth = [after[name] / before[name] - 1 for before, after in itertools.pairwise(memory) for name in after]
    rows = [
        Row(
            id="P16",
            what=f"resident memory of each process after {facts:,} events",
            values=list(last.values()),
            unit="MB",
            target=Target(at_most=150),
            absolute=True,
            note=f"the largest is {largest} with {last[largest]:.0f} MB",
        )
    ]
    if growth:
        rows.append(
            Row(id="P16", what="its growth from one drain to the next", values=[100 * g for g in growth], unit="%")
        )
    return rows
